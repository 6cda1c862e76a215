"""Facets merged as they come: whole facets by name, the later one in its place.

Later means by event time in most answers, and by arrival in some; a stored merge keeps the event
time of each facet, so that a late event changes only what nothing newer has set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

# {name: [event time in microseconds, value]}, with the value that arrived last as a third item
# where that is another one.
Timed = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def load(stored: bytes | None) -> dict[str, Any]:
    """Facets from their column."""
    return _decode(stored) if stored else {}


def dump(facets: Mapping[str, Any]) -> bytes | None:
    """Facets for their column."""
    return _encode(facets) if facets else None


def put(merged: Timed, facets: Mapping[str, Any], at_us: int) -> bool:
    """Merge facets of an event at that time; tell whether any was older than what is there."""
    late = False
    for name, value in facets.items():
        held = merged.get(name)
        if held is not None and held[0] > at_us:
            merged[name] = [*held[:2], value]
            late = True
        else:
            merged[name] = [at_us, value]
    return late


def by_arrival(merged: Timed) -> dict[str, Any]:
    """One merge without the times: what arrived last by name."""
    return {name: timed[-1] for name, timed in merged.items()}


def newest(*merges: Timed) -> dict[str, Any]:
    """Several merges as one, without the times: what is newest by name; on a tie the last."""
    best: Timed = {}
    for merged in merges:
        for name, timed in merged.items():
            held = best.get(name)
            if held is None or held[0] <= timed[0]:
                best[name] = timed
    return {name: timed[1] for name, timed in best.items()}
