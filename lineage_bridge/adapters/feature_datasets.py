"""The feature pipeline (P2): feature datasets (parquet), and the trainings that it does itself.

Only the footer and the statistics of a dataset are read, never its rows. Source of the keys and
their traps: P2 writes seven text values into the schema metadata; the file stem is the only name;
the build stamp is UTC, the training stamp is local time without a zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

from msgspec.structs import replace

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import (
    MAX_ITEMS,
    Document,
    Text,
    as_number,
    check,
    check_lengths,
    check_number,
    instant_of,
    parse_object,
    shown,
)
from lineage_bridge.adapters.feature_columns import MADE_OF, TABLE
from lineage_bridge.adapters.parquet_footer import Footer, read_footer
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known, parse_stamp, version_time
from lineage_bridge.records import Build, Claim, Column, Record, Reference, Source, Training
from lineage_bridge.times import Stamp, parse_time

TARGET: Final = "target_empty_next_hour"
ENTITY: Final = "station_id"
EVENT_TIME: Final = "obs_ts"
CUTOFF: Final = "feature_cutoff_ts"
FEATURE_PREFIX: Final = "ft_"
MAX_COUNT: Final = 2**53  # the largest whole number that JSON carries everywhere

DATASET: Final = Kind("dataset")
METRICS: Final = Kind("metrics")

# Any of these in the footer, or all of these columns, make a parquet file a P2 dataset.
_KEYS: Final = frozenset({"upstream_db_path", "build_timestamp", "positive_rate", "station_count"})
_COLUMNS: Final = frozenset({ENTITY, EVENT_TIME, CUTOFF, "label_window_end", TARGET})
WANTED: Final = _KEYS | {"obs_ts_min", "obs_ts_max", "row_count"}
_METRICS: Final = re.compile(r"metrics_.+\.json")


class FeatureDatasets:
    """The adapter of feature datasets and of the trainings beside them."""

    api = API
    name = "p2"
    title = "Feature datasets (parquet) and P2's own trainings"
    version = 4

    def recognise(self, place: Place) -> Kind | None:
        """Recognise any parquet file, and a metrics file by its name."""
        if place.name.endswith(".parquet"):
            return DATASET
        return METRICS if _METRICS.fullmatch(place.name) else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read one dataset's footer, or the trainings of one metrics file."""
        if artifact.kind is METRICS:
            content = artifact.content()
            yield from read_trainings(content, artifact.source) or ()
        elif (record := read_dataset(artifact)) is not None:
            yield record


def read_dataset(artifact: Artifact) -> Build | None:
    """Read a training dataset's footer; None if the file is a readable parquet of another kind.

    Raises:
        ArtifactError: the file is no parquet, or a P2 dataset without a usable build time.
    """
    return dataset_of(artifact, read_footer(artifact, WANTED))


def dataset_of(artifact: Artifact, footer: Footer) -> Build | None:
    """Read a training dataset's footer, as `read_dataset`; `footer` has the keys that are wanted.

    Raises:
        ArtifactError: it is a P2 dataset without a usable build time.
    """
    metadata, names = footer.metadata, footer.schema.names
    if not _KEYS & metadata.keys():
        if set(names) >= _COLUMNS:
            raise ArtifactError(
                "has P2's columns but none of P2's keys in its footer; build it again with P2",
                field="upstream_db_path",
            )
        return None
    flags = [f"not_utf8:{name}" for name in footer.not_utf8]
    stamp, built = _built(metadata)
    columns = footer.columns()
    observed_from, observed_to, zoned = _observed(metadata, flags)
    flags += _schema_flags(footer.schema, columns)
    flags += _row_flags(metadata, footer.rows)
    return Build(
        source=artifact.source,
        dataset=Claim(
            name=PurePath(artifact.path).stem,
            version=stamp,
            path=artifact.path,
            sha256=footer.sha256,
            field="build_timestamp",
        ),
        reads=(_upstream(metadata),),
        built=built,
        file_bytes=artifact.size,
        rows=footer.rows,
        columns=tuple(replace(c, made_of=MADE_OF.get(c.name)) for c in columns),
        table=TABLE,
        feature_count=sum(c.name.startswith(FEATURE_PREFIX) for c in columns),
        positive_rate=_number(metadata, "positive_rate", flags),
        entities=_count(metadata, "station_count", flags),
        observed_from=observed_from,
        observed_to=observed_to,
        zoned=zoned,
        target=TARGET if TARGET in names else None,
        entity=ENTITY if ENTITY in names else None,
        event_time=EVENT_TIME if EVENT_TIME in names else None,
        flags=tuple(flags),
    )


