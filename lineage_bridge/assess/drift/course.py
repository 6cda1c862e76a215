"""Drift over time: the rows of one served model version, at each full hour that brought some.

Judged are the last hours up to then, several numbers of them (6 and 24), each against what the
model was trained on. What was found is a function of the hours up to that instant: so a log that is
read at once, and one that is followed hour by hour, give the same.

The reference of what was answered (`prediction`, `probability`, `confidence`) is what this version
answered in its own first day, as no dataset has it; so it is judged once that day is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import msgspec

from lineage_bridge.assess.drift.feature import compare
from lineage_bridge.assess.drift.finding import Drift, FeatureDrift
from lineage_bridge.assess.drift.judge import judge
from lineage_bridge.assess.drift.outside import History, Outside, name_of
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.assess.drift.untrained import Trained, Untrained, constant_columns
from lineage_bridge.profiles.column import Limits
from lineage_bridge.profiles.labels import MOST_LABELS
from lineage_bridge.profiles.profile import Blocks, Part, Profile

HOUR_US: Final = 3_600_000_000
ANSWERS: Final = ("prediction", "probability", "confidence")
_FIRST_DAY_US: Final = 24 * HOUR_US
_POINTS_OF_REFERENCE: Final = 8_192  # a rank among them is off by less than a test can tell
# Numbers that are kept of an hour in memory: of all columns, and of one.
_POINTS_OF_HOUR: Final = 100_000
_FEWEST_POINTS: Final = 64
_MOST_POINTS: Final = 4_096
_LABELS_COUNTED: Final = 5  # so many new labels each are a change


class RowsOfHour(NamedTuple):
    """An hour that brought rows: when it begins (microseconds since 1970), and what they are."""

    begin_us: int
    profile: Profile


class CourseState(msgspec.Struct):
    """What is carried from one judgement to the next; it can be kept as bytes.

    Attributes:
        since: per number of hours and feature the hour since which it has drifted.
        history: what was outside of what was trained, over all hours.
        hours: how many hours were judged.
        rows: how many rows they had.
        first_us: when the first of them begins.
        last_us: when the newest of them begins.
        told_us: the instant of the last finding that was due.
        told: what it said, in short.
    """

    since: dict[int, dict[str, int]] = {}
    history: History = msgspec.field(default_factory=History)
    hours: int = 0
    rows: int = 0
    first_us: int | None = None
    last_us: int | None = None
    told_us: int | None = None
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The last hours up to an instant.

    Attributes:
        hours: how many.
        brought: how many of them brought rows.
        begin_us: when the first of those begins.
        profile: what their rows look like.
        drift: against what the model was trained on.
        answers: what was answered against the first day; None before that is over, or where it has
            nothing of it.
        since: when each feature began to drift that did, microseconds since 1970.
    """

    hours: int
    brought: int
    begin_us: int
    profile: Profile
    drift: Drift
    answers: Drift | None
    since: dict[str, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """All that is found at one full hour.

    Attributes:
        at_us: the end of the newest hour, microseconds since 1970.
        windows: by their number of hours, ascending.
        untrained: in the longest window.
        outside: the same by feature, what is a fault first.
        hours: how many hours are known up to then.
        rows: how many rows they have.
        first_us: when the first of them begins.
        is_due: whether it is to be told: something changed, or a day has passed.
    """

    at_us: int
    windows: tuple[Window, ...]
    untrained: Untrained
    outside: tuple[Outside, ...]
    hours: int
    rows: int
    first_us: int
    is_due: bool


@dataclass(frozen=True, slots=True)
class _Hour:
    begin_us: int
    profile: Profile
    untrained: Untrained


@dataclass(slots=True)
class Course:
    """Judges the hours of one model version in one deployment, in their order.

    Attributes:
        reference: what the model was trained on.
        policy: the limits.
        state: of the hours that were judged before; it is changed.
        first_day: returns what was answered in the first day; asked for once, when that is over.
    """

    reference: Profile
    policy: DriftPolicy
    state: CourseState
    first_day: Callable[[], Profile | None]
    _window: deque[_Hour] = field(default_factory=deque)
    _trained: Trained = field(init=False)
    _coarse: Profile = field(init=False)  # the reference, in no finer detail than hours have
    _answered: list[Profile | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._trained = Trained.of(self.reference, self.policy)
        whole = Part.sum([self.reference.whole], Limits(_POINTS_OF_REFERENCE, MOST_LABELS))
        self._coarse = replace(self.reference, whole=whole)

    def is_recalled(self, begin_us: int, next_us: int) -> bool:
        """Return whether an hour that was judged before is in the longest window of the next one.

        Args:
            begin_us: when the hour begins, microseconds since 1970.
            next_us: when the next hour to judge begins.
        """
        return begin_us >= next_us + HOUR_US - self._window_us

    @property
    def _window_us(self) -> int:
        return max(self.policy.hours) * HOUR_US

    def recall(self, hour: RowsOfHour) -> None:
        """Take an hour of the window that was judged before."""
        self._window.append(self._read(hour))

    def judge(self, hour: RowsOfHour) -> Judged:
        """Judge at the end of an hour; its rows count from then on."""
        at_us = hour.begin_us + HOUR_US
        read = self._read(hour)
        self._window.append(read)
        while self._window[0].begin_us < at_us - self._window_us:
            self._window.popleft()
        state = self.state
        state.hours += 1
        state.rows += read.profile.rows
        state.first_us = read.begin_us if state.first_us is None else state.first_us
        state.last_us = read.begin_us
        state.history.count(read.begin_us, read.untrained)
        windows = tuple(self._judge_windows(at_us))
        untrained = self._untrained(windows[-1].profile)
        outside = tuple(state.history.outside(untrained, self.policy))
        is_due = self._tell(at_us, _in_short(windows, outside))
        return Judged(
            at_us, windows, untrained, outside, state.hours, state.rows, state.first_us, is_due
        )

    def _read(self, hour: RowsOfHour) -> _Hour:
        # Of hours no days are needed, and fewer points: a window has many of them.
        whole = Part.sum([hour.profile.whole], _limits(len(hour.profile.whole.columns)))
        profile = Profile(whole, hour.profile.keys, blocks=hour.profile.blocks)
        return _Hour(hour.begin_us, profile, Untrained.of(hour.profile.whole, self._trained))

    def _judge_windows(self, at_us: int) -> Iterator[Window]:
        """Judge each window, the shortest first: the next one is that and the hours before it."""
        shorter: list[_Hour] = []
        profiles: list[Profile] = []
        for hours in sorted(self.policy.hours):
            window = [one for one in self._window if one.begin_us >= at_us - hours * HOUR_US]
            more = [one.profile for one in window[: len(window) - len(shorter)]]
            profiles = [_sum([*more, *profiles])]
            shorter = window
            yield self._judge(hours, window, profiles[0])

    def _judge(self, hours: int, window: Sequence[_Hour], profile: Profile) -> Window:
        drift = judge(self._coarse, profile, self.policy.of_each_look())
        answers = self._judge_answers(profile) if self._has_first_day() else None
        since = self._since(hours, drift, window)
        begin_us = window[0].begin_us
        return Window(hours, len(window), begin_us, profile, drift, answers, since)

    def _has_first_day(self) -> bool:
        state = self.state
        assert state.first_us is not None, "an hour was counted"
        assert state.last_us is not None, "an hour was counted"
        return state.last_us >= state.first_us + _FIRST_DAY_US

    def _judge_answers(self, profile: Profile) -> Drift | None:
        if not self._answered:
            self._answered.append(self.first_day())
        (first,) = self._answered
        if first is None:
            return None
        was, now = (_answers_of(side) for side in (first, profile))
        is_there = bool(was.whole.columns and now.whole.columns)
        return judge(was, now, self.policy.of_each_look()) if is_there else None

    def _since(self, hours: int, drift: Drift, window: Sequence[_Hour]) -> dict[str, int]:
        """Return since when features have drifted: what was found before stays until it clears."""
        before = self.state.since.get(hours, {})
        if drift.status == "insufficient_data":  # silence clears nothing
            return dict(before)
        drifted = [one.feature for one in drift.features if one.severity != "none"]
        found = {
            name: before[name] if name in before else self._began(name, window) for name in drifted
        }
        self.state.since[hours] = found
        return dict(found)

    def _began(self, feature: str, window: Sequence[_Hour]) -> int:
        """Return when the first rows of a window begin that are over a limit by themselves.

        Hours are taken together until they have rows enough; where only all of them together are
        over it, it began with the window.
        """
        policy, part, begin_us = self.policy, Part(), window[0].begin_us
        for one in window:
            begin_us = begin_us if part.rows else one.begin_us
            rows = one.profile.whole
            part = Part.sum([part, Part(rows.rows, {feature: rows.column(feature)})])
            if part.rows < policy.fewest_rows:
                continue
            compared = compare(feature, self._coarse.whole, part, policy)
            psi, new = compared.cells.above_floor(), compared.evidence.newest()
            if psi >= policy.warning_psi or new >= policy.warning_new:
                return begin_us
            part = Part()
        return window[0].begin_us

    def _untrained(self, profile: Profile) -> Untrained:
        """Add up what is outside in the longest window, with columns that are constant there."""
        found = Untrained.sum(one.untrained for one in self._window)
        names: list[str] = []
        if found.rows >= self.policy.fewest_rows:
            tellers = profile.rows if profile.blocks is None else profile.blocks.number
            names = [*constant_columns(profile.whole, self._trained, tellers)]
        oldest, newest = self._window[0], self._window[-1]
        self.state.history.count_constant(
            names, oldest.begin_us, rows=found.rows, newest=newest.profile.rows
        )
        return found.with_constant(names)

    def _tell(self, at_us: int, said: str) -> bool:
        """Return whether a finding is due, and note it if it is."""
        state, repeat_us = self.state, self.policy.repeat_hours * HOUR_US
        if state.told_us is not None and said == state.told and at_us - state.told_us < repeat_us:
            return False
        state.told_us, state.told = at_us, said
        return True


def first_day(hours: Iterable[RowsOfHour]) -> Profile | None:
    """Return what was answered in the first day of a log; None where nothing of it is known."""
    parts: list[Profile] = []
    begin_us: int | None = None
    for hour in hours:
        begin_us = hour.begin_us if begin_us is None else begin_us
        if hour.begin_us >= begin_us + _FIRST_DAY_US:
            break
        parts.append(_answers_of(hour.profile))
    found = _sum(parts)
    return found if found.whole.columns else None


def _limits(columns: int) -> Limits:
    points = _POINTS_OF_HOUR // max(columns, 1)
    return Limits(min(max(points, _FEWEST_POINTS), _MOST_POINTS), MOST_LABELS)


def _answers_of(profile: Profile) -> Profile:
    columns = profile.whole.columns
    answers = {name: columns[name] for name in ANSWERS if name in columns}
    return Profile(Part(profile.rows, answers))


def _sum(profiles: Sequence[Profile]) -> Profile:
    blocks = [one.blocks for one in profiles if one.blocks is not None]
    return Profile(
        Part.sum(one.whole for one in profiles),
        profiles[0].keys if profiles else Profile().keys,
        blocks=Blocks.sum(blocks) if blocks and len(blocks) == len(profiles) else None,
    )


def _in_short(windows: Iterable[Window], outside: Iterable[Outside]) -> str:
    """Say what a finding says so that two that say the same are equal, whatever the numbers are."""
    parts: list[str] = []
    for window in windows:
        found = [*window.drift.features, *(window.answers.features if window.answers else ())]
        parts += [f"{window.hours} {window.drift.status}", *sorted(map(_verdict, found))]
    parts += sorted(
        f"{name_of(one.key)} {min(len(one.labels), _LABELS_COUNTED)}"
        for one in outside
        if one.is_fault
    )
    return "\n".join(filter(None, parts))


def _verdict(one: FeatureDrift) -> str:
    if one.severity == "none":
        return ""
    return f"{one.feature} {one.severity} {bool(one.within_reference_variation)}"
