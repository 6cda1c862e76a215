"""Read one found file, or one line of it, into records; a rejection never stops the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from lineage_bridge.adapters import artifact as artifacts
from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest.found import Found
from lineage_bridge.naming import known
from lineage_bridge.observe.quarantine import Rejected, rejected
from lineage_bridge.records import Record, Training, names_of, without_secrets

MAX_RECORDS: Final = 100_000  # of one file that is read as a whole
MAX_RECORDS_OF_LINE: Final = 1_000


@dataclass(slots=True)
class Reading:
    """The result of reading a file: records, rejections, or neither if it is of another kind."""

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def read(found: Found) -> Reading:
    """Read a file as a whole, with its companions."""
    artifact = Artifact(found.family, found.sort, found.path, found.root)
    reading = Reading()
    try:
        for item in found.adapter.read(artifact):
            if isinstance(item, Problem):
                place = f"{artifact.path.rpartition('/')[0]}/{item.companion}"
                reading.rejected.append(rejected(place, found.family, item.error))
            else:
                reading.records.append(_own(item, artifact))
            _check_count(reading)
    except ArtifactError as exc:
        reading.rejected.append(rejected(found.path, found.family, exc))
    return reading


def read_line(found: Found, number: int, line: bytes) -> list[Record]:
    """Read one line of a file that is read by lines.

    Raises:
        ArtifactError: the line cannot be read.
    """
    artifact = Artifact(found.family, found.sort, found.path, found.root, number, line)
    records = list(
        islice(_records(found.adapter.read(artifact), artifact), MAX_RECORDS_OF_LINE + 1)
    )
    if len(records) > MAX_RECORDS_OF_LINE:
        raise ArtifactError(f"has more than {MAX_RECORDS_OF_LINE:,} records")
    return records


def _records(items: Iterable[Record | Problem], artifact: Artifact) -> Iterable[Record]:
    for item in items:
        if isinstance(item, Problem):
            raise item.error
        yield _own(item, artifact)


def _own(record: Record, artifact: Artifact) -> Record:
    """Return a record, without secrets, if it can be kept and linked, whoever made it."""
    said, own = record.source, artifact.source
    if (said.family, said.path, said.line) != (own.family, own.path, own.line):
        raise ArtifactError("its adapter names another artifact as the source of a record")
    for what, name in names_of(record):
        if known(name) is None:
            raise ArtifactError(f"expected a name of its {what}, found {name!r}")
    if isinstance(record, Training) and record.completed is None and record.created is None:
        raise ArtifactError("has no time at which its training ended")
    return without_secrets(record)


def _check_count(reading: Reading) -> None:
    if len(reading.records) + len(reading.rejected) > MAX_RECORDS:
        del reading.records[MAX_RECORDS:]
        raise ArtifactError(f"has more than {MAX_RECORDS:,} records; the rest of it is left out")


def fingerprint(found: Found) -> str:
    """Return size, time of change and inode of a file and of all that is read with it."""
    return artifacts.fingerprint(found.path, found.sort, found.seen)


def places(found: Found) -> list[str]:
    """List the files that are read together, of a companion folder the folder."""
    return artifacts.places(found.path, found.sort)
