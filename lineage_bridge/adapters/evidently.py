"""Evidently: reports and test suites of 0.4 and 0.7 as JSON, and snapshots of 0.7.

The verdict is Evidently's, by its own method and threshold. A report of 0.7 says neither which
datasets it is of nor when it was made: a snapshot's metadata (`reference`, `current`) does, or the
name of the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.common_names import is_of_another
from lineage_bridge.adapters.documents import as_number, parse_object
from lineage_bridge.assess.assertions import Assertion
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known, split_stem
from lineage_bridge.records import Record, Reference, Report
from lineage_bridge.records.words import stem_of
from lineage_bridge.times import parse_time

TOOL: Final = "evidently"
_REPORT: Final = Kind("report")
HEAD_BYTES: Final = 1024 * 1024  # in which a file says that it is of Evidently
_MARKS: Final = (b'"evidently:metric', b'"drift_by_columns"', b'"stattest_name"')
_SUITE: Final = (b'"tests"', b'"summary"', b'"by_status"')
# Methods whose number is a chance: a small one is drift. Of the others a large one is.
_CHANCES: Final = re.compile(
    r"p_?value|^(?:ks|chisquare|z|anderson|fisher_exact|cramer_von_mises|mannw|t_test|g_test|es"
    r"|tvd|empirical_mmd)$",
    re.IGNORECASE,
)
_DISTANCES: Final = re.compile(
    r"wasserstein|jensen.?shannon|kullback|kl_div|psi|hellinger|energy distance|^ed$",
    re.IGNORECASE,
)
_NOT_JUDGED: Final = {"ERROR", "SKIPPED"}
MEND: Final = 'run it with `metadata={"current": …, "reference": …}` and save the snapshot'


class Metric(NamedTuple):
    """One metric of a report, with the settings that it was made with."""

    params: Mapping[str, Any]
    value: Any


class Evidently:
    """The adapter of Evidently's reports."""

    api = API
    name = "evidently"
    title = "Evidently (reports, test suites and snapshots as JSON)"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        """Recognise JSON: reports are called as somebody likes, and say early what they are."""
        is_json = place.name.endswith(".json") and not place.is_folder
        return _REPORT if is_json and not is_of_another(place.name) else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read one report."""
        with artifact.opened() as file:
            head = file.read(HEAD_BYTES)
        is_suite = all(mark in head for mark in _SUITE)
        if not is_suite and not any(mark in head for mark in _MARKS):
            return
        content = artifact.content()
        document = parse_object(content)
        verdicts = [*_drifts(document), *_tests(document)]
        if not verdicts:
            raise ArtifactError("has no verdict: neither drift nor tests", field="metrics")
        checks: dict[tuple[str, str | None], Assertion] = {}
        for check in verdicts:  # each code is asserted once of a column: by the worst
            key = (check.assertion, check.column) if check is not None else None
            if check is not None and key is not None and (key not in checks or not check.success):
                checks[key] = check
        time = _time(document)
        version = document.get("version")
        yield Report(
            source=artifact.source,
            tool=TOOL,
            tool_version=version if isinstance(version, str) else None,
            time=time or artifact.modified,
            time_is_mtime=time is None,
            of=_dataset(document, artifact),
            reference=_named(document, "reference"),
            suite=known(document.get("name")) if isinstance(document.get("name"), str) else None,
            checks=tuple(checks.values()),
            errors=sum(check is None for check in verdicts),
        )


def _drifts(document: Mapping[str, Any]) -> Iterator[Assertion | None]:
    """Yield whether each column drifted; None of one that says nothing."""
    for metric in _metrics(document):
        if str(metric.params.get("type", "")).endswith(":ValueDrift"):
            yield _drift(
                metric.params.get("column"),
                metric.value,
                metric.params.get("method"),
                metric.params.get("threshold"),
            )
    for entry in _objects(document.get("metrics")):  # of 0.4
        result = _section(entry, "result")
        columns = _section(result, "drift_by_columns")
        single = [result] if "drift_detected" in result else []
        for said in (*columns.values(), *single):
            if isinstance(said, dict) and "stattest_name" in said:
                yield _told(said)


def _metrics(document: Mapping[str, Any]) -> Iterator[Metric]:
    for entry in _objects(document.get("metrics")):
        yield Metric(_section(entry, "config"), entry.get("value"))
    for result in _section(document, "metric_results").values():
        if isinstance(result, dict):
            where = _section(result, "metric_value_location")
            yield Metric(_section(_section(where, "metric"), "params"), result.get("value"))


def _drift(column: Any, value: Any, method: Any, threshold: Any) -> Assertion | None:
    number, limit = as_number(value), as_number(threshold)
    if number is None or limit is None or not (math.isfinite(number) and math.isfinite(limit)):
        return None
    is_chance = bool(_CHANCES.search(str(method)))
    if not is_chance and not _DISTANCES.search(str(method)):
        return None
    drifted = number < limit if is_chance else number >= limit
    return _verdict(column, drifted, number, limit, str(method), is_chance=is_chance)


def _told(said: Mapping[str, Any]) -> Assertion | None:
    """Return what 0.4 found: it says itself whether a column drifted."""
    number, limit = as_number(said.get("drift_score")), as_number(said.get("stattest_threshold"))
    drifted, method = said.get("drift_detected"), str(said.get("stattest_name"))
    if number is None or limit is None or not math.isfinite(number) or type(drifted) is not bool:
        return None
    chance = bool(_CHANCES.search(method))
    return _verdict(said.get("column_name"), drifted, number, limit, method, is_chance=chance)


def _verdict(
    column: Any, drifted: bool, number: float, limit: float, method: str, *, is_chance: bool
) -> Assertion:
    sign = ">=" if is_chance else "<"
    return Assertion(
        "drift",
        not drifted,
        column=column if isinstance(column, str) else None,
        severity="warn" if drifted else None,
        expected=f"{method[:60]} {sign} {limit:g}",
        actual=f"{number:.6g}",
    )


def _tests(document: Mapping[str, Any]) -> Iterator[Assertion | None]:
    """Yield the verdicts of tests, without those of drift, which the metrics tell better."""
    results = _section(document, "metric_results").values()
    inner = [t for r in results if isinstance(r, dict) for t in _objects(r.get("tests"))]
    for test in (*_objects(document.get("tests")), *inner):
        params = _section(_section(test, "metric_config"), "params")
        kind = str(params.get("type", "")).rpartition(":")[2]
        status = str(test.get("status")).rpartition(".")[2].upper()
        if kind == "ValueDrift":
            continue
        if status in _NOT_JUDGED:
            yield None
            continue
        is_critical = _section(test, "test_config").get("is_critical") is not False
        column = params.get("column") or _section(test, "parameters").get("column_name")
        success = status == "SUCCESS"
        is_warning = status == "WARNING" or not is_critical
        name = f"{kind}.{test.get('id')}" if kind else str(test.get("name"))
        yield Assertion(
            name[:200],
            success,
            column=column if isinstance(column, str) else None,
            severity=None if success else "warn" if is_warning else "error",
        )


def _dataset(document: Mapping[str, Any], artifact: Artifact) -> Reference:
    said = _named(document, "current")
    if said is not None:
        return said
    for word in (stem_of(artifact.name) or "", *artifact.folders[-1:]):
        if split_stem(word)[1] is not None:
            return Reference(name=word, field="the name of the file", mend=MEND)
    raise ArtifactError(f"names no dataset: {MEND}", field="metadata.current")


def _named(document: Mapping[str, Any], role: str) -> Reference | None:
    said = _section(document, "metadata").get(role)
    if not isinstance(said, str) or known(said) is None:
        return None
    is_path = "/" in said or "\\" in said
    field = f"metadata.{role}"
    if is_path:
        return Reference(path=said, field=field, mend=MEND)
    return Reference(name=said, field=field, mend=MEND)


def _time(document: Mapping[str, Any]) -> datetime | None:
    """Return when it was made; Evidently writes local time without a zone, read as UTC."""
    said = document.get("timestamp")
    if not isinstance(said, str):
        return None
    try:
        return parse_time(said.strip().replace(" ", "T", 1)).instant
    except ValueError as exc:
        raise ArtifactError(str(exc), field="timestamp") from exc


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


ADAPTER: Final = Evidently()
