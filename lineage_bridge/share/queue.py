"""The durable queue of events to forward: one row for each event and each Marquez.

The rows are in the journal's database, so a process that dies loses nothing that it knew. A row is
`doubtful` from just before its event is sent until the answer is written down: Marquez may have the
event or not. After a crash Marquez's feed is searched for it before it is sent again.

States: `pending` (to be sent), `sent`, `dead` (refused for good, see `dead_letters`), `dismissed`
(a dead letter that is to stay one, and counts no more), `collapsed` (a heartbeat that a later one
replaces), `superseded` (replaced by another event), `stale` (superseded after it was sent: nodes
that only it names are to be hidden in Marquez).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson

from lineage_bridge.journal.home_tables import STORED, Stored
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.store import Journal
from lineage_bridge.masking import public_url
from lineage_bridge.share import hidden
from lineage_bridge.share.facts import item_of
from lineage_bridge.share.hidden import HiddenNodes, Stale
from lineage_bridge.share.intake import FORWARDED, take_in
from lineage_bridge.share.order import Item
from lineage_bridge.share.sent.again import restore_inputs, send_again, sent_of, with_later
from lineage_bridge.share.sent.events import SentEvents
from lineage_bridge.share.tables import FORWARD

STARTED_BYTES = 4 * 1024 * 1024  # of events that are started ahead

# Forwarding is not finished with events in these states, and needs their bodies.
_OPEN_STATES = ("pending", "dead", "stale")


@dataclass(frozen=True, slots=True)
class Started:
    """An event that is about to be sent.

    Attributes:
        stored: the event.
        was_doubtful: an earlier try may have reached Marquez.
        failures: how many tries ended in a 500.
        again: Marquez has it, and is to get it once more.
    """

    stored: Stored
    was_doubtful: bool
    failures: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of a try: the event is `sent`, `dead`, or still `pending`."""

    seq: int
    state: str
    doubtful: bool = False
    failed: bool = False
    status: int | None = None
    answer: str | None = None


class ForwardQueue:
    """The rows of one Marquez.

    Args:
        journal: open for writing.
        url: of the Marquez.
    """

    def __init__(self, journal: Journal, url: str) -> None:
        self._journal = journal
        self._name = public_url(url)
        self._known: tuple[int, int] | None = None
        self._items: dict[int, Item] = {}  # of pending events, which never change

    @property
    def _target(self) -> int:
        """The Marquez's number in this home; looked up anew if another home took its place."""
        if self._known is None or self._known[0] != self._journal.epoch:
            self._journal.prepare(FORWARD)
            epoch = self._journal.epoch
            self._items = {}
            with self._journal.transaction() as tx:
                self._known = epoch, _target(tx.connection, self._name)
        return self._known[1]

    def take_in(self) -> None:
        """Take in every new event of the journal: those of ours get a row."""
        target = self._target
        more = True
        while more:
            items, more = take_in(self._journal, target)
            self._items.update((item.seq, item) for item in items)

    def reached(self) -> int:
        """Return the number of the last event that was taken in."""
        target = self._target
        with self._journal.reading() as connection:
            row = connection.execute(
                "SELECT seq FROM forward_targets WHERE id = ?", (target,)
            ).fetchone()
            return int(row[0])

    def pending(self) -> list[Item]:
        """List the events to send."""
        target = self._target
        with self._journal.reading() as connection:
            rows = connection.execute(
                "SELECT seq FROM forward_events WHERE target = ? AND state = 'pending'", (target,)
            )
            seqs = [seq for (seq,) in rows]
            new = orjson.dumps([seq for seq in seqs if seq not in self._items]).decode()
            stored = connection.execute(
                f"SELECT {STORED} FROM events WHERE seq IN (SELECT value FROM json_each(?))", (new,)
            )
            self._items.update((row[0], item_of(Stored(*row))) for row in stored)
        self._items = {seq: self._items[seq] for seq in seqs if seq in self._items}
        return list(self._items.values())

    def stale(self) -> Stale:
        """Find the events that were sent and then superseded, and are not tidied up yet."""
        return hidden.find_stale(self._journal, self._target)

    def hidden(self) -> HiddenNodes:
        """Return the nodes that this Marquez hides."""
        return HiddenNodes(self._journal, self._target)

    def count_hidden(self) -> int:
        """Count the nodes that this Marquez hides."""
        target = self._target
        with self._journal.reading() as connection:
            return hidden.count_hidden(connection, target)

    def start(self, seqs: Sequence[int], ahead: Sequence[int] = ()) -> list[Started]:
        """Record that events are about to be sent; return those of them that are still pending.

        Args:
            seqs: the events.
            ahead: the same of these, as far as they fit in memory with the others.
        """
        started: list[Started] = []
        size = 0
        target = self._target
        with self._journal.transaction() as tx:
            for number, seq in enumerate((*seqs, *ahead)):
                if number >= len(seqs) and size > STARTED_BYTES:
                    break
                row = tx.connection.execute(
                    "SELECT e.seq, e.id, e.kind, e.time_us, e.received_us, e.origin, e.body,"
                    " f.doubtful, f.failures, f.again"
                    " FROM forward_events f JOIN events e ON e.seq = f.seq"
                    " WHERE f.target = ? AND f.seq = ? AND f.state = 'pending'",
                    (target, seq),
                ).fetchone()
                if row is not None:
                    doubtful, failures, again = row[7:]
                    started.append(Started(Stored(*row[:7]), bool(doubtful), failures, bool(again)))
                    size += len(started[-1].stored.body)
            tx.connection.executemany(
                "UPDATE forward_events SET doubtful = 1 WHERE target = ? AND seq = ?",
                [(target, s.stored.seq) for s in started if not s.was_doubtful],
            )
        return started

    def give_back(self, started: Iterable[Started]) -> None:
        """Record that nothing was sent of events that were about to be sent."""
        target = self._target
        with self._journal.transaction() as tx:
            tx.connection.executemany(
                "UPDATE forward_events SET doubtful = 0 WHERE target = ? AND seq = ?",
                [(target, s.stored.seq) for s in started if not s.was_doubtful],
            )

    def settle(self, results: Sequence[Settled]) -> None:
        """Record the results of tries; an event that was superseded meanwhile stays so."""
        target = self._target
        with self._journal.transaction() as tx:
            for result in results:  # in the order of arrival, which decides what is restored
                _settle(tx.connection, target, result)
                if result.state == "sent":
                    restore_inputs(tx.connection, target, result.seq)

    def sent(self) -> SentEvents:
        """Return the events that this Marquez was sent."""
        return SentEvents(self._journal, self._target)

    def send_again(self, seqs: Collection[int], *, arrived: Collection[int] = ()) -> int:
        """Put events that were not whole in Marquez back into the queue, and those that follow.

        Args:
            seqs: the events.
            arrived: those of them that have arrived by now: only what follows them goes again.

        Returns:
            How many are to be sent once more.
        """
        target = self._target
        sent = self.sent()
        facts = [sent_of(stored) for stored in sent.since(sent.first_time(seqs))]
        again = with_later(seqs, facts) - set(arrived)
        with self._journal.transaction() as tx:
            send_again(tx.connection, target, again)
        return len(again)

    def tidied(self, seqs: Iterable[int]) -> None:
        """Record that the nodes which only these events name are hidden in Marquez."""
        target = self._target
        with self._journal.transaction() as tx:
            tx.connection.executemany(
                "UPDATE forward_events SET state = 'superseded'"
                " WHERE target = ? AND seq = ? AND state = 'stale'",
                [(target, seq) for seq in seqs],
            )

    def park(self, reason: str | None) -> None:
        """Record why nothing is sent until a setting changes, or (None) that sending goes on."""
        target = self._target
        with self._journal.transaction() as tx:
            tx.connection.execute(
                "UPDATE forward_targets SET parked = ? WHERE id = ?", (reason, target)
            )

    def counts(self) -> dict[str, int]:
        """Count the events in each state; a state without events is left out."""
        target = self._target
        with self._journal.reading() as connection:
            return state_counts(connection, target)


