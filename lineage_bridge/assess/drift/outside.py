"""What a model does not know, over the whole time of its log: since when, and how often by now.

One label that comes once in 16,000 requests is not in every window, and no test finds it. It is
found by its count: a label that was never trained is one for as long as this version serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from lineage_bridge.assess.bounds import wilson_lower
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.assess.drift.untrained import MOST_LABELS, Found, Key, Sort, Untrained


class Told(msgspec.Struct, array_like=True):
    """One sort of it in one feature, since its first time.

    Attributes:
        first_us: the first hour that had it, microseconds since 1970.
        requests: how many since then.
        labels: label -> the first hour that had it, and how many since then.
    """

    first_us: int
    requests: int
    labels: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True, slots=True)
class Outside:
    """One sort of what the model does not know, in one feature.

    Attributes:
        key: the feature and the sort.
        now: in the longest window; none of it there is 0 requests.
        since_us: the hour in which it was there for the first time.
        requests: how many since then.
        labels: label -> the first hour that had it, and how many since then.
        is_fault: whether it is more than the policy lets pass.
    """

    key: Key
    now: Found
    since_us: int
    requests: int
    labels: Mapping[str, tuple[int, int]]
    is_fault: bool


class History(msgspec.Struct):
    """All of it, hour after hour; it can be kept as bytes."""

    told: dict[str, Told] = {}  # by feature and sort

    def count(self, begin_us: int, untrained: Untrained) -> None:
        """Count an hour."""
        for key, found in untrained.found.items():
            told = self.told.setdefault(name_of(key), Told(begin_us, 0))
            told.requests += found.requests
            for label, count in found.labels.items():
                if label in told.labels or len(told.labels) < MOST_LABELS:
                    first, before = told.labels.get(label, (begin_us, 0))
                    told.labels[label] = first, before + count

    def count_constant(self, names: Iterable[str], begin_us: int, rows: int, newest: int) -> None:
        """Note which columns are constant in the longest window; the others have no history.

        Args:
            names: of the columns.
            begin_us: when the window begins.
            rows: how many it has.
            newest: how many of them the newest hour has.
        """
        constant = {name_of((name, "constant")) for name in names}
        for gone in [name for name in self.told if _key(name)[1] == "constant"]:
            if gone not in constant:
                del self.told[gone]
        for name in sorted(constant):
            if name in self.told:
                self.told[name].requests += newest
            else:
                self.told[name] = Told(begin_us, rows)

    def outside(self, untrained: Untrained, policy: DriftPolicy) -> list[Outside]:
        """List all of it: what is a fault first, then by how many requests carry it now.

        Args:
            untrained: of the longest window.
            policy: the limits.
        """
        found = list(self._outside(untrained, policy))
        return sorted(found, key=lambda one: (not one.is_fault, -one.now.requests, one.key))

    def _outside(self, untrained: Untrained, policy: DriftPolicy) -> Iterator[Outside]:
        for name, told in self.told.items():
            key = _key(name)
            now = untrained.found.get(key, Found(0))
            if now.requests or key[1] != "beyond_range":
                is_fault = _is_fault(key, now, told, untrained.rows, policy)
                labels = dict(told.labels)
                yield Outside(key, now, told.first_us, told.requests, labels, is_fault)


def _is_fault(key: Key, now: Found, told: Told, rows: int, policy: DriftPolicy) -> bool:
    if key[1] == "beyond_range":  # every range has a first number beyond it
        return wilson_lower(now.requests, rows) > policy.untrained_share
    return key[1] == "constant" or told.requests >= policy.untrained_fewest


def name_of(key: Key) -> str:
    """Return a text that is different for each feature and sort."""
    return f"{key[0]}/{key[1]}"


def _key(name: str) -> Key:
    feature, _, sort = name.rpartition("/")
    return feature, cast("Sort", sort)
