"""The target: 0 or 1, both there, and about as often 1 as before."""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.content import positive_rate, target_of
from lineage_bridge.assess.checks.definition import (
    Case,
    Check,
    Verdict,
    share_text,
    skipped,
    verdict,
)

_NO_RATE: Final = "nothing says how often the target is 1"


def _binary(case: Case) -> Verdict:
    found, rows = target_of(case.now), case.now.rows
    if found is None or not rows:
        return skipped("there are no rows")
    most = case.policy.not_binary_share_most
    return verdict(
        f"{found.others:,} of {rows:,} rows are neither",
        f"0 or 1, but for {share_text(most)}",
        holds=found.others / rows <= most,
        columns=_column(case),
    )


def _rate(case: Case) -> Verdict:
    rate = positive_rate(case.now)
    if rate is None:
        return skipped(_NO_RATE)
    least, most = case.policy.positive_rate_least, case.policy.positive_rate_most
    return verdict(
        share_text(rate),
        f"{share_text(least)} to {share_text(most)}",
        holds=least <= rate <= most,
        columns=_column(case),
    )


def _changed(case: Case) -> Verdict:
    now, before = positive_rate(case.now), positive_rate(case.reference)
    if now is None or before is None:
        return skipped(_NO_RATE)
    factor, change = case.policy.positive_rate_factor, case.policy.positive_rate_change
    low, high = sorted((now, before))
    is_off = high > factor * low and high - low > change
    return verdict(
        share_text(now),
        f"{share_text(before)}, less than {factor:g} times off or within {share_text(change)}",
        holds=not is_off,
        columns=_column(case),
    )


def _constant(case: Case) -> Verdict:
    found, before = target_of(case.now), positive_rate(case.reference)
    if found is None or before is None or not (found.zeros or found.ones):
        return skipped(_NO_RATE)
    if found.zeros and found.ones:
        return verdict("both classes", "both classes", holds=True, columns=_column(case))
    awaited = found.zeros * before + found.ones * (1 - before)  # one of the two is none
    return verdict(
        f"always {0 if found.zeros else 1}",
        f"both classes, {awaited:.4g} rows of the other",
        holds=awaited < case.policy.constant_expected,
        columns=_column(case),
    )


def _column(case: Case) -> tuple[str, ...]:
    return (case.now.roles.target,) if case.now.roles.target else ()


CHECKS: Final = (
    Check(
        "binary_target",
        "error",
        "the values of the target with 0 and 1",
        "a target of several classes is to be named by no `target` here",
        _binary,
        ("rows", "target"),
        ("not_binary_share_most",),
        "share of rows",
    ),
    Check(
        "positive_rate",
        "warn",
        "the share of ones of the target with what is usual (P2's rule)",
        "what is foretold may be rare",
        _rate,
        ("target",),
        ("positive_rate_least", "positive_rate_most"),
        "share of rows",
    ),
    Check(
        "positive_rate_changed",
        "warn",
        "the share of ones of the target with the reference's",
        "weekends and holidays; few rows",
        _changed,
        ("target", "reference"),
        ("positive_rate_factor", "positive_rate_change"),
        "share of rows",
    ),
    Check(
        "constant_target",
        "error",
        "whether both classes are there with how many the reference lets expect",
        "a short range of few entities",
        _constant,
        ("rows", "target", "reference"),
        ("constant_expected",),
        "rows",
    ),
)
