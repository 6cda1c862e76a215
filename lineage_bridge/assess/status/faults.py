"""What a fault is: one thing that is wrong with a node by itself, and how it travels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["ok", "unknown", "warn", "bad"]
Kind: TypeAlias = Literal["content", "age", "run", "model", "serving", "drift"]
# `bound`: with the version, to whoever read it and on. `live`: to whoever reads the present state.
Way: TypeAlias = Literal["bound", "live"]

OK: Final = "ok"
UNKNOWN: Final = "unknown"
WARN: Final = "warn"
BAD: Final = "bad"

_RANK: Final[Mapping[Level, int]] = {OK: 0, UNKNOWN: 1, WARN: 2, BAD: 3}
_WAYS: Final[Mapping[Kind, Way | None]] = {
    "content": "bound",
    "model": "bound",
    "age": "live",
    "run": "live",
    "serving": "live",
    "drift": None,  # it is a symptom, or the world
}
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        code: what; see docs/findings.md.
        level: how bad it is; never `ok`.
        kind: what sort of trouble it is.
        since: when it began; None where nobody says it.
        value: what was found, a number in the unit that the code names, or words with their unit.
        threshold: what it is held against, likewise.
        columns: the columns that it is about, worst first.
        said_by: the tool that found it, where it is not one of ours.
        travels: the way that it takes; None if it stays where it is.
    """

    code: str
    level: Level
    kind: Kind
    since: datetime | None = None
    value: float | str | None = None
    threshold: float | str | None = None
    columns: tuple[str, ...] = ()
    said_by: str | None = None
    travels: Way | None = None

    @property
    def is_broken(self) -> bool:
        """Whether something broke: not that time passed, nor what a deployment shows."""
        return self.level == BAD and self.kind in {"content", "model", "run"}

    @classmethod
    def of(
        cls,
        code: str,
        level: Level,
        kind: Kind,
        since: datetime | None = None,
        value: float | str | None = None,
        threshold: float | str | None = None,
        *,
        columns: tuple[str, ...] = (),
        said_by: str | None = None,
    ) -> Fault:
        """Make a fault that travels as faults of its kind do."""
        way = _WAYS[kind]
        return cls(code, level, kind, since, value, threshold, columns, said_by, way)


def rank(level: Level) -> int:
    """Return how bad a level is; ok is 0."""
    return _RANK[level]


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of several levels; ok if there are none."""
    return max(levels, key=_RANK.__getitem__, default=OK)


def level_of(faults: Iterable[Fault]) -> Level:
    """Return the status of what has these faults."""
    return worst(fault.level for fault in faults)


def worst_first(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Sort faults as they are shown: by level, then begin, then code."""
    return tuple(sorted(faults, key=_order))


def _order(fault: Fault) -> tuple[int, datetime, str, tuple[str, ...]]:
    return -_RANK[fault.level], fault.since or _EVER, fault.code, fault.columns
