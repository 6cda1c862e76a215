"""Check a journal: is the file sound, and does every event's row agree with its body.

The id of an event of ours is a hash of its content, and of others' events the journal keeps a
digest; so even a flipped bit is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lineage_bridge.care.salvage.pages.file import header_problems
from lineage_bridge.care.salvage.reading import has_broken_log, salvaging
from lineage_bridge.errors import DamagedError, EventError
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
from lineage_bridge.journal.home_tables import STORED, Stored, has_digest
from lineage_bridge.journal.models import list_models
from lineage_bridge.journal.store import Journal
from lineage_bridge.times import parse_time, to_micros, within_range

MAX_PROBLEMS = 100
DAMAGE = "SQLite: "  # how a problem of the file itself begins
BROKEN_LOG = f"{DAMAGE}a part of the log (`journal.db-wal`) is damaged"
DERIVED = "what is derived (`lineage-bridge journal rebuild` makes it again): "
HASHED = frozenset({"artifact", "import"})  # senders of other origins may not compute their ids


def verify(home: Path) -> tuple[int, list[str]]:
    """Check file and events; return how many events were read and the first 100 problems.

    Raises:
        JournalError: there is no journal, or it cannot be opened for another reason than damage.
    """
    problems: list[str] = []
    count = 0
    for found in _findings(home):
        if found is None:
            count += 1
        elif len(problems) < MAX_PROBLEMS:
            problems.append(found)
    return count, problems


def _findings(home: Path) -> Iterator[str | None]:
    """Yield each problem of the files and of the events as a text, and None for each event read."""
    problems = [BROKEN_LOG] if has_broken_log(home) else []
    if not problems:
        try:
            with Journal(home, readonly=True) as journal, journal.reading() as connection:
                problems = list(islice(_file_problems(connection, journal.path), MAX_PROBLEMS))
                yield from _derived_problems(connection, journal.derived.path)
                if not problems:
                    yield from _sound(connection)
                    return
        except DamagedError as exc:
            problems.append(f"{DAMAGE}{exc.reason}")
    yield from problems
    with salvaging(home) as salvage:
        yield from _checked(salvage)
        for first, last in salvage.lost:
            yield f"{_text_of(first, last)}: cannot be read"


def _sound(connection: sqlite3.Connection) -> Iterator[str | None]:
    """Check the events of a sound file: each by itself, and by the digest that was kept of it."""
    unknown: set[int] = set()
    for event in _all(connection):
        yield from event_problems(event)
        if not _is_known(connection, event):
            unknown.add(event.seq)
        yield None
    yield from _digest_problems(connection, unknown)


def _checked(events: Iterable[Stored]) -> Iterator[str | None]:
    for event in events:
        yield from event_problems(event)
        yield None


def _all(connection: sqlite3.Connection) -> Iterator[Stored]:
    rows = connection.execute(f"SELECT {STORED} FROM events ORDER BY seq")
    return (Stored(*row) for row in rows)


def _file_problems(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    for problem in _problems_in(connection, "main", path):
        yield f"{DAMAGE}{problem}"
    twice = connection.execute(
        "SELECT id, count(*) FROM events WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1"
    )
    for event_id, times in twice:
        yield f"id {event_id}: stands in the journal {times} times"


def _derived_problems(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    if not path.exists():
        return
    try:
        problems = list(_problems_in(connection, "models", path))
        yield from _missing_problems(connection)
    except sqlite3.DatabaseError:  # so damaged that it was not even opened
        problems = [f"`{path}` is no database"]
    for problem in problems:
        yield f"{DERIVED}{problem}"


def _missing_problems(connection: sqlite3.Connection) -> Iterator[str]:
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()
    reached = max((seq for _, _, seq in list_models(connection)), default=0)
    if reached > last:
        yield f"{_text_of(last + 1, reached)}: something was derived from them, and they are gone"


def _text_of(first: int, last: int) -> str:
    return f"event {first}" if first == last else f"events {first} to {last}"


def _problems_in(connection: sqlite3.Connection, file: str, path: Path) -> Iterator[str]:
    """Yield what SQLite finds wrong with a file, and what it overlooks in its header."""
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        with path.open("rb") as main:
            yield from header_problems(main)
    for (text,) in connection.execute(f"PRAGMA {file}.integrity_check"):
        yield from (line for line in text.splitlines() if line != "ok" and line[:3] != "***")


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
