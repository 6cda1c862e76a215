"""Dead letters: events that a Marquez refused for good, or cannot store.

An event never changes, so the cause of a dead letter is mended elsewhere: at Marquez or the proxy
before it (then `retry`), or in the artifact or the declaration that it came from (then the
corrected event supersedes it, and the letter is gone). One that nobody can mend is dismissed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lineage_bridge.errors import JournalError
from lineage_bridge.journal.store import Journal
from lineage_bridge.masking import public_url
from lineage_bridge.share.marquez.limits import problem_of
from lineage_bridge.share.queue import has_tables
from lineage_bridge.share.tables import FORWARD
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
        tries: how often it was sent; 0 if it never was, because Marquez cannot store it.
        status: the HTTP status of the answer, or None.
        answer: the answer's beginning, or what Marquez cannot store.
    """

    id: str
    seq: int
    target: str
    job: str
    time: str
    tries: int
    status: int | None
    answer: str


def list_dead(journal: Journal) -> list[DeadLetter]:
    """List all dead letters, ordered by Marquez and arrival."""
    with journal.reading() as connection:
        return list(_dead(connection)) if has_tables(connection) else []


def retry(journal: Journal, ids: Sequence[str] | None) -> tuple[int, list[DeadLetter]]:
    """Put dead letters back into the queue: those with these ids, or all (None).

    Returns:
        How many are pending again, and those that Marquez still cannot store.

    Raises:
        JournalError: no dead letter has one of the ids.
    """
    journal.prepare(FORWARD)  # so that targets have the names that letters show
    with journal.transaction() as tx:
        letters = list(_dead(tx.connection))
        wanted = letters if ids is None else _of_ids(letters, ids)
        hopeless = [letter for letter in wanted if _is_hopeless(tx.connection, letter)]
        again = [letter for letter in wanted if letter not in hopeless]
        _set_state(tx.connection, again, "pending")
    return len(again), hopeless


def dismiss(journal: Journal, ids: Sequence[str] | None) -> int:
    """Let dead letters rest: those with these ids, or all (None); return how many.

    Raises:
        JournalError: no dead letter has one of the ids.
    """
    journal.prepare(FORWARD)
    with journal.transaction() as tx:
        letters = list(_dead(tx.connection))
        chosen = letters if ids is None else _of_ids(letters, ids)
        _set_state(tx.connection, chosen, "dismissed")
    return len(chosen)


def _set_state(connection: sqlite3.Connection, letters: Iterable[DeadLetter], state: str) -> None:
    connection.executemany(
        "UPDATE forward_events SET state = ?, failures = 0 WHERE seq = ?"
        " AND target = (SELECT id FROM forward_targets WHERE url = ?)",
        [(state, letter.seq, letter.target) for letter in letters],
    )


def _of_ids(letters: Sequence[DeadLetter], ids: Sequence[str]) -> list[DeadLetter]:
    for wanted in ids:
        if all(wanted not in (letter.id, str(letter.seq)) for letter in letters):
            raise JournalError(
                f"No dead letter has the id `{wanted}`. `lineage-bridge journal dead` lists them."
            )
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
        target = public_url(url)
        yield DeadLetter(str(event_id), seq, target, job, time, tries, status, answer or "")
