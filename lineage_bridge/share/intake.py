"""Take events into the queue: decide which are forwarded, by the rules that Marquez imposes.

- Events of ours are sent: those read from artifacts, sent by a pipeline's transport, or imported.
  Events that came over HTTP were meant for our collector; followed ones come from Marquez itself.
- An event that Marquez cannot store becomes a dead letter before its first try.
- An event that another one supersedes is not sent; if it already was, it becomes `stale`.
- Of a deployment's pending heartbeats only the latest is sent.
- An event of ours without inputs (an old bundle knows none) is called bare: it takes the edges of
  its job away, so after it another one of the job is sent once more (`again.restore_inputs`).

Events are read and judged first; the results are written in one transaction, together with the
number of the last event taken in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from lineage_bridge.errors import EventError
from lineage_bridge.journal.home_tables import STORED, Stored
from lineage_bridge.journal.store import Journal
from lineage_bridge.share.facts import Facts, facts_of
from lineage_bridge.share.marquez.limits import problem_of
from lineage_bridge.share.order import Item

FORWARDED = ("artifact", "transport", "import")
BATCH = 500
BATCH_BYTES = 4 * 1024 * 1024


def take_in(journal: Journal, target: int) -> tuple[list[Item], bool]:
    """Take some new events into a target's queue; return them, and whether more may be left."""
    events, reached, is_last = _next(journal, target)
    looked_at = [(stored, _read(stored), problem_of(stored.body)) for stored in events]
    with journal.transaction() as tx:
        beating = {
            facts.item.job
            for stored, facts, problem in looked_at
            if _take_one(tx.connection, target, stored, facts, problem)
        }
        for job in sorted(beating):
            _collapse_heartbeats(tx.connection, target, job)
        tx.connection.execute("UPDATE forward_targets SET seq = ? WHERE id = ?", (reached, target))
    return [facts.item for _, facts, _ in looked_at], not is_last


def _next(journal: Journal, target: int) -> tuple[list[Stored], int, bool]:
    """Read the next events; return them, the number reached, and whether they are the last."""
    events: list[Stored] = []
    size = 0
    with journal.reading() as connection:
        rows = connection.execute(
            f"SELECT {STORED} FROM events"
            " WHERE seq > (SELECT seq FROM forward_targets WHERE id = ?) AND origin IN (?, ?, ?)"
            " ORDER BY seq",
            (target, *FORWARDED),
        )
        for row in rows:
            events.append(Stored(*row))
            size += len(events[-1].body)
            if len(events) == BATCH or size > BATCH_BYTES:
                return events, events[-1].seq, False
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    return events, last, True


def _take_one(
    connection: sqlite3.Connection, target: int, stored: Stored, facts: Facts, problem: str | None
) -> bool:
    """Insert an event's row; return whether it is a heartbeat."""
    is_heartbeat = _is_heartbeat(connection, target, facts)
    connection.execute(
        "INSERT INTO forward_events (target, seq, state, job, time_us, has_inputs, is_bare,"
        " is_heartbeat, finding, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            target,
            stored.seq,
            "dead" if problem else _first_state(connection, stored),
            facts.item.job,
            stored.time_us,
            bool(facts.item.reads),
            facts.is_bare,
            is_heartbeat,
            facts.finding,
            problem,
        ),
    )
    for event_id in facts.takes_back:
        _supersede(connection, target, event_id)
    if facts.withdraws and not _knows_any(connection, target, facts.takes_back):
        connection.execute(
            "UPDATE forward_events SET state = 'superseded' WHERE target = ? AND seq = ?",
            (target, stored.seq),
        )
    return is_heartbeat


def _read(stored: Stored) -> Facts:
    try:
        return facts_of(stored)
    except EventError:  # `problem_of` reports it; the event becomes a dead letter
        return Facts(Item(stored.seq, stored.time_us, ""))


def _first_state(connection: sqlite3.Connection, stored: Stored) -> str:
    row = connection.execute(
        "SELECT 1 FROM forward_superseded WHERE id = ?", (stored.id,)
    ).fetchone()
    return "pending" if row is None else "superseded"


def _is_heartbeat(connection: sqlite3.Connection, target: int, facts: Facts) -> bool:
    """Return whether the event repeats the finding of the observer's event before it."""
    if facts.finding is None:
        return False
    row = connection.execute(
        "SELECT finding FROM forward_events WHERE target = ? AND job = ? AND time_us < ?"
        " ORDER BY time_us DESC, seq DESC LIMIT 1",
        (target, facts.item.job, facts.item.time_us),
    ).fetchone()
    return row is not None and bool(row[0] == facts.finding)


def _supersede(connection: sqlite3.Connection, target: int, event_id: str) -> None:
    connection.execute(
        "INSERT INTO forward_superseded (id) VALUES (?) ON CONFLICT DO NOTHING", (event_id,)
    )
    connection.execute(
        "UPDATE forward_events SET"
        " state = CASE WHEN state = 'sent' OR doubtful THEN 'stale' ELSE 'superseded' END"
        " WHERE target = ? AND state NOT IN ('stale', 'superseded')"
        " AND seq = (SELECT seq FROM events WHERE id = ?)",
        (target, event_id),
    )


def _knows_any(connection: sqlite3.Connection, target: int, ids: Sequence[str]) -> bool:
    """Return whether the target has, or may have, one of some events that are taken back."""
    places = ", ".join("?" * len(ids))
    row = connection.execute(
        "SELECT 1 FROM forward_events WHERE target = ? AND state = 'stale'"
        f" AND seq IN (SELECT seq FROM events WHERE id IN ({places})) LIMIT 1",
        (target, *ids),
    ).fetchone()
    return row is not None


def _collapse_heartbeats(connection: sqlite3.Connection, target: int, job: str) -> None:
    connection.execute(
        "UPDATE forward_events AS this SET state = 'collapsed'"
        " WHERE target = ? AND job = ? AND is_heartbeat AND state = 'pending' AND NOT doubtful"
        " AND EXISTS (SELECT 1 FROM forward_events AS later"
        "  WHERE later.target = this.target AND later.job = this.job AND later.is_heartbeat"
        "  AND later.state IN ('pending', 'sent') AND later.time_us >= this.time_us"
        "  AND (later.time_us, later.seq) > (this.time_us, this.seq))",
        (target, job),
    )
