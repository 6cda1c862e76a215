"""Events that are sent once more on purpose, because Marquez goes by the order of arrival.

Marquez sets a run's state, a job's edges and a dataset's current version by whatever arrives last.
So an event that is sent late, or again, takes others with it: a START that arrives after its
COMPLETE leaves the run RUNNING, and an old COMPLETE makes its old version the current one.

Source: Marquez 0.51, tried on a running one.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lineage_bridge.errors import EventError
from lineage_bridge.events import decode, view_event
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.facts import item_of
from lineage_bridge.share.marquez.completeness import ENDS
from lineage_bridge.share.order import Item


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that Marquez was sent.

    Attributes:
        item: the facts that decide about its order.
        is_complete: whether its outputs' versions became the current ones by it.
    """

    item: Item
    is_complete: bool

    @property
    def place(self) -> tuple[int, int]:
        """Its place among all events: time, then arrival."""
        return self.item.time_us, self.item.seq


def with_later(seqs: Iterable[int], sent: Iterable[Sent]) -> set[int]:
    """Return the events to send again so that these arrive, and the newest ones arrive last.

    To each event belong the later ones of its run, the newest end of its job, and of each dataset
    that it writes the newest COMPLETE; and to each of those the same. More would do no good: a run
    that is sent again is bound to the versions of today that it reads.

    Args:
        seqs: the events that are not whole in Marquez.
        sent: all that it was sent.
    """
    arranged = sorted(sent, key=lambda one: one.place)
    by_seq = {one.item.seq: one for one in arranged}
    of_run: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    newest: dict[tuple[str, str], Sent] = {}
    for one in arranged:
        of_run[(one.item.job, one.item.run)].append(one)
        newest.update(dict.fromkeys(_newest_of(one), one))
    again: set[int] = set()
    waiting = [by_seq[seq] for seq in seqs if seq in by_seq]
    while waiting:
        one = waiting.pop()
        if one.item.seq in again:
            continue
        again.add(one.item.seq)
        related = [*of_run[(one.item.job, one.item.run)], *_newer(one, newest)]
        waiting += [other for other in related if other.place > one.place]
    return again


def _newest_of(one: Sent) -> Iterator[tuple[str, str]]:
    """Yield what an event is the newest of, if no later one is: its job's ends, its outputs."""
    if one.item.rank == 2:
        yield "job", one.item.job
    if one.is_complete:
        yield from (("dataset", name) for name in one.item.writes)


def _newer(one: Sent, newest: dict[tuple[str, str], Sent]) -> Iterator[Sent]:
    keys = [("job", one.item.job), *(("dataset", name) for name in one.item.writes)]
    return (newest[key] for key in keys if key in newest)


def sent_of(stored: Stored) -> Sent:
    """Read the facts of an event that was sent.

    Raises:
        EventError: the event is no JSON object.
    """
    return Sent(item_of(stored), view_event(decode(stored.body)).event_type == "COMPLETE")


def send_again(connection: sqlite3.Connection, target: int, seqs: Iterable[int]) -> None:
    """Put events that were sent back into the queue, to be sent without a look in the feed."""
    connection.executemany(
        "UPDATE forward_events SET state = 'pending', again = 1, doubtful = 0, failures = 0"
        " WHERE target = ? AND seq = ? AND state = 'sent'",
        [(target, seq) for seq in seqs],
    )


def restore_inputs(connection: sqlite3.Connection, target: int, seq: int) -> None:
    """After an event of ours without inputs: send its job's newest end with inputs once more.

    An event without inputs takes the edges of its job away, until an end with inputs arrives. If
    one waits already, nothing is to do; nor while more events without inputs wait.
    """
    rows = connection.execute(
        "SELECT other.seq, other.state, e.body FROM forward_events AS bare"
        " JOIN forward_events AS other ON other.target = bare.target AND other.job = bare.job"
        " JOIN events AS e ON e.seq = other.seq"
        " WHERE bare.target = ? AND bare.seq = ? AND bare.is_bare AND other.has_inputs"
        " AND other.state IN ('pending', 'sent') AND NOT EXISTS (SELECT 1 FROM forward_events"
        "  AS next WHERE next.target = bare.target AND next.job = bare.job AND next.is_bare"
        "  AND next.state = 'pending')"
        " ORDER BY other.state = 'sent', other.time_us DESC, other.seq DESC",
        (target, seq),
    )
    for other, state, body in rows:
        if _is_end(body):
            if state == "sent":
                send_again(connection, target, [other])
            return


def _is_end(body: bytes) -> bool:
    try:
        return view_event(decode(body)).event_type in ENDS
    except EventError:
        return False
