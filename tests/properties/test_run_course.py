"""The course of a run is that of its set of events, in whatever order they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.collector.fold.course import TERMINAL, Course

DECIDING = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL")  # of a tie, the last one decides
TYPES = (*DECIDING, "OTHER", "PAUSED", "", "start", "Complete")

events = st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 5)), max_size=6)


def course(told):
    found = Course()
    for event_type, at_us in told:
        found = found.after(event_type, at_us)
    return found


def expected(told):
    """State, start and end by the rules in words, with all events at hand."""
    named = [(event_type.upper(), at_us) for event_type, at_us in told]
    decisive = [(at, DECIDING.index(kind)) for kind, at in named if kind in DECIDING]
    _, last = max(decisive, default=(0, 0))
    state = TERMINAL.get(DECIDING[last], "RUNNING")
    ends = [at for kind, at in named if kind in TERMINAL]
    starts = [at for kind, at in named if kind == "START"]
    signs = [at for kind, at in named if kind not in (*TERMINAL, "START")]
    if state != "RUNNING":
        signs = [at for at in signs if at <= max(ends)]
    return (
        state if named else None,
        min(starts or signs, default=None),
        max(ends, default=None),
    )


@given(told=events, data=st.data())
def test_a_course_depends_on_no_order(told, data):
    found = course(data.draw(st.permutations(told)))
    assert (found.state, found.started_us, found.ended_us) == expected(told)
    assert found == course(told)