def _upstream(metadata: Mapping[str, str]) -> Reference:
    return Reference(
        what="table",
        path=known(metadata.get("upstream_db_path")),
        field="upstream_db_path",
        mend="build the dataset again with P2 from a named database",
    )


def _built(metadata: Mapping[str, str]) -> tuple[str, datetime]:
    stamp = metadata.get("build_timestamp")
    if stamp is None:
        raise ArtifactError("is missing in the footer's metadata", field="build_timestamp")
    built = version_time(stamp)
    if built is None:
        reason = f"expected YYYYMMDD_HHMMSS in UTC, found {shown(stamp)}"
        raise ArtifactError(reason, field="build_timestamp")
    return stamp, built


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
    if value is not None and value > MAX_COUNT:
        flags.append(f"unreadable:{key}")
        return None
    return int(value) if value is not None and value >= 0 else None


class _Metrics(Document):
    run_timestamp: Text
    input_parquet: Text


def is_metrics(document: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a metrics file of P2's own training."""
    return "run_timestamp" in document and "input_parquet" in document


def read_trainings(content: bytes, source: Source) -> list[Training] | None:
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
    trainings: list[Training] = []
    number = 0
    for algorithm, result in _algorithms(document):
        training = _training(checked, algorithm, result, source)
        number += 1 + len(training.metrics) + len(training.parameters)
        check_number("algorithms, metrics and parameters", number)
        trainings.append(training)
    return trainings


def _training(
    checked: _Metrics, algorithm: str, result: Mapping[str, Any], source: Source
) -> Training:
    metrics = dict(islice(_flat_numbers(result["metrics"]), MAX_ITEMS + 1))
    parameters = _parameters(result)
    check_lengths({algorithm: max((algorithm, *parameters), key=len)})
    check_lengths(parameters)
    return Training(
        source=source,
        run_id=f"{algorithm}/{checked.run_timestamp}",
        model=Claim(
            what="model",
            name=algorithm,
            version=checked.run_timestamp,
            within="p2",
            field=algorithm,
        ),
        reads=(
            Reference(
                path=known(checked.input_parquet),
                field="input_parquet",
                mend="read the folder that holds the file with --p2, or keep its file longer",
            ),
        ),
        model_type=algorithm,
        completed=parse_stamp(checked.run_timestamp),
        metrics=metrics,
        parameters=parameters,
        time_basis="unzoned",
    )


def _algorithms(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    # The baselines are one level deeper, so every member with metrics of its own is an algorithm.
    return [
        (key, value)
        for key, value in document.items()
        if isinstance(value, dict) and isinstance(value.get("metrics"), dict) and key.strip()
    ]


def _flat_numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the finite numbers, of nested ones with all their names; no name gets too long."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        check_lengths({"metrics": name})
        if isinstance(value, dict):
            yield from _flat_numbers(value, f"{name}.")
        elif (number := as_number(value)) is not None and math.isfinite(number):
            yield name, number


def _parameters(result: Mapping[str, Any]) -> dict[str, str]:
    given = result.get("hyperparams")
    if not isinstance(given, dict):
        return {}
    return {str(key): str(value) for key, value in given.items() if value is not None}


ADAPTER: Final = FeatureDatasets()
