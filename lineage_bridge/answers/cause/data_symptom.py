"""Symptoms of what is no deployment: a dataset, a model, a job; and what is wrong above them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.answers.cause.candidates import Candidate
from lineage_bridge.answers.cause.situation import Situation
from lineage_bridge.answers.cause.upstream import Reach, Upstream
from lineage_bridge.assess.cause.kinds import sort_of
from lineage_bridge.assess.cause.score import severity_of
from lineage_bridge.assess.cause.symptoms import Reason
from lineage_bridge.assess.status.faults import Way
from lineage_bridge.graph.model import End

_WAYS: Final[tuple[Way, ...]] = ("bound", "live")


def of_data(situation: Situation, end: End) -> tuple[list[Reason], list[Candidate], int]:
    """Return what a node shows, what may be the cause, and how many ends were looked at.

    Its own faults count, and all that travels to it.
    """
    ends = _ends(situation, end)
    faults = situation.statuses.faults
    reasons = [
        Reason(f.code, "inherited", f.since, f.level, f.value, f.threshold, f.columns)
        for here in ends
        for f in faults.get(here, ())
    ]
    status = situation.statuses.of(end)
    if not reasons and status.inherited is not None:
        reasons = [Reason("inherited", "inherited", None, status.inherited.level)]
    if not reasons:
        return [], [], 0
    found: list[Candidate] = []
    looked_at: set[End] = set()
    for way in _WAYS:
        reached = Upstream(situation.statuses.travel, ends, way)
        looked_at.update(reached)
        for above in faults:
            reach = reached.get(above)
            if reach is not None:
                found += _candidates(situation, above, way, reach, is_own=above in ends)
    return reasons, found, len(looked_at)


def _ends(situation: Situation, end: End) -> list[End]:
    node = situation.graph.nodes.get(end.node)
    if end.mark is not None or node is None:
        return [end]
    return situation.statuses.travel.now(node)


def _candidates(
    situation: Situation, end: End, way: Way, reach: Reach, *, is_own: bool
) -> Iterator[Candidate]:
    for fault in situation.statuses.faults.get(end, ()):
        if fault.travels == way or (is_own and fault.travels is None):
            severity = severity_of(fault.level)
            yield Candidate(
                end,
                sort_of(fault),
                severity,
                reach.confidence,
                reach.path,
                fault.since,
                fault.since,
                way,
                fault,
                fault.columns,
            )
