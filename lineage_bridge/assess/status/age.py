"""Faults of age: a dataset that is late, and who is to be blamed for it, its source or its job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lineage_bridge.assess.freshness import LATE, STALE, UNKNOWN, Freshness
from lineage_bridge.assess.rhythm import Build, Rhythm
from lineage_bridge.assess.status import faults
from lineage_bridge.assess.status.faults import Fault, Level

_LEVELS: dict[str, Level] = {STALE: faults.BAD, LATE: faults.WARN}
_BEHIND_GAPS = 0.5  # so much further behind its usual delay than usual, data stands still


class Aged(NamedTuple):
    """What is known of the age of a dataset.

    Attributes:
        finding: how old it is now.
        builds: its newest builds, oldest first.
        rhythm: what is usual for it, if that is known.
        due: when the next build is expected; None if nobody knows.
    """

    finding: Freshness
    builds: Sequence[Build] = ()
    rhythm: Rhythm | None = None
    due: datetime | None = None


def fault_of_age(finding: Freshness) -> Fault | None:
    """Return the fault of a dataset that is too old now; None if it is not, or nobody knows.

    A time in the future says nothing of the age: that is `unknown`.
    """
    if finding.status == UNKNOWN:
        if finding.clock_skew_seconds is None:
            return None
        skew = finding.clock_skew_seconds
        return Fault.of("clock_ahead", faults.UNKNOWN, "age", None, skew, 0.0)
    level = _LEVELS.get(finding.status)
    if level is None:
        return None
    age = _age(finding)
    limit = finding.policy.error_seconds if level == faults.BAD else finding.policy.warn_seconds
    code = f"{finding.basis or 'build'}_age_seconds"
    return Fault.of(code, level, "age", _late_since(finding), age, limit)


def _late_since(finding: Freshness) -> datetime | None:
    """Return when it became late: when the clock that decided was as old as the limit."""
    times = {"data": finding.data_time, "effective": finding.effective_time}
    shown = times.get(finding.basis or "", finding.build_time)
    try:
        return None if shown is None else shown + timedelta(seconds=finding.policy.warn_seconds)
    except OverflowError:  # at the end of the calendar
        return None


def _age(finding: Freshness) -> float:
    ages = {
        "data": finding.data_age_seconds,
        "effective": finding.effective_age_seconds,
    }
    return ages.get(finding.basis or "", finding.build_age_seconds) or 0.0


def build_brought_nothing(build: Build, before: datetime | None, aged: Aged) -> bool:
    """Return whether a build brought no newer data, and is half a gap further behind than usual.

    Args:
        build: the build.
        before: the newest data of the builds before it; None if there are none.
        aged: what is known of the dataset.
    """
    if build.data is None or before is None or build.data > before or aged.rhythm is None:
        return False
    behind = (build.built - build.data).total_seconds()
    usual = aged.rhythm.delay_seconds or 0.0
    return behind > usual + _BEHIND_GAPS * aged.rhythm.gap_seconds


def is_late_at_build(build: Build, finding: Freshness) -> bool:
    """Return whether the data of a build was late already when it was built."""
    if build.data is None:
        return False
    return (build.built - build.data).total_seconds() >= finding.policy.warn_seconds


def fault_of_overdue(aged: Aged) -> Fault:
    """Return the fault of the job whose build of a late dataset is missing."""
    newest = aged.finding.build_time
    since = aged.due or newest
    value = None if newest is None else (aged.finding.evaluated_at - newest).total_seconds()
    return Fault.of("overdue", faults.WARN, "run", since, value, aged.finding.policy.warn_seconds)
