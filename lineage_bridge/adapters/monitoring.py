"""The old monitoring layer (P6): dataset and training metadata as JSON, one object in a file.

It repeats facts of P2's and P4's own artifacts at second hand: where both exist, the latter win.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec.structs import replace
from pydantic import Field

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.common_names import OF_DBT
from lineage_bridge.adapters.documents import (
    Document,
    Name,
    Text,
    Time,
    check,
    check_lengths,
    check_number,
    instant_of,
    parse_json,
    zone_flags,
)
from lineage_bridge.naming import known
from lineage_bridge.records import Build, Claim, Record, Reference, Source, Training
from lineage_bridge.records.build import METADATA, MTIME

Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]

# JSON files of other families that may be in the same folders.
_OF_OTHERS: Final = frozenset(
    {"metadata.json", "metrics.json", "model_metadata.json", "feature_schema.json"}
)
_METRICS: Final = re.compile(r"metrics_.+\.json")


class Monitoring:
    """The adapter of the metadata that the old monitoring layer kept."""

    api = API
    name = "p6"
    title = "Dataset and training metadata of the old monitoring layer"
    version = 3

    def recognise(self, place: Place) -> Kind | None:
        """Recognise any JSON file that is not one of another family by its name."""
        name = place.name
        if (
            not name.endswith(".json")
            or name in _OF_OTHERS
            or place.is_folder
            or OF_DBT.fullmatch(name)
        ):
            return None
        return Kind("metadata") if _METRICS.fullmatch(name) is None else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read one object; any other JSON is none of this family's."""
        document = parse_json(artifact.content())
        if not isinstance(document, dict):
            return
        source = replace(artifact.source, second_hand=True)
        record = read_document(document, source, modified=artifact.modified)
        if record is not None:
            yield record


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
) -> Build | Training | None:
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


def _dataset(checked: _Dataset, source: Source, modified: datetime) -> Build:
    flags = zone_flags(checked.built_at)
    counts = {"row_count": checked.row_count, "feature_count": checked.feature_count}
    flags += [f"negative:{name}" for name, count in counts.items() if (count or 0) < 0]
    return Build(
        source=source,
        dataset=Claim(
            name=checked.dataset_name, version=checked.dataset_version, field="dataset_name"
        ),
        reads=(
            Reference(
                what="table",
                field="upstream_db_path",
                mend="P6's JSON does not say it; read the parquet file with --p2",
            ),
        ),
        built=instant_of(checked.built_at) or modified,
        built_basis=METADATA if checked.built_at is not None else MTIME,
        rows=_not_negative(checked.row_count),
        feature_count=_not_negative(checked.feature_count),
        target=known(checked.target),
        entity=known(checked.entity),
        event_time=known(checked.event_ts),
        flags=tuple(flags),
    )


def _not_negative(value: int | None) -> int | None:
    return value if value is not None and value >= 0 else None


def _training(checked: _Training, source: Source) -> Training:
    check_number("metrics", len(checked.metrics))
    check_lengths({"metrics": max(checked.metrics, key=len, default="")})
    flags = zone_flags(checked.started_at, checked.completed_at)
    started, completed = instant_of(checked.started_at), checked.completed_at.instant
    if started == completed:
        started = None  # P6 writes two equal times if it does not know them
    if started is not None and completed < started:
        flags.append("completed_before_started")
    return Training(
        source=source,
        run_id=checked.run_id,
        model=Claim(
            what="model",
            name=checked.model_name,
            version=known(checked.model_version),
            field="model_name",
        ),
        reads=(
            Reference(
                name=known(checked.input_dataset_name),
                version=known(checked.input_dataset_version),
                field="input_dataset_name",
                mend="read the folder that holds the file with --p2, or keep its file longer",
            ),
        ),
        started=started,
        completed=completed,
        metrics={k: v for k, v in checked.metrics.items() if math.isfinite(v)},
        artifact_uri=known(checked.artifact_path),
        time_basis="utc",
        flags=tuple(flags),
    )


ADAPTER: Final = Monitoring()
