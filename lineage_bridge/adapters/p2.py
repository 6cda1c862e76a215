"""P2, the feature pipeline: training datasets (parquet) and its own trained models.

Only the footer and the statistics of a dataset are read, never its rows. Source of the keys and
their traps: P2 writes seven text values into the schema metadata; the file stem is the only name;
the build stamp is UTC, the training stamp is local time without a zone.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_bridge.adapters.documents import (
    Document,
    Text,
    check,
    instant_of,
    parse_object,
    shown,
)
from lineage_bridge.adapters.records import Column, DatasetRecord, Source, TrainingRecord
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known, parse_stamp, version_time
from lineage_bridge.times import Stamp, parse_time

if TYPE_CHECKING:
    import pyarrow.parquet as pq

VERSION = 1  # raised when artifacts are read differently: all the family's files are read again
TARGET = "target_empty_next_hour"
ENTITY = "station_id"
EVENT_TIME = "obs_ts"
FEATURE_PREFIX = "ft_"

# Any of these in the footer, or all of these columns, make a parquet file a P2 dataset.
_KEYS = frozenset({"upstream_db_path", "build_timestamp", "positive_rate", "station_count"})
_COLUMNS = frozenset({ENTITY, EVENT_TIME, "feature_cutoff_ts", "label_window_end", TARGET})
_FOOTER_TAIL = 8  # bytes: the length of the footer, and the magic


def read_dataset(path: Path, source: Source) -> DatasetRecord | None:
    """Read a training dataset's footer; None if the file is a readable parquet of another kind.

    Raises:
        ArtifactError: the file is no parquet, or a P2 dataset without a usable build time.
    """
    footer, footer_sha256 = _read_footer(path)
    schema = footer.schema.to_arrow_schema()
    metadata, flags = _metadata(footer.metadata or {})
    if not _KEYS & metadata.keys():
        if set(schema.names) >= _COLUMNS:
            raise ArtifactError(
                "has P2's columns but none of P2's keys in its footer; build it again with P2",
                field="upstream_db_path",
            )
        return None
    stamp, built = _built(metadata)
    columns = _columns(footer, schema)
    observed_from, observed_to, zoned = _observed(metadata, flags)
    flags += _schema_flags(schema, columns)
    flags += _row_flags(metadata, footer.num_rows)
    return DatasetRecord(
        source=source,
        stem=path.stem,
        version=stamp,
        built=built,
        upstream=known(metadata.get("upstream_db_path")),
        file_bytes=path.stat().st_size,
        footer_sha256=footer_sha256,
        rows=footer.num_rows,
        columns=columns,
        feature_count=sum(c.name.startswith(FEATURE_PREFIX) for c in columns),
        positive_rate=_number(metadata, "positive_rate", flags),
        entities=_count(metadata, "station_count", flags),
        observed_from=observed_from,
        observed_to=observed_to,
        zoned=zoned,
        target=TARGET if TARGET in schema.names else None,
        entity=ENTITY if ENTITY in schema.names else None,
        event_time=EVENT_TIME if EVENT_TIME in schema.names else None,
        flags=tuple(flags),
    )


def _read_footer(path: Path) -> tuple[pq.FileMetaData, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            footer_sha256 = _hash_footer(file)
            file.seek(0)
            return pq.read_metadata(file), footer_sha256
    except (pa.ArrowException, OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise ArtifactError(f"is no parquet file: {why.splitlines()[0]}") from exc


def _hash_footer(file: Any) -> str:
    # The footer lists every column chunk with its sizes and statistics, so together with the
    # file's size it identifies the content without reading it.
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _FOOTER_TAIL))
    length = int.from_bytes(file.read(4), "little")
    file.seek(max(0, size - _FOOTER_TAIL - min(length, size)))
    return hashlib.sha256(file.read() + str(size).encode()).hexdigest()


def _metadata(raw: Mapping[bytes, bytes]) -> tuple[dict[str, str], list[str]]:
    texts: dict[str, str] = {}
    flags: list[str] = []
    for key, value in raw.items():
        name = key.decode("utf-8", "replace")
        if name == "ARROW:schema":
            continue
        try:
            texts[name] = value.decode()
        except UnicodeDecodeError:
            texts[name] = ""
            flags.append(f"not_utf8:{name}")
    return texts, flags


def _built(metadata: Mapping[str, str]) -> tuple[str, datetime]:
    stamp = metadata.get("build_timestamp")
    if stamp is None:
        raise ArtifactError("is missing in the footer's metadata", field="build_timestamp")
    built = version_time(stamp)
    if built is None:
        reason = f"expected YYYYMMDD_HHMMSS in UTC, found {shown(stamp)}"
        raise ArtifactError(reason, field="build_timestamp")
    return stamp, built


def _columns(footer: pq.FileMetaData, schema: Any) -> tuple[Column, ...]:
    nulls = _null_counts(footer)
    flat = footer.num_columns == len(schema.names)
    seen: dict[str, Column] = {}
    for index, field in enumerate(schema):
        count = nulls[index] if flat else None
        seen.setdefault(field.name, Column(field.name, str(field.type), count))
    return tuple(seen.values())


def _null_counts(footer: pq.FileMetaData) -> list[int | None]:
    counts: list[int | None] = [0] * footer.num_columns
    for group in range(footer.num_row_groups):
        chunks = footer.row_group(group)
        for index in range(footer.num_columns):
            statistics = chunks.column(index).statistics
            before = counts[index]
            if before is None or statistics is None or not statistics.has_null_count:
                counts[index] = None
            else:
                counts[index] = before + statistics.null_count
    return counts


def _observed(
    metadata: Mapping[str, str], flags: list[str]
) -> tuple[datetime | None, datetime | None, bool | None]:
    first, last = (_stamp(metadata, key, flags) for key in ("obs_ts_min", "obs_ts_max"))
    said = last or first
    return instant_of(first), instant_of(last), said.zoned if said is not None else None


def _stamp(metadata: Mapping[str, str], key: str, flags: list[str]) -> Stamp | None:
    text = known(metadata.get(key))
    try:
        return parse_time(text.replace(" ", "T", 1)) if text else None
    except ValueError:
        flags.append(f"unreadable:{key}")
        return None


def _schema_flags(schema: Any, columns: tuple[Column, ...]) -> list[str]:
    from pyarrow import types

    flags = []
    if len(columns) < len(schema.names):
        flags.append("duplicate_columns")
    if TARGET not in schema.names:
        flags.append("no_target")
    flags += [
        f"not_numeric:{field.name}"
        for field in schema
        if field.name.startswith(FEATURE_PREFIX)
        and not (types.is_integer(field.type) or types.is_floating(field.type))
    ]
    return flags


def _row_flags(metadata: Mapping[str, str], rows: int) -> list[str]:
    said = metadata.get("row_count")
    return [] if said is None or said == str(rows) else ["row_count_differs"]


def _number(metadata: Mapping[str, str], key: str, flags: list[str]) -> float | None:
    text = known(metadata.get(key))
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    flags.append(f"unreadable:{key}")
    return None


def _count(metadata: Mapping[str, str], key: str, flags: list[str]) -> int | None:
    value = _number(metadata, key, flags)
    return int(value) if value is not None and value >= 0 else None


class _Metrics(Document):
    run_timestamp: Text
    input_parquet: Text


def is_metrics(document: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a metrics file of P2's own training."""
    return "run_timestamp" in document and "input_parquet" in document


