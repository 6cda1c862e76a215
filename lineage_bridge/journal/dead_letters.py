"""Dead letters: events that a Marquez refused for good, or cannot hold; listed, and sent again.

An event never changes, so a dead letter is mended elsewhere: at Marquez or what stands before it
(then `retry`), or in the artifact or the declaration that it came from (then the corrected event
supersedes it, and the letter is gone).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lineage_bridge.errors import NodeNotFoundError
from lineage_bridge.journal.forward_limits import problem_of
from lineage_bridge.journal.forward_queue import state_counts
from lineage_bridge.journal.store import Journal
from lineage_bridge.times import format_time, from_micros


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One event that one Marquez did not take.

    Attributes:
        id: the event's id, or its number in the journal where it has none.
        seq: its number in the journal.
        target: the Marquez.
        job: as `<namespace> <name>`.
        time: the event's time.
        tries: how often it was sent; 0 if it was not, because Marquez cannot hold it.
        status: of the answer, or None.
        answer: its beginning, or what Marquez cannot hold.
    """

    id: str
    seq: int
    target: str
    job: str
    time: str
    tries: int
    status: int | None
    answer: str

    def as_json(self) -> dict[str, Any]:
        """The published shape: `status` only where there was an answer."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class TargetState:
    """One Marquez: events by state, and why nothing is sent, if so."""

    url: str
    states: dict[str, int]
    parked: str | None


def list_targets(journal: Journal) -> list[TargetState]:
    """Every Marquez that this journal was forwarded to; what no run looked at yet is `pending`."""
    with journal.reading() as connection:
        if not _exists(connection):
            return []
        rows = connection.execute("SELECT id, url, seq, parked FROM forward_targets ORDER BY url")
        return [
            TargetState(url, _states(connection, target, seq), parked)
            for target, url, seq, parked in rows.fetchall()
        ]


def _states(connection: sqlite3.Connection, target: int, seq: int) -> dict[str, int]:
    from lineage_bridge.journal.forward_intake import FORWARDED

    counts = {"pending": 0, "sent": 0, "dead": 0, **state_counts(connection, target)}
    (unseen,) = connection.execute(
        "SELECT count(*) FROM events WHERE seq > ? AND origin IN (?, ?, ?)", (seq, *FORWARDED)
    ).fetchone()
    counts["pending"] += unseen
    return counts


def list_dead(journal: Journal) -> list[DeadLetter]:
    """All dead letters, by Marquez and arrival."""
    with journal.reading() as connection:
        return list(_dead(connection)) if _exists(connection) else []


def retry(journal: Journal, ids: Sequence[str] | None) -> tuple[int, list[DeadLetter]]:
    """Send dead letters again: those of these ids, or all (None).

    Returns:
        How many wait again, and those that still no Marquez can hold.

    Raises:
        NodeNotFoundError: an id is of no dead letter.
    """
    with journal.transaction() as tx:
        letters = list(_dead(tx.connection)) if _exists(tx.connection) else []
        wanted = letters if ids is None else _of_ids(letters, ids)
        hopeless = [letter for letter in wanted if _is_hopeless(tx.connection, letter)]
        again = [letter for letter in wanted if letter not in hopeless]
        tx.connection.executemany(
            "UPDATE forward_events SET state = 'pending', failures = 0 WHERE seq = ?"
            " AND target = (SELECT id FROM forward_targets WHERE url = ?)",
            [(letter.seq, letter.target) for letter in again],
        )
    return len(again), hopeless


def _of_ids(letters: Sequence[DeadLetter], ids: Sequence[str]) -> list[DeadLetter]:
    for wanted in ids:
        if all(wanted not in (letter.id, str(letter.seq)) for letter in letters):
            raise NodeNotFoundError(wanted, [letter.id for letter in letters[:3]])
    return [letter for letter in letters if letter.id in ids or str(letter.seq) in ids]


def _is_hopeless(connection: sqlite3.Connection, letter: DeadLetter) -> bool:
    (body,) = connection.execute("SELECT body FROM events WHERE seq = ?", (letter.seq,)).fetchone()
    return problem_of(body) is not None


def _dead(connection: sqlite3.Connection) -> Iterator[DeadLetter]:
    rows = connection.execute(
        "SELECT coalesce(e.id, e.seq), e.seq, t.url, f.job, e.time_us, f.tries, f.status, f.answer"
        " FROM forward_events f JOIN forward_targets t ON t.id = f.target"
        " JOIN events e ON e.seq = f.seq WHERE f.state = 'dead' ORDER BY t.url, e.seq"
    )
    for event_id, seq, url, job, time_us, tries, status, answer in rows:
        time = format_time(from_micros(time_us))
        yield DeadLetter(str(event_id), seq, url, job, time, tries, status, answer or "")


def _exists(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'forward_events'").fetchone()
    return row is not None
