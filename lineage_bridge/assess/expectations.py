"""When a dataset is late: by the ages that somebody stated, by a schedule, or by its own rhythm.

A rule turns the time that a clock shows into the ages from which on the dataset is LATE and STALE.
What counts, first hit: what the settings say of the dataset, or of all; the ages in its facet;
its rhythm; P6's half hour, where nothing else is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from lineage_bridge.assess.freshness import (
    BUILD,
    DEFAULT_LIMIT_SECONDS,
    MTIME,
    FreshnessPolicy,
    FreshnessRule,
    JudgedClock,
)
from lineage_bridge.assess.rhythm import Rhythm
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.schedule import Schedule

Source = Literal["declared", "freshness_sla", "cron", "facet", "rhythm", "default"]

LATE_AFTER_GAPS: Final = 1.5
STALE_AFTER_GAPS: Final = 3.0
STALE_PER_LATE: Final = STALE_AFTER_GAPS / LATE_AFTER_GAPS  # where only one of the two is stated
DEFAULT_POLICY: Final = FreshnessPolicy(
    DEFAULT_LIMIT_SECONDS, DEFAULT_LIMIT_SECONDS * STALE_PER_LATE
)
MOST_TOLERANCE_SECONDS: Final = DEFAULT_LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody states of a dataset.

    Attributes:
        source: where it stands.
        key: the place there: a key of the settings, or the file of a feature view.
        warn_seconds: LATE from this age on; after a build that the schedule expects, if there is
            a schedule. None if it is not stated.
        error_seconds: STALE, likewise.
        schedule: when a build is expected.
    """

    source: Source
    key: str | None = None
    warn_seconds: float | None = None
    error_seconds: float | None = None
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """The rule for a dataset, and where it comes from.

    Attributes:
        source: what the rule was taken from.
        rule: the rule.
        rhythm: of the dataset, also where another rule counts; None while too little is known.
        stated: what was stated, None where the rule comes from no statement.
    """

    source: Source
    rule: FreshnessRule
    rhythm: Rhythm | None = None
    stated: Stated | None = None

    @property
    def schedule(self) -> Schedule | None:
        """When builds are expected, if somebody stated it."""
        return None if self.stated is None else self.stated.schedule

    def next_build(self, newest: datetime) -> datetime | None:
        """When the build after the newest one is expected; in the past if it is overdue."""
        if self.schedule is not None:
            return self.schedule.after(newest)
        if self.rhythm is None:
            return None
        try:
            return newest + timedelta(seconds=self.rhythm.gap_seconds)
        except OverflowError:
            return None


def expectation_of(
    stated: Stated | None, facet: FreshnessFacet | None, rhythm: Rhythm | None
) -> Expectation:
    """Choose the rule for a dataset.

    Args:
        stated: by the settings; None if they say nothing of it.
        facet: of the version that is judged. Ages that are P6's default are no statement.
        rhythm: of the dataset.
    """
    stated = stated or _stated_by(facet)
    if stated is not None and stated.schedule is not None:
        delay = None if rhythm is None else rhythm.delay_seconds
        scheduled = _Scheduled(stated, stated.schedule, delay)
        return Expectation(stated.source, scheduled, rhythm, stated)
    if stated is not None:
        return Expectation(stated.source, _ages(stated), rhythm, stated)
    if rhythm is not None:
        return Expectation("rhythm", _Rhythmic(rhythm), rhythm)
    return Expectation("default", DEFAULT_POLICY)


def _stated_by(facet: FreshnessFacet | None) -> Stated | None:
    if facet is None or {facet.warn_seconds, facet.error_seconds} <= {None, DEFAULT_LIMIT_SECONDS}:
        return None
    return Stated("facet", None, facet.warn_seconds, facet.error_seconds)


def _ages(stated: Stated) -> FreshnessPolicy:
    warn, error = stated.warn_seconds, stated.error_seconds
    if error is None:
        error = DEFAULT_POLICY.error_seconds if warn is None else warn * STALE_PER_LATE
    if warn is None:
        warn = error / STALE_PER_LATE
    return FreshnessPolicy(min(warn, error), error)


@dataclass(frozen=True, slots=True)
class _Rhythmic:
    """LATE after one and a half gaps, STALE after three; data may be as far behind as usual."""

    rhythm: Rhythm

    def limits(self, clock: JudgedClock, _shown: datetime) -> FreshnessPolicy:
        """See `FreshnessRule`."""
        gap = self.rhythm.gap_seconds
        delay = 0.0 if clock in {BUILD, MTIME} else self.rhythm.delay_seconds or 0.0
        return FreshnessPolicy(gap * LATE_AFTER_GAPS + delay, gap * STALE_AFTER_GAPS + delay)


@dataclass(frozen=True, slots=True)
class _Scheduled:
    """LATE when a build is missing that the schedule expects, STALE when a second one is.

    A build may take half the time until the next one, and at most half an hour; other ages count
    from the missing build, where they are stated. Data is expected to be as new as the last time
    of the schedule, or as far behind as usual.
    """

    stated: Stated
    schedule: Schedule
    delay_seconds: float | None

    def limits(self, clock: JudgedClock, shown: datetime) -> FreshnessPolicy:
        """See `FreshnessRule`."""
        due = self.schedule.after(shown if clock in {BUILD, MTIME} else self._built(shown))
        following = None if due is None else self.schedule.after(due)
        if due is None or following is None:
            return FreshnessPolicy(math.inf, math.inf)
        gap = (following - due).total_seconds()
        missing = (due - shown).total_seconds()
        return FreshnessPolicy(*(missing + age for age in self._patience(gap)))

    def _patience(self, gap: float) -> tuple[float, float]:
        """For how long a build may be missing until the dataset is LATE and STALE, in seconds."""
        warn, error = self.stated.warn_seconds, self.stated.error_seconds
        if warn is None:
            warn = min(MOST_TOLERANCE_SECONDS, gap / 2, math.inf if error is None else error)
        return warn, gap + warn if error is None else error

    def _built(self, data: datetime) -> datetime:
        """When data of this time was built, or should have been."""
        try:
            from_then_on = self.schedule.after(data - timedelta(microseconds=1)) or data
            return max(from_then_on, data + timedelta(seconds=self.delay_seconds or 0.0))
        except OverflowError:  # at the ends of the calendar
            return data
