"""MD5 hashes of built files, where an artifact refers to a file by one: compared by size first.

A hash over a whole file costs its reading, so only files are hashed whose length is one that is
asked for. What was hashed is remembered while the process runs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from lineage_bridge.adapters import files
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Build, Record, Reference, Step, Training

BITE_BYTES: Final = 1 << 20


def with_hashes(records: Sequence[Record]) -> list[Record]:
    """Return the records; builds whose content may be asked for have its hash."""
    wanted = {
        one.size_bytes
        for record in records
        for one in _references(record)
        if one.md5 is not None and one.size_bytes is not None
    }
    if not wanted:
        return list(records)
    return [
        _hashed(record) if isinstance(record, Build) and record.file_bytes in wanted else record
        for record in records
    ]


def _references(record: Record) -> Iterable[Reference]:
    return record.reads if isinstance(record, Step | Training) else ()


def _hashed(record: Build) -> Build:
    path = record.source.path
    digest = _md5(path, files.mark_of(path)) if os.path.isabs(path) else None  # noqa: PTH117
    return replace(record, dataset=replace(record.dataset, md5=digest)) if digest else record


@lru_cache(maxsize=4096)
def _md5(path: str, mark: str) -> str | None:
    """Hash a file that has this size and time of change; None if it cannot be read."""
    del mark
    digest = hashlib.md5(usedforsecurity=False)
    try:
        for bite in _bites(path):
            digest.update(bite)
    except ArtifactError:
        return None
    return digest.hexdigest()


def _bites(path: str) -> Iterator[bytes]:
    with files.open_file(path) as file:
        while bite := file.read(BITE_BYTES):
            yield bite
