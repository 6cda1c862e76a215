"""What came of one kind of trouble, and the tables that say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torture.vitals import MIB, Vitals

GIANT = "giant: "  # so begins the name of what may take longer than small requests
LISTED = 25  # counts of one sort
_MAIN = (
    "kind", "kills", "events", "lost", "doubled", "resent", "untrue", "refused",
    "longest wait, s", "RSS, MiB: up / follower", "file handles: up / follower",
)  # fmt: skip
_WAITS = ("kind", "what", "times", "p50, ms", "p99, ms", "longest, ms")


@dataclass
class Outcome:
    """Of one kind of trouble.

    Attributes:
        kills: processes that were killed, or stopped for a while.
        events: that were acknowledged.
        lost, doubled, resent, untrue: see `ledger.Balance`.
        refused: requests of well-behaved clients without the answer that they came for.
        waits: seconds from when a request was due until its answer, by what was asked.
        answers: how often each error was answered, and what it said.
        figures: further counts by name.
        first, last: what the processes needed at the start and at the end.
        wrong: a sentence for each thing that must not be.
    """

    kind: str
    kills: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    resent: int = 0
    untrue: int = 0
    refused: int = 0
    waits: dict[str, list[float]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    first: Mapping[str, Vitals] = field(default_factory=dict)
    last: Mapping[str, Vitals] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def waited(self, what: str, seconds: float) -> None:
        """Count a wait."""
        self.waits.setdefault(what, []).append(seconds)

    def judge_waits(self, most_seconds: float) -> None:
        """Note where somebody waited too long."""
        for what, waits in self.waits.items():
            if not what.startswith(GIANT) and max(waits) > most_seconds:
                self.wrong.append(f"{what}: a wait of {max(waits):.0f} s")

    def progress(self) -> str:
        """Where it is, in a line."""
        done = sum(map(len, self.waits.values()))
        wrong = f", {len(self.wrong)} things are wrong" if self.wrong else ""
        return f"{self.kind}: {self.kills} kills, {done:,} waits that ended{wrong}"


def report(outcomes: Sequence[Outcome]) -> str:
    """The tables, and what was wrong."""
    waits = [
        (one.kind, what, f"{len(values):,}", *_spread(values))
        for one in outcomes
        for what, values in one.waits.items()
    ]
    rows = [*map(_row, outcomes), _row(_sum(outcomes))]
    parts = [_table(_MAIN, rows), _table(_WAITS, waits)]
    for one in outcomes:
        parts += [
            _list(f"{one.kind}: what was done", one.figures),
            _list(f"{one.kind}: errors that were answered", one.answers),
        ]
    for one in outcomes:
        parts += [f"WRONG: {one.kind}: {text}" for text in one.wrong]
    return "\n\n".join(filter(None, parts))


def _sum(outcomes: Sequence[Outcome]) -> Outcome:
    """All kinds in one; each process is in the row of its own kind."""
    whole = Outcome("all")
    for one in outcomes:
        for name in ("kills", "events", "lost", "doubled", "resent", "untrue", "refused"):
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
        for what, waits in one.waits.items():
            whole.waits.setdefault(what, []).extend(waits)
    return whole


def _row(one: Outcome) -> tuple[object, ...]:
    small = (waits for what, waits in one.waits.items() if not what.startswith(GIANT))
    longest = max((wait for waits in small for wait in waits), default=0.0)
    return (
        one.kind, one.kills, f"{one.events:,}", one.lost, one.doubled, one.resent, one.untrue,
        f"{one.refused:,}", f"{longest:.2f}" if longest else "-",
        _from_to(one, lambda vitals: vitals.rss // MIB),
        _from_to(one, lambda vitals: vitals.handles),
    )  # fmt: skip


def _from_to(one: Outcome, figure) -> str:
    roles = [role for role in ("up", "follower") if role in one.first and role in one.last]
    return " / ".join(f"{figure(one.first[role])} to {figure(one.last[role])}" for role in roles)


def _spread(seconds: Sequence[float]) -> tuple[str, ...]:
    ranked = sorted(seconds)
    ranks = (len(ranked) // 2, min(len(ranked) * 99 // 100, len(ranked) - 1), len(ranked) - 1)
    return tuple(f"{ranked[rank] * 1000:,.0f}" for rank in ranks)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _list(title: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > LISTED:
        ranked[LISTED:] = [("others", sum(count for _, count in ranked[LISTED:]))]
    return "\n".join([f"{title}:", *(f"- {count:,} x {what}" for what, count in ranked)])
