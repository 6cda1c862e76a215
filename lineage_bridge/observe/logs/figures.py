"""What is known of a model version's answers at the end of each day of its log.

A day's figures are of all requests up to its end, with the labels that were known by then: so they
do not change when labels of a later day come. A label that does not say since when it is known is
taken for the newest thing that is known at all. A corrected label counts from its correction on.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lineage_bridge.facets.fairness import Group
from lineage_bridge.inference.groups import Grouping
from lineage_bridge.inference.labels import Joined, Labels
from lineage_bridge.inference.measures import Measures, Measuring
from lineage_bridge.inference.requests import NO_TIME, Instants, Requests, Told
from lineage_bridge.observe.logs.hours import DAY_US, Answered, duplicates_of
from lineage_bridge.observe.logs.kept_requests import requests_of
from lineage_bridge.profiles.keys import Floats
from lineage_bridge.times import EARLIEST_US


@dataclass(slots=True)
class Counts:
    """What is counted of requests.

    Attributes:
        rows: requests.
        duplicates: rows that did not count.
        unanswered: requests without a prediction.
        not_finite: requests answered with NaN or infinity.
        again: labels of a request that had one already.
        late: labels that came too late to count.
    """

    rows: int = 0
    duplicates: int = 0
    unanswered: int = 0
    not_finite: int = 0
    again: int = 0
    late: int = 0

    def add(self, other: Counts) -> None:
        """Add others."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Figures:
    """What is known at an instant; times are microseconds since 1970.

    Attributes:
        at_us: the newest request or label.
        counts: of requests.
        label_days: how long after its request a label may become known.
        first_us: the first request; None where times are not known.
        last_us: the last one.
        label_us: when the newest label became known; None where that is not said.
        measures: how good the answers were; None where nothing is labelled.
        groups: the labelled requests by group, as far as they have one.
        groups_left_out: how many more groups there are.
        with_group: how many labelled requests have a group.
    """

    at_us: int
    counts: Counts
    label_days: float
    first_us: int | None = None
    last_us: int | None = None
    label_us: int | None = None
    measures: Measures | None = None
    groups: tuple[Group, ...] = ()
    groups_left_out: int = 0
    with_group: int = 0


@dataclass(slots=True)
class _Labelled:
    """Answered requests whose labels are known, with when they were."""

    when: Floats
    answers: Told
    chances: Floats
    labels: Told
    known: Floats
    groups: Told | None = None


@dataclass(slots=True)
class _Day:
    """What happened on a day; times are microseconds since 1970."""

    counts: Counts = field(default_factory=Counts)
    first_us: int | None = None
    last_us: int | None = None
    label_us: int | None = None


def figures_by_day(
    connection: sqlite3.Connection, answered: Answered, labels: Labels, since_us: int
) -> Iterator[Figures]:
    """Yield the figures of each day on which requests or labels came, from one day on.

    Args:
        connection: of the home.
        answered: what answered.
        labels: all that are known.
        since_us: days that end before that are left out.
    """
    gathered = _Gathered()
    for requests, label_days in requests_of(connection, answered):
        gathered.add(requests, labels.of(requests, label_days), label_days)
    for day_us, count in duplicates_of(connection, answered).items():
        gathered.days.setdefault(day_us, _Day()).counts.duplicates += count
    yield from gathered.figures(since_us)


