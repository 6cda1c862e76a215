"""Check a journal: is the file sound, and does every event's row agree with its body.

The id of an event of ours is a hash of its content, and of others' events the journal keeps a
digest; so even a flipped bit is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage_bridge.care.salvage import salvaged
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import (
    KINDS,
    compute_id,
    decode,
    digest_of,
    event_id_of,
    event_of,
    kind_of,
    supersedes_of,
    withdraws_of,
)
from lineage_bridge.journal.home_tables import has_digest
from lineage_bridge.journal.store import Journal, Stored
from lineage_bridge.journal.trouble import is_damage
from lineage_bridge.times import parse_time, to_micros, within_range

MAX_PROBLEMS = 100
DAMAGE = "SQLite: "  # how a problem of the file itself begins
DERIVED = "what is derived (`lineage-bridge journal rebuild` makes it again): "
HASHED = frozenset({"artifact", "import"})  # senders of other origins may not compute their ids


def verify(home: Path) -> tuple[int, list[str]]:
    """Check file and events; return how many events were read and the first 100 problems.

    Raises:
        JournalError: there is no journal, or it cannot be opened for another reason than damage.
    """
    problems: list[str] = []
    count = 0
    try:
        with Journal(home, readonly=True) as journal, journal.reading() as connection:
            for found in _findings(connection, journal.derived.path):
                if found is None:
                    count += 1
                elif len(problems) < MAX_PROBLEMS:
                    problems.append(found)
    except JournalError as exc:  # the file may be too broken to be opened
        if not is_damage(exc.__cause__):
            raise
        problems.append(f"{DAMAGE}{exc.__cause__}")
    return count, problems


def _findings(connection: sqlite3.Connection, derived: Path) -> Iterator[str | None]:
    """Yield each problem of the file and of its events as a text, and None for each event read."""
    try:
        yield from _file_problems(connection)
        yield from _derived_problems(connection, derived)
    except sqlite3.DatabaseError as exc:
        yield f"{DAMAGE}{exc}"
    unknown: set[int] = set()
    for found in salvaged(connection):
        if isinstance(found, int):
            yield f"event {found}: it cannot be read"
        else:
            yield from event_problems(found)
            if not _is_known(connection, found):
                unknown.add(found.seq)
            yield None
    yield from _digest_problems(connection, unknown)


def _file_problems(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA main.integrity_check"):
        if line != "ok":
            yield f"{DAMAGE}{line}"
    twice = connection.execute(
        "SELECT id, count(*) FROM events WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1"
    )
    for event_id, times in twice:
        yield f"id {event_id}: stands in the journal {times} times"


def _derived_problems(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    if not path.exists():
        return
    try:
        lines = [line for (line,) in connection.execute("PRAGMA models.integrity_check")]
    except sqlite3.DatabaseError:  # so damaged that it was not even opened
        lines = [f"`{path}` is no database"]
    for line in lines:
        if line != "ok":
            yield f"{DERIVED}{line}"


def event_problems(stored: Stored) -> Iterator[str]:
    """Yield the differences between an event's row and its body."""
    if not isinstance(stored.body, bytes | str):
        yield f"event {stored.seq}: its body is no text"
        return
    try:
        document = decode(stored.body)
        if stored.kind not in KINDS:
            return
    except EventError as exc:
        yield f"event {stored.seq}: {exc}"
        return
    event_id = event_id_of(document)
    for what, kept, said in (
        ("id", stored.id, event_id),
        ("kind", stored.kind, kind_of(document)),
    ):
        if kept != said:
            yield f"event {stored.seq}: its {what} is kept as {kept}, its body says {said}"
    yield from _time_problems(stored, document)
    if event_id is not None and stored.origin in HASHED:
        yield from _hash_problems(stored.seq, event_id, document)


def _time_problems(stored: Stored, document: Mapping[str, Any]) -> Iterator[str]:
    if stored.time_us == _former_time_us(document):
        return
    try:
        said = event_of(document, stored.body).time_us
    except EventError as exc:
        yield f"event {stored.seq}: {exc}"
        return
    # A home that this version has not yet opened for writing may hold times out of the range.
    if not isinstance(stored.time_us, int) or within_range(stored.time_us) != said:
        yield f"event {stored.seq}: its time_us is kept as {stored.time_us}, its body says {said}"


def _former_time_us(document: Mapping[str, Any]) -> int | None:
    """Read the event time as earlier versions did but for the collector: cut, and not rounded."""
    try:
        return to_micros(parse_time(document["eventTime"]).instant)
    except (KeyError, TypeError, ValueError):
        return None


def _is_known(connection: sqlite3.Connection, stored: Stored) -> bool:
    """Return False if an event of others has a body that the journal keeps no digest of."""
    if stored.id is not None or stored.kind not in KINDS:
        return True
    if not isinstance(stored.body, bytes) or not isinstance(stored.time_us, int):
        return True  # that is a problem of its own
    try:
        return has_digest(connection, stored.time_us, digest_of(stored.body))
    except sqlite3.DatabaseError:  # a home of an earlier version, or damage that is told of already
        return True


def _digest_problems(connection: sqlite3.Connection, unknown: set[int]) -> Iterator[str]:
    """Yield a problem for each of these events that has a digest: it was made of another body.

    What was appended before there were digests, or by a process of that time, may have none.
    """
    if not unknown:
        return
    digested = (seq for (seq,) in connection.execute("SELECT seq FROM digests"))
    for seq in sorted(seq for seq in digested if seq in unknown):
        yield f"event {seq}: its body is not the one that was appended"


def _hash_problems(seq: int, event_id: str, document: Mapping[str, Any]) -> Iterator[str]:
    try:
        computed = compute_id(document, supersedes_of(document), withdraws_of(document))
    except (KeyError, TypeError, AttributeError):
        yield f"event {seq}: it has an id of ours, but not what every event of ours has"
        return
    if computed != event_id:
        yield f"event {seq}: its id is {event_id}, what it says hashes to {computed}"
