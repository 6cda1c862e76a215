"""P4, the trainer: bundles `<run_id>/{metadata.json, metrics.json, model_uri.txt}`.

Two forms are known: the older one has no model version, dataset or times. No value is made up for
it: absent values stay absent (P6 read a missing RMSE as 0.0, a perfect model).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from lineage_bridge.adapters.documents import (
    Document,
    Name,
    Time,
    check,
    instant_of,
    parse_object,
    shown,
    zone_flags,
)
from lineage_bridge.adapters.records import Source, TrainingRecord
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known
from lineage_bridge.times import Stamp

VERSION = 1  # raised when artifacts are read differently: all the family's files are read again
IDENTIFYING_KEYS = frozenset({"run_id", "candidate_name"})


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


def read_bundle(metadata: bytes, source: Source, *, folder: str) -> TrainingRecord | None:
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
    return TrainingRecord(
        source=source,
        run_id=checked.run_id,
        model=checked.candidate_name,
        version=known(checked.model_version),
        model_type=known(checked.model_type),
        dataset_name=known(checked.input_dataset_name),
        dataset_version=known(checked.input_dataset_version),
        started=instant_of(checked.started_at),
        completed=instant_of(checked.completed_at),
        created=instant_of(checked.created_at),
        flags=_flags(checked, folder),
    )


def _flags(checked: _Metadata, folder: str) -> tuple[str, ...]:
    flags = zone_flags(checked.created_at, checked.started_at, checked.completed_at)
    if _backwards(checked.started_at, checked.completed_at):
        flags.append("completed_before_started")
    if folder != checked.run_id:
        flags.append("run_id_not_folder")
    return tuple(flags)


def _backwards(started: Stamp | None, completed: Stamp | None) -> bool:
    return started is not None and completed is not None and completed.instant < started.instant


def read_metrics(content: bytes) -> tuple[dict[str, float], tuple[str, ...]]:
    """Read a bundle's `metrics.json`: the finite numbers by name, and flags for the others.

    Raises:
        ArtifactError: the content is no JSON object, or a value is no number.
    """
    document = parse_object(content)
    metrics: dict[str, float] = {}
    flags: list[str] = []
    for name, value in document.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ArtifactError(f"expected a number, found {shown(value)}", field=name)
        if math.isfinite(value):
            metrics[name] = float(value)
        else:
            flags.append(f"not_finite:{name}")
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
    return lines[0].strip()
