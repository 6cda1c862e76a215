"""The order of candidates: what only passes a fault on stands below, what is far behind is left.

A carrier is a candidate whose part in the symptom others explain that stand above it on its path:
each with at least 0.7 of its score, and together all that it stands for. Of a slot whose siblings
have such a fault too and are well, the fault needs the whole score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lineage_bridge.assess.cause.kinds import Sort
from lineage_bridge.assess.cause.score import Parts

FLOOR: Final = 0.15
LEFT_OUT: Final = 0.1  # of the first one's score
MOST: Final = 20  # that are named
_COMPARED: Final = 200  # the best that are compared with each other
CARRIED: Final = 0.7  # both of the carrier's score, and of how well it is explained


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score.

    Attributes:
        node: where it is, as text: what lists are ordered by at last.
        sort: of its best fault.
        parts: of the score.
        reason: the index of the symptom's reason that it explains best.
        kinds: how well it explains each reason of the symptom.
        above: the nodes of all ends on the ways from its own origins to it.
        carrier_of: the candidates that it only passes on.
    """

    node: str
    sort: Sort
    parts: Parts
    reason: int
    kinds: tuple[float, ...]
    above: frozenset[str] = frozenset()
    carrier_of: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The product of the parts."""
        return self.parts.score


def ranked(candidates: Iterable[Scored]) -> list[Scored]:
    """Return the candidates that are worth naming, the likeliest first: those over the floor.

    The same candidates in any order give the same list.
    """
    over = [one for one in candidates if one.score >= FLOOR]
    listed = sorted(over, key=lambda one: (-one.score, one.node))[:_COMPARED]
    marked = [replace(one, carrier_of=_carried(one, listed)) for one in listed]
    marked.sort(key=lambda one: (bool(one.carrier_of), -one.score, one.node))
    if not marked:
        return []
    least = LEFT_OUT * marked[0].score
    return [one for one in marked if one.score >= least][:MOST]


def _carried(one: Scored, listed: Sequence[Scored]) -> tuple[str, ...]:
    """Return what a candidate passes on; nothing if it stands for something of its own."""
    above = [other for other in listed if other.node in one.above and _may_carry(one, by=other)]
    if not above:
        return ()
    explained = [any(other.kinds[n] >= CARRIED for other in above) for n in _stands_for(one)]
    whole = any(explained) if one.sort == "metrics" else all(explained)
    return tuple(sorted(other.node for other in above)) if explained and whole else ()


def _may_carry(one: Scored, *, by: Scored) -> bool:
    """Return whether what a candidate shows may come from another one above it.

    A slot has siblings: if they have the other fault too and are well, it must score as high.
    """
    speaks_against = one.sort == "slot" and by.parts.specificity < one.parts.specificity
    least = 1.0 if speaks_against else CARRIED
    return by.node != one.node and by.score >= least * one.score


def _stands_for(one: Scored) -> Sequence[int]:
    """List the reasons that a candidate may stand for: of a slot and a release all of them."""
    if one.sort in {"slot", "release"}:
        return range(len(one.kinds))
    return [n for n, kind in enumerate(one.kinds) if kind > 0]


def by_node(candidates: Iterable[Scored]) -> Mapping[str, Scored]:
    """Keep the best candidate of each node."""
    best: dict[str, Scored] = {}
    for one in candidates:
        known = best.get(one.node)
        if known is None or (one.score, one.sort) > (known.score, known.sort):
            best[one.node] = one
    return best
