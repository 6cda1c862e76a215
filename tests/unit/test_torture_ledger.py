"""The ledger of `make torture` finds what is lost, doubled or untrue, and nothing else."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from torture.ledger import NOTHING_KEPT, Ledger, sentence

DENIED = json.dumps({"message": f"Busy. {NOTHING_KEPT}; send it again."}).encode()
UNANSWERED = st.tuples(st.just(0), st.booleans())  # nobody knows whether it was kept
TRIES = st.tuples(
    st.lists(st.one_of(UNANSWERED, st.just((503, False))), max_size=4),
    st.sampled_from([[], [(201, True)]]),
)
HISTORIES = st.dictionaries(st.text(max_size=3), TRIES, min_size=1)


def played(histories):
    """A ledger of what clients were told, and how often an honest journal has each event."""
    ledger, there = Ledger(), {}
    for key, (tries, end) in histories.items():
        ledger.send(key)
        for status, is_kept in [*tries, *end]:
            ledger.take(key, status, DENIED if status == 503 else b"")
            there[key] = there.get(key, 0) + is_kept
    return ledger, there


@given(HISTORIES)
def test_an_honest_journal_balances_whether_it_keeps_one_of_a_kind_or_all(histories):
    ledger, there = played(histories)
    for counts in (there, {key: min(count, 1) for key, count in there.items()}):
        found = ledger.balance(counts)
        assert (found.lost, found.doubled, found.untrue) == ([], [], [])
        assert found.resent == [key for key, count in counts.items() if count > 1]
        assert found.acknowledged == sum(bool(end) for _, end in histories.values())


@given(HISTORIES, st.data())
def test_one_event_less_or_more_than_was_promised_is_found(histories, data):
    ledger, there = played(histories)
    key = data.draw(st.sampled_from(list(histories)))
    entry = ledger.entries[key]
    assert ledger.balance({**there, key: 0}).lost == [key] * entry.kept
    more = ledger.balance({**there, key: entry.most + 1})
    assert [*more.doubled, *more.untrue] == [key]
    assert bool(more.untrue) == (entry.most == 0)


def test_what_a_pruning_may_take_is_not_lost():
    ledger = Ledger()
    ledger.take("old", 201, b"")
    ledger.prunable.add("old")
    assert ledger.balance({}).lost == []


def test_answers_that_differ_by_a_number_are_one():
    said = [
        json.dumps({"code": 500, "message": f"`n{n}` is {n} (ID {n:x})"}).encode() for n in (5, 99)
    ]
    assert {sentence(500, one) for one in said} == {"500 `…` is N"}
