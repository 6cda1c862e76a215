"""Whether there is a version at all, and what it says of itself: the five checks of P6."""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.definition import Case, Check, Verdict, skipped, verdict
from lineage_bridge.times import format_time

_UNSTAMPED: Final = "its producer stamps no builds"
_NOT_READ: Final = "there is nothing that can be read"


def _there(case: Case) -> Verdict:
    is_there = case.now.is_there
    return verdict("there" if is_there else "not there", "there", holds=is_there)


def _readable(case: Case) -> Verdict:
    if not case.now.is_there:
        return skipped(_NOT_READ)
    trouble = case.now.trouble
    return verdict(trouble or "readable", "readable", holds=trouble is None)


def _named(case: Case) -> Verdict:
    return _said(case, case.now.dataset, "a name")


def _versioned(case: Case) -> Verdict:
    if case.now.is_unstamped:
        return skipped(_UNSTAMPED)
    return _said(case, case.now.version, "a version")


def _said(case: Case, value: str | None, expected: str) -> Verdict:
    if not case.now.is_read:
        return skipped(_NOT_READ)
    return verdict(value or "none", expected, holds=value is not None)


def _built(case: Case) -> Verdict:
    if not case.now.is_read:
        return skipped(_NOT_READ)
    if case.now.is_unstamped:
        return skipped(_UNSTAMPED)
    built, trouble = case.now.built, case.now.built_trouble
    actual = trouble or (format_time(built) if built is not None else "none")
    return verdict(actual, "a time", holds=built is not None)


CHECKS: Final = (
    Check(
        "file_exists",
        "error",
        "the path with what is there",
        "it was moved or deleted on purpose",
        _there,
    ),
    Check(
        "readable",
        "error",
        "the file with its format: parquet to its last row, or a JSON object (P6's `valid_json`)",
        "it is being written at this moment",
        _readable,
    ),
    Check(
        "dataset_name_present",
        "error",
        "the dataset's name with nothing: the file's name, or what the metadata says",
        "any text is a name",
        _named,
    ),
    Check(
        "dataset_version_present",
        "error",
        "the version with nothing: a stamp in the footer or the name, or what the metadata says",
        "datasets of others may have no version, and be known by their time",
        _versioned,
    ),
    Check(
        "freshness_computable",
        "error",
        "the time of the build with what is a time",
        "a clock that is wrong says a time too",
        _built,
    ),
)
