"""Merge facets as they arrive: a later facet replaces the whole earlier one of the same name.

In most answers later means by event time, in some by arrival. A stored merge keeps the event time
of each facet, so that a late event changes only facets that no newer event has set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

# {name: [event time in microseconds, value]}; if another value arrived last, that is a third item.
Timed = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def load(stored: bytes | None) -> dict[str, Any]:
    """Decode facets from their column."""
    return _decode(stored) if stored else {}


def dump(facets: Mapping[str, Any]) -> bytes | None:
    """Encode facets for their column."""
    return _encode(facets) if facets else None


def put(merged: Timed, facets: Mapping[str, Any], at_us: int) -> bool:
    """Merge the facets of an event; return whether any was older than the one in place."""
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
    """Return the facets of a merge that arrived last, by name, without their times."""
    return {name: timed[-1] for name, timed in merged.items()}


def newest(*merges: Timed) -> dict[str, Any]:
    """Combine merges, without times: the newest facet of each name wins, on a tie the last."""
    best: Timed = {}
    for merged in merges:
        for name, timed in merged.items():
            held = best.get(name)
            if held is None or held[0] <= timed[0]:
                best[name] = timed
    return {name: timed[1] for name, timed in best.items()}
