"""How often a deployment is said to drift in a week without any drift, and how soon a real one is.

`python tests/benchmarks/drift_weeks.py` prints the tables of docs/findings.md: `false` and `found`,
both or by name. A log of so many rows an hour is judged at each full hour over the last 6 and 24,
against a reference of 5,000 rows, both as in `drift_simulation.py`. Of dependent rows each block is
of one entity and day, and its rows come all day long. WEEKS=100 in the environment takes more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from drift_simulation import (
    DAY_US,
    FEATURES,
    ROWS_A_BLOCK,
    Columns,
    dependent,
    independent,
    profile,
    references,
)

from lineage_bridge.assess.drift.course import HOUR_US, Course, CourseState, Judged, RowsOfHour
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.profiles.profile import Profile

WEEKS = int(os.environ.get("WEEKS", "30"))
RATES = (2, 10, 50, 200)  # rows an hour
DAYS = 7
HOURS = 24


def hourly(rng: np.random.Generator, rate: int) -> Iterator[Columns]:
    """Independent rows, hour after hour."""
    while True:
        yield independent(rng, rate)


def hourly_in_blocks(rng: np.random.Generator, rate: int) -> Iterator[Columns]:
    """Dependent rows: those of a block are of one entity and day."""
    day = 1_000
    while True:
        day += 1
        blocks = max(1, rate * HOURS // ROWS_A_BLOCK)
        levels = rng.normal(size=(FEATURES, blocks))
        for hour in range(HOURS):
            block = rng.integers(0, blocks, rate)
            noise = rng.normal(size=(FEATURES, rate))
            columns: Columns = {
                f"n{i}": (levels[i, block] + noise[i]) / np.sqrt(2) for i in range(FEATURES)
            }
            columns["entity"] = [f"e{b}" for b in block]
            times = np.full(rate, day * DAY_US + hour * HOUR_US)
            yield columns | {"time": pa.array(times, pa.timestamp("us"))}


class Sort(NamedTuple):
    """A sort of rows: those of the reference, and those of a log."""

    reference: Callable[[np.random.Generator, int], Columns]
    log: Callable[[np.random.Generator, int], Iterator[Columns]]


SORTS = {"independent": Sort(independent, hourly), "dependent": Sort(dependent, hourly_in_blocks)}


def judged(reference: Profile, hours: Sequence[Columns]) -> Iterator[Judged]:
    """Judge a log, hour after hour."""
    course = Course(reference, DriftPolicy(), CourseState(), lambda: None)
    for number, columns in enumerate(hours):
        yield course.judge(RowsOfHour((500_000 + number) * HOUR_US, profile(columns)))


def is_flagged(found: Judged, *, beyond: bool) -> bool:
    """Whether a feature drifted in a window, by more than the reference itself varies or at all."""
    return any(
        one.severity != "none" and not (beyond and one.within_reference_variation)
        for window in found.windows
        for one in window.drift.features
    )


def alarms(flags: Sequence[bool]) -> int:
    """Count how often it begins to be said."""
    return sum(now and not before for before, now in zip([False, *flags], flags, strict=False))


def week(rng: np.random.Generator, sort: Sort, rate: int, hours: int) -> list[Columns]:
    """Make so many hours of a log."""
    log = sort.log(rng, rate)
    return [next(log) for _ in range(hours)]


def false_alarms(rng: np.random.Generator) -> None:
    """Print how many alarms there are in a week without drift."""
    print(
        "| rows an hour | rows | alarms a week | weeks with one | beyond: alarms a week | weeks |"
    )
    print("|---|---|---|---|---|---|")
    for rate in RATES:
        for name, sort in SORTS.items():
            made = references(rng, sort.reference)
            found = []
            for number in range(WEEKS):
                log = week(rng, sort, rate, DAYS * HOURS)
                course = list(judged(made[number % len(made)], log))
                found.append(
                    [alarms([is_flagged(o, beyond=beyond) for o in course])
                     for beyond in (False, True)]
                )  # fmt: skip
            cells = []
            for count in zip(*found, strict=True):
                cells.append(f"{sum(count) / WEEKS:.2f}")
                cells.append(f"{100 * sum(map(bool, count)) / WEEKS:.0f} %")
            print(f"| {rate} | {name} | {' | '.join(cells)} |", flush=True)


def found_after(rng: np.random.Generator) -> None:
    """Print how many hours after it began a shift of one feature is found."""
    shifts = (0.5, 1.0, 2.0)
    heads = [f"{shift} sd{what}" for shift in shifts for what in ("", ", beyond")]
    print(f"| rows an hour | rows | {' | '.join(heads)} |")
    print(f"|{'---|' * (len(heads) + 2)}")
    for rate in RATES:
        for name, sort in SORTS.items():
            made = references(rng, sort.reference)
            cells = []
            for shift in shifts:
                times = [after(rng, sort, rate, shift, made[n % len(made)]) for n in range(WEEKS)]
                cells += [median(one) for one in zip(*times, strict=True)]
            print(f"| {rate} | {name} | {' | '.join(cells)} |", flush=True)


def after(
    rng: np.random.Generator, sort: Sort, rate: int, shift: float, reference: Profile
) -> list[float]:
    """Return after how many hours a shift is found, and found to be beyond the variation."""
    log = week(rng, sort, rate, HOURS + 2 * HOURS)
    for columns in log[HOURS:]:
        columns["n0"] = np.asarray(columns["n0"]) + shift
    times = [float("inf")] * 2
    for number, found in enumerate(judged(reference, log)):
        hour = number - HOURS
        for at, beyond in enumerate((False, True)):
            if hour >= 0 and times[at] == float("inf") and has_moved(found, beyond=beyond):
                times[at] = hour + 1
    return times


def has_moved(found: Judged, *, beyond: bool) -> bool:
    """Whether the one feature that moved is said to have drifted."""
    return any(
        one.severity != "none" and not (beyond and one.within_reference_variation)
        for window in found.windows
        for one in window.drift.features
        if one.feature == "n0"
    )


def median(times: Sequence[float]) -> str:
    """Write the median, if half of them were found."""
    middle = sorted(times)[len(times) // 2]
    return "not in 48 h" if middle == float("inf") else f"{middle:.0f} h"


TABLES = {"false": false_alarms, "found": found_after}

if __name__ == "__main__":
    for table in sys.argv[1:] or TABLES:
        TABLES[table](np.random.default_rng(2026))
        print()
