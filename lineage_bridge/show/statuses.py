"""How each status looks, wherever it is shown: the only list of their words, colours and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from lineage_bridge.show.text import printable
from lineage_bridge.show.units import counted

Tone = Literal["good", "warn", "bad", "mute"]


@dataclass(frozen=True, slots=True)
class Status:
    """One status.

    Attributes:
        word: its name for people.
        symbol: one character that every terminal has, so that colour is not the only sign.
        style: its colour on a terminal, as rich names it.
        tone: its colour on a page.
        rank: 0 for the worst; statuses of one rank are equally bad.
    """

    word: str
    symbol: str
    style: str
    tone: Tone
    rank: int


_STATUSES: Final = {
    "unhealthy": Status("unhealthy", "X", "bold red", "bad", 0),
    "degraded": Status("degraded", "!", "dark_orange", "warn", 1),
    "unknown": Status("unknown", "?", "yellow", "mute", 2),
    "idle": Status("idle", "-", "cyan", "mute", 3),
    "healthy": Status("healthy", "+", "green", "good", 4),
    "STALE": Status("stale", "X", "red", "bad", 0),
    "LATE": Status("late", "!", "dark_orange", "warn", 1),
    "UNKNOWN": Status("unknown", "?", "yellow", "mute", 2),
    "FRESH": Status("fresh", "+", "green", "good", 4),
    "critical": Status("critical", "X", "red", "bad", 0),
    "warning": Status("warning", "!", "dark_orange", "warn", 1),
    "none": Status("none", "+", "green", "good", 4),
    "error": Status("failed", "X", "red", "bad", 0),
    "warn": Status("warned", "!", "dark_orange", "warn", 1),
    "skipped": Status("skipped", "-", "cyan", "mute", 3),
    "passed": Status("passed", "+", "green", "good", 4),
    "bad": Status("bad", "X", "bold red", "bad", 0),
    "ok": Status("ok", "+", "green", "good", 4),
    "FAILED": Status("failed", "X", "red", "bad", 0),
    "ABORTED": Status("aborted", "!", "dark_orange", "warn", 1),
    "RUNNING": Status("running", ">", "cyan", "mute", 3),
    "COMPLETED": Status("completed", "+", "green", "good", 4),
}


def status_of(name: str) -> Status:
    """Return the look of a status; one that we do not know is as bad as `unknown`."""
    return _STATUSES.get(name) or Status(printable(name), "?", "", "mute", 2)


def summary(what: str, names: Iterable[str]) -> str:
    """Count things by status, worst first: `3 runs: 1 failed, 2 completed`.

    Args:
        what: the name of one thing.
        names: the status of each.
    """
    listed = list(names)
    parts = counts(listed)
    return f"{counted(len(listed), what)}{f': {parts}' if parts else ''}"


def counts(names: Iterable[str]) -> str:
    """Count statuses, worst first: `1 failed, 2 completed`."""
    found = Counter(status_of(name) for name in names)
    worst_first = sorted(found, key=lambda status: (status.rank, status.word))
    return ", ".join(f"{found[status]:,} {status.word}" for status in worst_first)
