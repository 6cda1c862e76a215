"""What scenarios of `contention.py` give, and how it is counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contending.processes import BenchmarkError, Done, Emitted, Target, run

Figure = float | str | None
Figures = dict[str, Figure]

PACE = 20.0


@dataclass(frozen=True)
class Options:
    """How much of what is done."""

    events_1: int = 2_000
    events_16: int = 6_000


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that so great a share of all is below."""
    ranked = sorted(values)
    return ranked[min(int(len(ranked) * share), len(ranked) - 1)] if ranked else None


def spread(what: str, ms: Sequence[float]) -> Figures:
    """Median, p99 and the longest of times in ms."""
    return {
        f"{what}, p50, ms": percentile(ms, 0.5),
        f"{what}, p99, ms": percentile(ms, 0.99),
        f"{what}, longest, ms": max(ms, default=None),
    }


def with_those_due(ms: Sequence[float], per_second: float) -> list[float]:
    """Waits, and those of the calls that were due during each and would have waited as well."""
    pace = 1000 / per_second
    return [wait - late * pace for wait in ms for late in range(int(wait / pace) + 1)]


def emit_figures(emits: Emitted) -> Figures:
    due = with_those_due(emits.ms, PACE)
    return {
        "emit(), p50, ms": percentile(due, 0.5),
        "emit(), p99, ms": percentile(due, 0.99),
        "emit(), longest, ms": max(emits.ms, default=None),
        "emit(), warnings logged": float(emits.warnings),
    }


def must(done: Done) -> Done:
    if done.code != 0:
        raise BenchmarkError(f"a command ended with {done.code}: {done.err.strip()}")
    return done


def kept(target: Target, folder: Path, home: Path, emitted: int) -> Figures:
    """How many emitted events are missing: at once, and after a command that writes."""
    at_once = emitted - _exported(target, folder, home)
    empty = folder / "empty.ndjson"
    empty.touch()
    must(run(target, "journal", "import", empty, "--home", home, cwd=folder))
    return {
        "emitted": float(emitted),
        "of these not in the journal at the end": float(at_once),
        "and after the next command": float(emitted - _exported(target, folder, home)),
    }


def _exported(target: Target, folder: Path, home: Path) -> int:
    """How many different emitted runs the journal holds."""
    lines = must(run(target, "journal", "export", "-", "--home", home, cwd=folder)).out.split(b"\n")
    events = [json.loads(line) for line in lines if b'"emitting.' in line]
    return len({event["run"]["runId"] for event in events if "run" in event})


def counted(counter: Counter[str]) -> str:
    return ", ".join(f"{counter[value]} x {value}" for value in sorted(counter))
