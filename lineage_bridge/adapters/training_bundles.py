"""The trainer's bundles (P4): `<run_id>/{metadata.json, metrics.json, model_uri.txt}`.

Two forms are known: the older one has no model version, dataset or times. No value is made up for
it: absent values stay absent (P6 read a missing RMSE as 0.0, a perfect model).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace
from pydantic import field_validator

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import (
    Document,
    Name,
    Time,
    as_number,
    check,
    check_lengths,
    check_number,
    instant_of,
    parse_object,
    shown,
    zone_flags,
)
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known
from lineage_bridge.records import Claim, Record, Reference, Source, Training
from lineage_bridge.records.training import MISPLACED, NOT_FINITE
from lineage_bridge.times import Stamp

IDENTIFYING_KEYS: Final = frozenset({"run_id", "candidate_name"})
METRICS: Final = "metrics.json"
MODEL_URI: Final = "model_uri.txt"
BUNDLE: Final = Kind("bundle", companions=(METRICS, MODEL_URI))


class TrainingBundles:
    """The adapter of bundles: the metadata, with what its companions say."""

    api = API
    name = "p4"
    title = "Training bundles"
    version = 3

    def recognise(self, place: Place) -> Kind | None:
        """Recognise the metadata, which leads to its companions."""
        return BUNDLE if place.name == "metadata.json" else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read one bundle."""
        content = artifact.content()
        record = read_bundle(content, artifact.source, folder=artifact.folders[-1])
        if record is None:
            return
        try:
            if (numbers := artifact.companion(METRICS)) is not None:
                metrics, flags = read_metrics(numbers)
                record = replace(record, metrics=metrics, flags=record.flags + flags)
        except ArtifactError as exc:
            yield Problem(METRICS, exc)
        try:
            if (uri := artifact.companion(MODEL_URI)) is not None:
                record = replace(record, artifact_uri=read_model_uri(uri))
        except ArtifactError as exc:
            yield Problem(MODEL_URI, exc)
        yield record


class _Metadata(Document):
    run_id: Name
    candidate_name: Name
    model_type: str | None = None
    created_at: Time | None = None
    model_version: str | None = None
    input_dataset_name: str | None = None
    input_dataset_version: str | None = None
    started_at: Time | None = None
    completed_at: Time | None = None

    @field_validator("model_version", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        # A number is accepted as a version, by its text: 3 is "3". A boolean is not.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if is_number else value


def is_bundle(document: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a bundle's metadata."""
    return bool(IDENTIFYING_KEYS & document.keys())


def read_bundle(metadata: bytes, source: Source, *, folder: str) -> Training | None:
    """Read a bundle's `metadata.json`; None if it is a JSON object of another kind.

    `folder` is the name of the bundle's folder, which should be the run id.

    Raises:
        ArtifactError: the content is no JSON object, or a field is missing or of the wrong form.
    """
    document = parse_object(metadata)
    if not is_bundle(document):
        return None
    checked = check(_Metadata, document)
    if checked.created_at is None and checked.completed_at is None:
        raise ArtifactError("is missing, and so is `completed_at`", field="created_at")
    return Training(
        source=source,
        run_id=checked.run_id,
        model=Claim(
            what="model",
            name=checked.candidate_name,
            version=known(checked.model_version),
            field="candidate_name",
        ),
        reads=(
            Reference(
                name=known(checked.input_dataset_name),
                version=known(checked.input_dataset_version),
                field="input_dataset_name",
                mend="read the folder that holds the file with --p2, or keep its file longer",
            ),
        ),
        model_type=known(checked.model_type),
        started=instant_of(checked.started_at),
        completed=instant_of(checked.completed_at),
        created=instant_of(checked.created_at),
        time_basis="utc",
        flags=_flags(checked, folder),
    )


def _flags(checked: _Metadata, folder: str) -> tuple[str, ...]:
    flags = zone_flags(checked.created_at, checked.started_at, checked.completed_at)
    if _backwards(checked.started_at, checked.completed_at):
        flags.append("completed_before_started")
    if folder != checked.run_id:
        flags.append(MISPLACED)
    return tuple(flags)


def _backwards(started: Stamp | None, completed: Stamp | None) -> bool:
    return started is not None and completed is not None and completed.instant < started.instant


def read_metrics(content: bytes) -> tuple[dict[str, float], tuple[str, ...]]:
    """Read a bundle's `metrics.json`: the finite numbers by name, and flags for the others.

    Raises:
        ArtifactError: the content is no JSON object, has too many numbers, or a value is none.
    """
    document = parse_object(content)
    check_number("metrics", len(document))
    check_lengths({METRICS: max(document, key=len, default="")})
    metrics: dict[str, float] = {}
    flags: list[str] = []
    for name, value in document.items():
        if value is None:
            continue
        number = as_number(value)
        if number is None:
            raise ArtifactError(f"expected a number, found {shown(value, name)}", field=name)
        if math.isfinite(number):
            metrics[name] = number
        else:
            flags.append(f"{NOT_FINITE}{name}")
    return metrics, tuple(flags)


def read_model_uri(content: bytes) -> str:
    """Read a bundle's `model_uri.txt`: one line of text.

    Raises:
        ArtifactError: the content is not one line of UTF-8.
    """
    try:
        lines = content.decode("utf-8-sig").strip().splitlines()
    except UnicodeDecodeError as exc:
        reason = f"is not UTF-8 (byte {exc.start}), expected one line with a URI"
        raise ArtifactError(reason) from exc
    if len(lines) != 1 or not lines[0].isprintable():
        raise ArtifactError(f"expected one line with a URI, found {len(lines)} lines")
    check_lengths({"model_uri.txt": lines[0]})
    return lines[0].strip()


ADAPTER: Final = TrainingBundles()
