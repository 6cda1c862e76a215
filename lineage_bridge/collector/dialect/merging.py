"""Merge facets as they arrive: a later facet replaces the whole earlier one of the same name.

In most answers later means by event time, in some by arrival. A stored merge keeps the event time
of each facet, so that a late event changes only facets that no newer event has set. The facets
themselves are never decoded here, as some of them have megabytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Value(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A facet as it is stored.

    Attributes:
        json: its JSON; or, if it is shared, the number of a row of `mq_shared`.
        is_shared: whether it is stored there.
    """

    json: msgspec.Raw
    is_shared: bool = False


class Timed(msgspec.Struct, array_like=True, gc=False):
    """A facet with the event time, in microseconds, of the event that set it.

    Attributes:
        arrived: another value, which arrived last though it is older; None if there is none.
    """

    at_us: int
    value: Value
    arrived: Value | None = None


Values = dict[str, Value]  # by name
Merged = dict[str, Timed]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Merged).decode
_decode_values = msgspec.json.Decoder(Values).decode


def load(stored: bytes | None) -> Merged:
    """Decode a merge from its column."""
    return _decode(stored) if stored else {}


def load_values(stored: bytes | None) -> Values:
    """Decode facets without times from their column."""
    return _decode_values(stored) if stored else {}


def dump(facets: Merged | Values) -> bytes | None:
    """Encode facets for their column."""
    return _encode(facets) if facets else None


def put(merged: Merged, facets: Mapping[str, Value], at_us: int) -> None:
    """Merge the facets of an event."""
    for name, value in facets.items():
        held = merged.get(name)
        if held is not None and held.at_us > at_us:
            held.arrived = value
        else:
            merged[name] = Timed(at_us, value)


def by_arrival(merged: Merged) -> Values:
    """Return the facets of a merge that arrived last, by name, without their times."""
    return {name: timed.arrived or timed.value for name, timed in merged.items()}


def newest(*merges: Merged) -> Values:
    """Combine merges, without times: the newest facet of each name wins, on a tie the last."""
    best: Merged = {}
    for merged in merges:
        for name, timed in merged.items():
            held = best.get(name)
            if held is None or held.at_us <= timed.at_us:
                best[name] = timed
    return {name: timed.value for name, timed in best.items()}
