"""Read one found file, or one line of it, into records; a rejection never stops the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from typing import Final

from lineage_bridge.adapters import artifact as artifacts
from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.errors import ArtifactError, UnreachableError
from lineage_bridge.ingest.found import Found
from lineage_bridge.naming import known
from lineage_bridge.observe.quarantine import Rejected, rejected
from lineage_bridge.records import Record, Training, encode_record, names_of, without_secrets

MAX_RECORDS: Final = 100_000  # of one file that is read as a whole
MAX_RECORDS_OF_LINE: Final = 1_000
MAX_PROBLEMS: Final = 100  # of one file or server that are told apart


@dataclass(slots=True)
class Reading:
    """The result of reading a file: records, rejections, or neither if it is of another kind.

    Attributes:
        passes: whether it could not be read for now, so that what it said before stands.
    """

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    passes: bool = False
    _places: Counter[tuple[str, int]] = field(default_factory=Counter)

    def reject(self, item: Rejected) -> None:
        """Add a rejection; of several of one whole file, each has a number of its own."""
        place = (item.path, item.line)
        number = self._places[place]
        self._places[place] += 1
        if item.line > 0 or number < MAX_PROBLEMS:
            line = item.line if item.line > 0 else -number
            self.rejected.append(replace(item, line=line))
            return
        others = Rejected(item.path, item.family, -MAX_PROBLEMS, None, "other reasons")
        count = number - MAX_PROBLEMS + 1
        if count > 1:
            self.rejected.remove(replace(others, count=count - 1))
        self.rejected.append(replace(others, count=count))


def read(found: Found) -> Reading:
    """Read a file as a whole, with its companions."""
    artifact = Artifact(found.family, found.sort, found.path, found.root)
    reading = Reading()
    try:
        for item in found.adapter.read(artifact):
            if isinstance(item, Problem):
                place = f"{artifact.path.rpartition('/')[0]}/{item.companion}"
                reading.reject(rejected(place, found.family, item.error))
            else:
                reading.records.append(_own(item, artifact))
            _check_count(reading)
    except ArtifactError as exc:
        reading.rejected.append(rejected(found.path, found.family, exc))
        reading.passes = isinstance(exc, UnreachableError)
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
    if isinstance(record, Training) and record.told is None:
        raise ArtifactError("has no time at which its training ended")
    return without_secrets(record)


def _check_count(reading: Reading) -> None:
    if len(reading.records) + len(reading.rejected) > MAX_RECORDS:
        del reading.records[MAX_RECORDS:]
        raise ArtifactError(f"has more than {MAX_RECORDS:,} records; the rest of it is left out")


def fingerprint(found: Found, reading: Reading | None = None) -> str:
    """Return size, time of change and inode of a file and of all that is read with it.

    Of a server it is a hash of what it says, which is known once it was read.
    """
    if found.is_server:
        said = [] if reading is None else [*map(encode_record, reading.records)]
        said += [] if reading is None else [repr(one).encode() for one in reading.rejected]
        return sha256(b"\n".join(said)).hexdigest()
    return artifacts.fingerprint(found.path, found.sort, found.seen)


def places(found: Found) -> list[str]:
    """List the files that are read together, of a companion folder the folder."""
    return artifacts.places(found.path, found.sort)
