"""Times: none of the future, and none before those of the reference."""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.content import times_of
from lineage_bridge.assess.checks.definition import Case, Check, Verdict, skipped, verdict
from lineage_bridge.times import format_time

_NO_TIMES: Final = "the event times are not known"


def _ahead(case: Case) -> Verdict:
    times, built = times_of(case.now), case.now.built
    if times is None or built is None:
        return skipped(_NO_TIMES if built is not None else "the time of the build is not known")
    ahead = (times[1] - built).total_seconds()
    return verdict(
        f"last event {format_time(times[1])}",
        f"at most {case.policy.ahead_seconds_most:,.0f} s after the build, {format_time(built)}",
        holds=ahead <= case.policy.ahead_seconds_most,
    )


def _back(case: Case) -> Verdict:
    now, before = times_of(case.now), times_of(case.reference)
    if now is None or before is None:
        return skipped(_NO_TIMES)
    back = (before[1] - now[1]).total_seconds()
    return verdict(
        f"last event {format_time(now[1])}",
        f"at most {case.policy.back_seconds_most:,.0f} s before {format_time(before[1])}",
        holds=back <= case.policy.back_seconds_most,
    )


CHECKS: Final = (
    Check(
        "future",
        "error",
        "the last event time with the time of the build",
        "a clock that is wrong, or local time that is read as UTC",
        _ahead,
        ("schema",),
        ("ahead_seconds_most",),
        "seconds",
    ),
    Check(
        "time_back",
        "error",
        "the last event time with the reference's",
        "an older range was built again on purpose",
        _back,
        ("schema", "reference"),
        ("back_seconds_most",),
        "seconds",
    ),
)
