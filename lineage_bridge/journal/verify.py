"""Checking a journal: is the file sound, and is every event what it says.

An event of ours has an id that is a hash over what it says, so a flipped bit shows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from lineage_bridge.errors import EventError
from lineage_bridge.events import compute_id, decode, event_of, ours
from lineage_bridge.journal.store import Journal, Stored, read_events

BATCH = 500
MAX_PROBLEMS = 100
EVENTS = frozenset({"run", "dataset", "job"})  # else: a command of the API, or a refused event
HASHED = frozenset({"artifact", "import"})  # others may carry an id that they did not compute


def verify(journal: Journal) -> tuple[int, list[str]]:
    """Check everything; return how many events were read and what is wrong (the first 100)."""
    problems: list[str] = []
    count, after = 0, 0
    with journal.reading() as connection:
        try:
            problems.extend(_file_problems(connection))
            while events := read_events(connection, after, BATCH):
                for stored in events:
                    problems.extend(_event_problems(stored))
                count += len(events)
                after = events[-1].seq
        except sqlite3.DatabaseError as exc:  # so broken that SQLite cannot read on
            problems.append(f"SQLite: {exc}")
    return count, problems[:MAX_PROBLEMS]


def _file_problems(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"SQLite: {line}"
    twice = connection.execute(
        "SELECT id, count(*) FROM events WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1"
    )
    for event_id, times in twice:
        yield f"id {event_id}: stands in the journal {times} times"


def _event_problems(stored: Stored) -> Iterator[str]:
    try:
        document = decode(stored.body)
        if stored.kind not in EVENTS:
            return
        event = event_of(document, stored.body)
    except EventError as exc:
        yield f"event {stored.seq}: {exc}"
        return
    for what, kept, said in (
        ("id", stored.id, event.id),
        ("kind", stored.kind, event.kind),
        ("time_us", stored.time_us, event.time_us),
    ):
        if kept != said:
            yield f"event {stored.seq}: its {what} is kept as {kept}, its body says {said}"
    if event.id is not None and stored.origin in HASHED:
        yield from _hash_problems(stored.seq, event.id, document)


def _hash_problems(seq: int, event_id: str, document: Mapping[str, Any]) -> Iterator[str]:
    try:
        computed = compute_id(document, ours(document).get("supersedes"))
    except (KeyError, TypeError, AttributeError):
        yield f"event {seq}: it has an id of ours, but not what every event of ours has"
        return
    if computed != event_id:
        yield f"event {seq}: its id is {event_id}, what it says hashes to {computed}"
