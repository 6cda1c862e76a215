"""The rhythm of a dataset: how long its builds lie apart, and how far behind them its data is.

It is learned from the builds that are known when somebody asks, and stands in no event: so it does
not matter in which order artifacts are read or events arrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

FEWEST_BUILDS: Final = 3
MOST_BUILDS: Final = 20  # so that a new rhythm is learned, and no more history need be kept


class Build(NamedTuple):
    """A build: when it was written, and the newest data in it, None where nobody says it."""

    built: datetime
    data: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is usual for a dataset.

    Attributes:
        builds: how many were looked at.
        gap_seconds: the median time between two builds, above 0.
        delay_seconds: by how much the newest data is usually older than its build, at least 0;
            None unless so many builds brought newer data than any before. A build from data that
            stands still tells nothing: else old data would become what is usual.
    """

    builds: int
    gap_seconds: float
    delay_seconds: float | None = None


def rhythm_of(builds: Iterable[Build], at: datetime) -> Rhythm | None:
    """Learn the rhythm from the newest builds up to an instant; None if there are fewer than 3.

    Builds of one instant are one build.
    """
    newest_data = {build.built: build.data for build in sorted(builds, key=_order)}
    known = [Build(*item) for item in sorted(newest_data.items()) if item[0] <= at][-MOST_BUILDS:]
    if len(known) < FEWEST_BUILDS:
        return None
    gaps = [(b.built - a.built).total_seconds() for a, b in pairwise(known)]
    delays = list(_delays(known))
    usual = median(delays) if len(delays) >= FEWEST_BUILDS else None
    return Rhythm(len(known), median(gaps), usual)


def _order(build: Build) -> tuple[datetime, bool, datetime]:
    return build.built, build.data is not None, build.data or build.built


def _delays(builds: Sequence[Build]) -> Iterator[float]:
    newest: datetime | None = None
    for built, data in builds:
        if data is not None and (newest is None or data > newest):
            newest = data
            yield max(0.0, (built - data).total_seconds())
