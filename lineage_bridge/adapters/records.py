"""Records: artifacts, read and typed, with the names that their upstream uses.

A record has no identity yet: which dataset or model its names mean is decided later, from all
records together. Times are aware UTC; `flags` are oddities that a reader should know but must not
stop for, such as `unzoned_time`.

A stored record has the name of its shape (`shape_of`). Whoever changes a class so that its stored
records would mean something else must raise its `SHAPE`: the files are then read again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Literal, get_args

import msgspec

from lineage_bridge.errors import ArtifactError

Family = Literal["p2", "p4", "p5", "p6"]


class Source(msgspec.Struct, frozen=True):
    """Where a record was found.

    Attributes:
        path: absolute path.
        shown: path relative to the folder that the user named.
        sha256: of the file's bytes, None if it was not read whole.
        line: counted from 1, None for a whole file.
    """

    family: Family
    path: str
    shown: str
    sha256: str | None = None
    line: int | None = None


class Column(msgspec.Struct, frozen=True):
    """A column: its type as the file spells it, and how many nulls the statistics count."""

    name: str
    type: str
    nulls: int | None = None


class DatasetRecord(msgspec.Struct, frozen=True, tag="dataset", kw_only=True):
    """One build of a feature dataset.

    Attributes:
        stem: the file's stem, which P2 uses as the dataset's name.
        version: as spelt by the artifact.
        built: when it was written; `built_basis` is the source of that (`metadata` or `mtime`).
        upstream: path of the database it was built from, as the builder typed it.
        footer_sha256: over the parquet footer and the file's size.
        observed_from, observed_to: the first and last event time in it.
        zoned: whether its event times name a zone.
    """

    source: Source
    stem: str
    version: str
    built: datetime
    built_basis: str = "metadata"
    upstream: str | None = None
    file_bytes: int | None = None
    footer_sha256: str | None = None
    rows: int | None = None
    columns: tuple[Column, ...] = ()
    feature_count: int | None = None
    positive_rate: float | None = None
    entities: int | None = None
    observed_from: datetime | None = None
    observed_to: datetime | None = None
    zoned: bool | None = None
    target: str | None = None
    entity: str | None = None
    event_time: str | None = None
    flags: tuple[str, ...] = ()

    SHAPE: ClassVar[int] = 1


class TrainingRecord(msgspec.Struct, frozen=True, tag="training", kw_only=True):
    """One training run and the model that came out of it.

    Attributes:
        run_id: as the upstream spells it.
        model: the model's name; for P2's own the algorithm key of the metrics file.
        version: None where the artifact has none.
        dataset_path: P2 gives its dataset as a path.
        started, completed: None where unknown; `created` is the fallback for `completed`.
        metrics: every number that was reported, by name.
        parameters: hyper-parameters, as text.
        time_basis: `utc`, or `unzoned` where the artifact's times are local and name no zone.
    """

    source: Source
    run_id: str
    model: str
    version: str | None = None
    model_type: str | None = None
    dataset_name: str | None = None
    dataset_version: str | None = None
    dataset_path: str | None = None
    started: datetime | None = None
    completed: datetime | None = None
    created: datetime | None = None
    metrics: dict[str, float] = {}
    parameters: dict[str, str] = {}
    artifact_uri: str | None = None
    time_basis: Literal["utc", "unzoned"] = "utc"
    flags: tuple[str, ...] = ()

    SHAPE: ClassVar[int] = 1


class PublishedRecord(msgspec.Struct, frozen=True, tag="published", kw_only=True):
    """A model folder that a service reads: `<name>/<folder>/model_metadata.json`."""

    source: Source
    name: str
    folder: str
    version: str | None
    run_id: str | None = None
    dataset_name: str | None = None
    dataset_version: str | None = None
    started: datetime | None = None
    completed: datetime | None = None
    flags: tuple[str, ...] = ()

    SHAPE: ClassVar[int] = 1


class DeploymentRecord(msgspec.Struct, frozen=True, tag="deployment", kw_only=True):
    """One start of one instance of a deployment."""

    source: Source
    time: datetime
    service: str
    service_version: str
    environment: str
    deployment: str
    instance: str | None
    model: str
    model_version: str
    bundle_id: str
    bundle_uri: str
    bundle_created: datetime
    dataset_name: str
    dataset_version: str
    trained_from: datetime
    trained_to: datetime
    activation_reason: str
    traffic_status: str

    SHAPE: ClassVar[int] = 1


Record = DatasetRecord | TrainingRecord | PublishedRecord | DeploymentRecord

encode_record = msgspec.json.Encoder().encode
_decode: Callable[[bytes], Record] = msgspec.json.Decoder(Record).decode


def shape_of(kind: type[Record]) -> str:
    """Return the stored name of a record's shape, such as `dataset/1`."""
    return f"{kind.__struct_config__.tag}/{kind.SHAPE}"


def decode_record(shape: str | None, body: bytes) -> Record:
    """Decode a stored record; its shape is None if it was stored before shapes had names.

    Raises:
        ArtifactError: this version does not have the shape, or the bytes are damaged.
    """
    if shape is not None and shape not in _KNOWN:
        raise ArtifactError(f"it has the shape {shape!r}, which this version does not know")
    try:
        record = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ArtifactError(str(exc)) from exc
    if shape != shape_of(type(record)) and (shape is not None or record.SHAPE != 1):
        raise ArtifactError(f"it is stored as {shape!r}, expected {shape_of(type(record))!r}")
    return record


_KNOWN = {shape_of(kind) for kind in get_args(Record)}
