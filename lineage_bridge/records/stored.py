"""Records as they are kept: JSON, with the name of the shape that it has.

Whoever changes a class so that its stored records would mean something else must raise its `SHAPE`:
the files are then read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import msgspec

from lineage_bridge.errors import ArtifactError
from lineage_bridge.records.build import Build
from lineage_bridge.records.publication import Publication
from lineage_bridge.records.start import Start
from lineage_bridge.records.training import Training

Record = Build | Training | Publication | Start

encode_record = msgspec.json.Encoder().encode
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
        case Start():
            yield "service", record.service
            yield "environment", record.environment
            yield "deployment", record.deployment
            yield "model", record.model.name


_KNOWN = {shape_of(kind) for kind in get_args(Record)}