class _Gathered:
    """Adds up requests by their days."""

    def __init__(self) -> None:
        self.days: dict[int, _Day] = {}
        self._untimed = Counts()
        self._labelled: list[_Labelled] = []
        self._odd: dict[float, _Day] = {}
        self._label_days = 0.0

    def add(self, requests: Requests, joined: Joined, label_days: float) -> None:
        """Take requests with what is known to be true of them."""
        self._label_days = max(self._label_days, label_days)
        answers = requests.answers
        is_used = answers.is_usable & joined.labels.is_there
        asked = np.where(requests.at_us == NO_TIME, -math.inf, requests.at_us)
        known = joined.known_us[is_used]
        when = np.where(np.isneginf(known), math.inf, np.maximum(known, asked[is_used]))
        chances, told = requests.chances[is_used], joined.labels.where(is_used)
        groups = None if requests.groups is None else requests.groups.where(is_used)
        self._labelled.append(_Labelled(when, answers.where(is_used), chances, told, known, groups))
        self._add_odd(joined)
        is_timed = requests.at_us != NO_TIME
        self._untimed.add(_counts(requests, ~is_timed))
        days = requests.at_us[is_timed] // DAY_US * DAY_US
        for day_us in np.unique(days).tolist():
            which = is_timed & (requests.at_us // DAY_US * DAY_US == day_us)
            day = self.days.setdefault(day_us, _Day())
            day.counts.add(_counts(requests, which))
            _extend(day, requests.at_us[which])

    def _add_odd(self, joined: Joined) -> None:
        """Count labels that came too late, or again, by the day on which they did."""
        is_odd = (joined.late > 0) | (joined.again > 0)
        known = joined.newest_us[is_odd]
        days = _days(known)
        again, late = joined.again[is_odd], joined.late[is_odd]
        for day in np.unique(days).tolist():
            which = days == day
            odd = self._odd.setdefault(day, _Day())
            odd.counts.again += int(again[which].sum())
            odd.counts.late += int(late[which].sum())
            if math.isfinite(day):
                odd.label_us = max(odd.label_us or EARLIEST_US, int(known[which].max()))

    def figures(self, since_us: int) -> Iterator[Figures]:
        """Yield what was known at the end of each day."""
        labelled = sorted(self._by_day().items())
        timed = {int(day) for day in [*dict(labelled), *self._odd] if math.isfinite(day)}
        days = sorted({*self.days, *timed})
        if not days:
            return
        found = Figures(days[0], self._untimed, self._label_days)
        measuring, grouping = Measuring(), Grouping()
        for day_us in days:
            day = self.days.get(day_us, _Day())
            found = _moved(found, day)
            is_last = day_us == days[-1]
            for odd in [day_us, math.inf] if is_last else [day_us]:
                found = _moved(found, self._odd.get(odd, _Day()))
            while labelled and (labelled[0][0] <= day_us or is_last):
                _, parts = labelled.pop(0)
                for one in parts:
                    measuring.add(one.answers, one.chances, one.labels)
                    if one.groups is not None:
                        grouping.add(one.groups, one.answers, one.chances, one.labels)
                    found = _known(found, one)
            if day_us + DAY_US > since_us or is_last:
                groups, left_out = grouping.groups()
                yield replace(
                    found,
                    counts=replace(found.counts),
                    measures=measuring.measures(),
                    groups=groups,
                    groups_left_out=left_out,
                    with_group=grouping.counted,
                )

    def _by_day(self) -> dict[float, list[_Labelled]]:
        """Sort what is labelled by the day from which on it is, infinity: the last one."""
        found: dict[float, list[_Labelled]] = {}
        for part in self._labelled:
            days = _days(part.when)
            for day in np.unique(days).tolist():
                which = days == day
                found.setdefault(day, []).append(_some(part, which))
        return found


def _some(part: _Labelled, which: Any) -> _Labelled:
    return _Labelled(
        part.when[which],
        part.answers.where(which),
        part.chances[which],
        part.labels.where(which),
        part.known[which],
        None if part.groups is None else part.groups.where(which),
    )


def _counts(requests: Requests, which: Any) -> Counts:
    answers = requests.answers.where(which)
    is_there = answers.is_there
    return Counts(
        rows=int(which.sum()),
        unanswered=int((~is_there).sum()),
        not_finite=int((is_there & ~answers.is_usable).sum()),
    )


def _extend(day: _Day, at_us: Instants) -> None:
    first, last = int(at_us.min()), int(at_us.max())
    day.first_us = first if day.first_us is None else min(day.first_us, first)
    day.last_us = last if day.last_us is None else max(day.last_us, last)


def _moved(found: Figures, day: _Day) -> Figures:
    """Go on to the end of another day."""
    counts = replace(found.counts)
    counts.add(day.counts)
    found = replace(found, counts=counts, at_us=max(found.at_us, day.label_us or EARLIEST_US))
    if day.first_us is None or day.last_us is None:
        return found
    first = day.first_us if found.first_us is None else min(found.first_us, day.first_us)
    at_us = max(day.last_us, found.at_us)
    return replace(found, at_us=at_us, first_us=first, last_us=day.last_us)


def _days(times: Floats) -> Floats:
    """Return when the day of each time begins; infinity where it is not known."""
    days = np.full(len(times), math.inf)
    is_known = np.isfinite(times)
    days[is_known] = times[is_known] // DAY_US * DAY_US
    return days


def _known(found: Figures, part: _Labelled) -> Figures:
    """Take note of when labels were known."""
    said = part.known[np.isfinite(part.known)]
    if not len(said):
        return found
    newest = int(said.max())
    label_us = newest if found.label_us is None else max(found.label_us, newest)
    return replace(found, label_us=label_us, at_us=max(found.at_us, newest))
