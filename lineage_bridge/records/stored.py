"""Records as they are kept: JSON, with the name of the shape that it has.

Whoever changes a class so that its stored records would mean something else must raise its `SHAPE`:
the files are then read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from lineage_bridge.errors import ArtifactError
from lineage_bridge.masking import masked_values
from lineage_bridge.records.build import Build
from lineage_bridge.records.change import Change
from lineage_bridge.records.promotion import Promotion
from lineage_bridge.records.publication import Publication
from lineage_bridge.records.report import Report
from lineage_bridge.records.start import Start
from lineage_bridge.records.step import Step
from lineage_bridge.records.training import Training
from lineage_bridge.records.transformation import Transformation

Record = (
    Build | Training | Publication | Promotion | Start | Change | Step | Transformation | Report
)

encode_record = msgspec.json.Encoder().encode
Known = TypeVar("Known", bound=Record)
Struct = TypeVar("Struct", bound=msgspec.Struct)
_decode: Callable[[bytes], Record] = msgspec.json.Decoder(Record).decode


def shape_of(kind: type[Record]) -> str:
    """Return the stored name of a record's shape, such as `build/1`."""
    return f"{kind.__struct_config__.tag}/{kind.SHAPE}"


def decode_record(shape: str, body: bytes) -> Record:
    """Decode a stored record.

    Raises:
        ArtifactError: this version does not have the shape, or the bytes are damaged.
    """
    if shape not in _KNOWN:
        raise ArtifactError(f"it has the shape {shape!r}, which this version does not know")
    try:
        record = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ArtifactError(str(exc)) from exc
    if shape != shape_of(type(record)):
        raise ArtifactError(f"it is stored as {shape!r}, expected {shape_of(type(record))!r}")
    return record


def without_secrets(record: Known) -> Known:
    """Return a record with the secrets in its words masked, such as the login of a database.

    Whatever is made of records is told to others: no name, facet or message may have a secret.
    """
    # Where it was found is no word of its own: the file is opened by it.
    return replace(_masked_struct(record), source=record.source)


def _masked_struct(struct: Struct) -> Struct:
    changed = {}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if value and value != (masked := _masked(value)):
            changed[name] = masked
    return replace(struct, **changed) if changed else struct


def _masked(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return masked_values(value)
    if kind is dict:
        is_of_numbers = all(type(member) is float for member in value.values())
        return value if is_of_numbers else masked_values(value)
    if kind is tuple:
        return tuple(map(_masked, value))
    return _masked_struct(value) if isinstance(value, msgspec.Struct) else value


def names_of(record: Record) -> Iterator[tuple[str, str | None]]:
    """Yield every name that a record must have to be linked, after what it is the name of."""
    match record:
        case Build():
            yield "dataset", record.dataset.name
        case Training():
            yield "model", record.model.name
            yield "run", record.run_id
        case Publication():
            yield "model", record.model.name
        case Promotion():
            yield "model", record.model.name
            yield "version", record.model.version
            yield "label", record.label
        case Start():
            yield "service", record.service
            yield "environment", record.environment
            yield "deployment", record.deployment
            yield "model", record.serves[0]
        case Step():
            yield "pipeline", record.project
            yield "step", record.name
        case Transformation():
            yield "job", record.job
        case Report():
            yield "tool", record.tool
            yield "dataset", record.of.said
        case Change():
            yield "repository", record.what


_KNOWN = {shape_of(kind) for kind in get_args(Record)}
