from __future__ import annotations

import pytest
from builders import an_event

from lineage_bridge.journal import Journal
from lineage_bridge.share.queue import ForwardQueue, Settled
from lineage_bridge.share.tries import AHEAD, SAVE_SECONDS, Tries

EVENTS = 2 * AHEAD


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        opened.append([an_event(f"j{n}") for n in range(EVENTS)], "artifact")
        yield opened


@pytest.fixture
def queue(journal):
    found = ForwardQueue(journal, "http://marquez:5000")
    found.take_in()
    return found


def in_doubt(journal):
    with journal.reading() as connection:
        rows = connection.execute("SELECT seq FROM forward_events WHERE doubtful")
        return {seq for (seq,) in rows}


def test_what_comes_next_is_marked_with_what_is_sent_and_unmarked_if_it_is_not(journal, queue):
    items, tries = queue.pending(), Tries(queue, Clock())
    begun = tries.begin(items[:1], items)

    assert list(begun) == [items[0].seq]
    assert in_doubt(journal) == {item.seq for item in items[: AHEAD + 1]}
    assert not any(one.was_doubtful for one in tries.begin(items[1:3], items[3:]).values())
    tries.give_back()
    assert in_doubt(journal) == {item.seq for item in items[:3]}


def test_an_earlier_doubt_is_never_given_back(journal, queue):
    items = queue.pending()
    Tries(queue, Clock()).begin(items[:1], items)  # and the process was killed
    tries = Tries(queue, Clock())
    tries.begin(items[-1:], items)
    tries.give_back()

    assert in_doubt(journal) == {item.seq for item in (*items[: AHEAD + 1], items[-1])}


def test_what_was_superseded_meanwhile_is_not_begun(journal, queue):
    items, tries = queue.pending(), Tries(queue, Clock())
    with journal.transaction() as tx:
        tx.connection.execute(
            "UPDATE forward_events SET state = 'superseded' WHERE seq = ?", (items[1].seq,)
        )
    assert list(tries.begin(items[:2], items)) == [items[0].seq]


def test_answers_are_written_down_in_groups_and_after_a_while(queue):
    clock = Clock()
    items, tries = queue.pending(), Tries(queue, clock)
    sent = [Settled(seq, "sent") for seq in tries.begin(items, ())]
    tries.end(sent[:1])
    tries.save_due()
    assert queue.counts() == {"pending": EVENTS}
    clock.now = SAVE_SECONDS
    tries.save_due()
    assert queue.counts() == {"pending": EVENTS - 1, "sent": 1}
    tries.end(sent[1 : AHEAD + 1])
    assert queue.counts() == {"pending": EVENTS - 1 - AHEAD, "sent": AHEAD + 1}
    assert len(queue.pending()) == EVENTS - 1 - AHEAD