def _settle(connection: sqlite3.Connection, target: int, result: Settled) -> None:
    connection.execute(
        "UPDATE forward_events SET state = ?, doubtful = ?, tries = tries + 1,"
        " failures = failures + ?, status = ?, answer = ?, again = again AND ? = 'pending'"
        " WHERE target = ? AND seq = ? AND state = 'pending'",
        (
            *(result.state, result.doubtful, result.failed, result.status, result.answer),
            *(result.state, target, result.seq),
        ),
    )


def _target(connection: sqlite3.Connection, url: str) -> int:
    connection.execute(
        "INSERT INTO forward_targets (url) VALUES (?) ON CONFLICT DO NOTHING", (url,)
    )
    row = connection.execute("SELECT id FROM forward_targets WHERE url = ?", (url,)).fetchone()
    return int(row[0])


def state_counts(connection: sqlite3.Connection, target: int) -> dict[str, int]:
    """Count a target's events in each state; a state without events is left out."""
    rows = connection.execute(
        "SELECT state, count(*) FROM forward_events WHERE target = ? GROUP BY state ORDER BY state",
        (target,),
    )
    return dict(rows.fetchall())


def has_tables(connection: sqlite3.Connection) -> bool:
    """Return whether this journal was ever forwarded: whether it has the queue's tables."""
    return has_table(connection, "forward_events")


def awaited_seqs(connection: sqlite3.Connection, among: Sequence[int] | None = None) -> set[int]:
    """Return the numbers of events that a Marquez is still to get, or that are its dead letters.

    Args:
        connection: of the journal.
        among: only these are looked at; None for all.
    """
    if not has_tables(connection):
        return set()
    marks = ", ".join("?" * len(_OPEN_STATES))
    listed = "" if among is None else f"seq IN ({', '.join('?' * len(among))})"
    rows = connection.execute(
        f"SELECT seq FROM forward_events WHERE state IN ({marks}){listed and f' AND {listed}'}"
        " UNION SELECT e.seq FROM events e JOIN forward_targets t ON e.seq > t.seq"
        f" WHERE e.origin IN (?, ?, ?){listed and f' AND e.{listed}'}",
        (*_OPEN_STATES, *(among or ()), *FORWARDED, *(among or ())),
    )
    return {seq for (seq,) in rows}


def forget(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Delete the rows of events that are deleted from the journal in the same transaction."""
    if has_tables(connection):
        rows = [(seq,) for seq in seqs]
        connection.executemany("DELETE FROM forward_events WHERE seq = ?", rows)
