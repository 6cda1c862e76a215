"""Metric windows of a service: counts that add up, percentiles and times in order, whole minutes.

Such a window is read all the same: a service that counts wrongly may still be ill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from lineage_bridge.assess.checks.definition import CheckOf, Verdict, share_text, skipped, verdict
from lineage_bridge.assess.checks.policy import CheckPolicy

_US: Final = 1_000_000


class Numbers(NamedTuple):
    """The numbers of one window, as the service wrote them; times in microseconds since 1970.

    Attributes:
        written_us: when the line was written; None where it does not say it.
    """

    start_us: int
    end_us: int
    written_us: int | None
    requests: int
    successes: int
    failures: int
    rejected: int
    timeouts: int
    predictions: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Windows(NamedTuple):
    """Windows of one deployment."""

    policy: CheckPolicy
    windows: Sequence[Numbers]


def _adds_up(one: Numbers, _: CheckPolicy) -> bool:
    return (
        one.successes + one.failures + one.rejected == one.requests
        and one.predictions <= one.requests
        and one.timeouts <= one.failures
    )


def _rises(one: Numbers, _: CheckPolicy) -> bool:
    return one.p50_ms <= one.p95_ms <= one.p99_ms


def _is_whole(one: Numbers, policy: CheckPolicy) -> bool:
    return one.end_us - one.start_us == round(policy.window_seconds * _US)


def _is_in_order(one: Numbers, _: CheckPolicy) -> bool:
    return one.start_us < one.end_us and (one.written_us is None or one.written_us >= one.start_us)


def _judging(
    is_right: Callable[[Numbers, CheckPolicy], bool],
) -> Callable[[Windows], Verdict]:
    """Make a check that judges the share of windows that are not right."""

    def judge(facts: Windows) -> Verdict:
        policy, windows = facts
        if not windows:
            return skipped("there are no windows")
        odd = sum(not is_right(one, policy) for one in windows)
        most = policy.odd_window_share_most
        return verdict(
            f"{odd:,} of {len(windows):,} windows are not so",
            f"all but {share_text(most)}",
            holds=odd / len(windows) <= most,
        )

    return judge


def _check(code: str, compares: str, may_be_wrong: str, judge: Callable[[Windows], Verdict],
           *limits: str) -> CheckOf[Windows]:  # fmt: skip
    limits = (*limits, "odd_window_share_most")
    return CheckOf(code, "warn", compares, may_be_wrong, judge, (), limits, "share of windows")


CHECKS: Final = (
    _check(
        "window_counts",
        "requests with successes, failures and rejections together; predictions with requests; "
        "timeouts with failures, which they are too",
        "a request that goes on at the end of its minute may be counted in the next",
        _judging(_adds_up),
    ),
    _check(
        "window_percentiles",
        "the percentiles of latency with each other: p50 ≤ p95 ≤ p99",
        "estimates from a sketch may cross where they are near each other",
        _judging(_rises),
    ),
    _check(
        "window_length",
        "the time from begin to end with the length of a window",
        "a service may write shorter ones when it is stopped",
        _judging(_is_whole),
        "window_seconds",
    ),
    _check(
        "window_clock",
        "the begin with the end, and with the time at which the line was written",
        "a clock that was set back while the service ran",
        _judging(_is_in_order),
    ),
)
