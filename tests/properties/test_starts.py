"""Starts and periods: whatever is asked in whatever order, as if all were looked through."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from serving import minute_at

from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving.activations import Activation, Starts
from lineage_bridge.times import to_micros

SLOTS = [Slot("svc", "production", name) for name in ("a", "b")]
FIRST_US = to_micros(minute_at(0))


def an_activation(number, slot, version, second):
    started = minute_at(0) + timedelta(seconds=second)
    return Activation(SLOTS[slot], "m", f"v{version}", None, started, f"run-{number}")


facts = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 20))
all_starts = st.lists(facts, max_size=12).map(
    lambda drawn: [an_activation(number, *each) for number, each in enumerate(drawn)]
)


@given(all_starts, st.sets(st.integers(0, 11)), st.data())
def test_each_start_is_handed_out_once_and_in_the_order_of_time(starts, fed, data):
    known = {f"run-{number}" for number in fed}
    left = [start for start in starts if start.run_id not in known]
    asked = Starts(starts, set(known))
    until_us = FIRST_US
    for _ in range(data.draw(st.integers(1, 5))):
        slot = data.draw(st.sampled_from([None, *SLOTS]))
        if slot is None:
            until_us += data.draw(st.integers(0, 8)) * 1_000_000
            found, end_us = list(asked.due(until_us)), until_us
        else:
            end_us = FIRST_US + data.draw(st.integers(0, 20)) * 1_000_000
            found = asked.take(slot, end_us)
        expected = [s for s in left if s.started_us <= end_us and slot in {None, s.slot}]
        assert sorted(s.run_id for s in found) == sorted(s.run_id for s in expected)
        assert [s.started_us for s in found] == sorted(s.started_us for s in found)
        left = [start for start in left if start not in expected]


@given(all_starts, st.integers(0, 1), st.integers(0, 2), st.integers(0, 20), st.integers(1, 5))
def test_a_window_is_of_the_last_activation_of_its_version_that_overlaps_it(
    starts, slot, version, second, length
):
    span_us = (FIRST_US + second * 1_000_000, FIRST_US + (second + length) * 1_000_000)
    own = sorted(
        (s for s in starts if s.slot == SLOTS[slot]), key=lambda s: (s.started_us, s.run_id)
    )
    firsts = [s for n, s in enumerate(own) if n == 0 or own[n - 1].version != s.version]
    ends = [*(first.started_us for first in firsts), None][1:] if firsts else []
    begun = [
        (first.started_us, end)
        for first, end in zip(firsts, ends, strict=True)
        if first.version == f"v{version}" and first.started_us < span_us[1]
    ]
    overlapping = [each for each in begun if each[1] is None or each[1] > span_us[0]]

    found = Starts(starts, set()).period(SLOTS[slot], ("m", f"v{version}"), span_us)

    expected = (overlapping or begun or [None])[-1]
    assert (found and found.started_us) == (expected and expected[0])
