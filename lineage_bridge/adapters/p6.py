"""P6, the old monitoring layer: dataset and training metadata as JSON, one object in a file.

It repeats facts of P2's and P4's own artifacts at second hand: where both exist, the latter win.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from lineage_bridge.adapters.documents import (
    Document,
    Name,
    Text,
    Time,
    check,
    instant_of,
    zone_flags,
)
from lineage_bridge.adapters.records import DatasetRecord, Source, TrainingRecord
from lineage_bridge.naming import known

VERSION = 1  # raised when artifacts are read differently: all the family's files are read again
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]


class _Dataset(Document):
    dataset_name: Name
    dataset_version: Text
    path: str | None = None
    built_at: Time | None = None
    row_count: Whole | None = None
    feature_count: Whole | None = None
    target: str | None = None
    entity: str | None = None
    event_ts: str | None = None


class _Training(Document):
    run_id: Name
    model_name: Name
    model_version: str | None = None
    input_dataset_name: str | None = None
    input_dataset_version: str | None = None
    started_at: Time | None = None
    completed_at: Time
    metrics: dict[str, float] = Field(default_factory=dict)
    artifact_path: str | None = None


def is_dataset(document: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is P6's dataset metadata."""
    return "dataset_name" in document and "dataset_version" in document


def is_training(document: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is P6's training metadata."""
    return "run_id" in document and "model_name" in document


def read_document(
    document: dict[str, Any], source: Source, *, modified: datetime
) -> DatasetRecord | TrainingRecord | None:
    """Read a dataset's or a training's metadata; return None if it is neither.

    `modified` is the file's own time, for a dataset that names no build time.

    Raises:
        ArtifactError: a field is missing or of the wrong form.
    """
    if is_dataset(document):
        return _dataset(check(_Dataset, document), source, modified)
    if is_training(document):
        return _training(check(_Training, document), source)
    return None


def _dataset(checked: _Dataset, source: Source, modified: datetime) -> DatasetRecord:
    flags = zone_flags(checked.built_at)
    counts = {"row_count": checked.row_count, "feature_count": checked.feature_count}
    flags += [f"negative:{name}" for name, count in counts.items() if (count or 0) < 0]
    return DatasetRecord(
        source=source,
        stem=checked.dataset_name,
        version=checked.dataset_version,
        built=instant_of(checked.built_at) or modified,
        built_basis="metadata" if checked.built_at is not None else "mtime",
        rows=_not_negative(checked.row_count),
        feature_count=_not_negative(checked.feature_count),
        target=known(checked.target),
        entity=known(checked.entity),
        event_time=known(checked.event_ts),
        flags=tuple(flags),
    )


def _not_negative(value: int | None) -> int | None:
    return value if value is not None and value >= 0 else None


def _training(checked: _Training, source: Source) -> TrainingRecord:
    flags = zone_flags(checked.started_at, checked.completed_at)
    started, completed = instant_of(checked.started_at), checked.completed_at.instant
    if started == completed:
        started = None  # P6 writes two equal times if it does not know them
    if started is not None and completed < started:
        flags.append("completed_before_started")
    return TrainingRecord(
        source=source,
        run_id=checked.run_id,
        model=checked.model_name,
        version=known(checked.model_version),
        dataset_name=known(checked.input_dataset_name),
        dataset_version=known(checked.input_dataset_version),
        started=started,
        completed=completed,
        metrics={k: v for k, v in checked.metrics.items() if math.isfinite(v)},
        artifact_uri=known(checked.artifact_path),
        flags=tuple(flags),
    )