def read_trainings(content: bytes, source: Source) -> list[TrainingRecord] | None:
    """Read `metrics_<stamp>.json`, one training for each algorithm; None if it is another file.

    Raises:
        ArtifactError: the content is no JSON object, or a field is missing or of the wrong form.
    """
    document = parse_object(content)
    if not is_metrics(document):
        return None
    checked = check(_Metrics, document)
    if parse_stamp(checked.run_timestamp) is None:
        reason = f"expected YYYYMMDD_HHMMSS, found {shown(checked.run_timestamp)}"
        raise ArtifactError(reason, field="run_timestamp")
    return [
        TrainingRecord(
            source=source,
            run_id=f"{algorithm}/{checked.run_timestamp}",
            model=algorithm,
            version=checked.run_timestamp,
            model_type=algorithm,
            dataset_path=checked.input_parquet,
            completed=parse_stamp(checked.run_timestamp),
            metrics=_flat_numbers(result["metrics"]),
            parameters=_parameters(result),
            time_basis="unzoned",
        )
        for algorithm, result in _algorithms(document)
    ]


def _algorithms(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    # The baselines are one level deeper, so every member with metrics of its own is an algorithm.
    return [
        (key, value)
        for key, value in document.items()
        if isinstance(value, dict) and isinstance(value.get("metrics"), dict) and key.strip()
    ]


def _flat_numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(_flat_numbers(value, f"{prefix}{key}."))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{key}"] = float(value)
    return {key: value for key, value in flat.items() if math.isfinite(value)}


def _parameters(result: Mapping[str, Any]) -> dict[str, str]:
    given = result.get("hyperparams")
    if not isinstance(given, dict):
        return {}
    return {str(key): str(value) for key, value in given.items() if value is not None}


def later_of_stamp_and_build(stamp: datetime, built: datetime | None) -> datetime:
    """Return the earliest time at which a P2 training can have ended.

    Its stamp is local time without a zone: read as UTC it may come before the build of the dataset
    that was trained on, which is impossible.
    """
    return max(stamp, built) if built is not None else stamp.astimezone(UTC)
