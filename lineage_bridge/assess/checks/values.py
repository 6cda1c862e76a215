"""Values: nulls, keys, and what became constant."""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.content import null_shares, times_of
from lineage_bridge.assess.checks.definition import (
    Case,
    Check,
    Verdict,
    listed,
    share_text,
    skipped,
    verdict,
)
from lineage_bridge.assess.drift.policy import DriftPolicy

_CALENDAR: Final = DriftPolicy()


def _nulls(case: Case) -> Verdict:
    return _null_shares(case, case.policy.null_share_most)


def _few_nulls(case: Case) -> Verdict:
    return _null_shares(case, case.policy.few_nulls_share_most)


def _null_shares(case: Case, most: float) -> Verdict:
    shares = null_shares(case.now)
    if not shares:
        return skipped("nulls were not counted, or there are no rows")
    before = null_shares(case.before) if case.before is not None else {}
    times = times_of(case.now)
    span = (times[1] - times[0]).total_seconds() if times is not None else None
    above = {
        name: share
        - max(case.policy.allowed_nulls(name, span), before.get(name, _usual(case, share)))
        for name, share in shares.items()
    }
    worst = sorted(above, key=lambda name: (-above[name], name))
    over = [name for name in worst if above[name] > most]
    shown = over or [name for name in worst[:1] if above[name] > 0]
    return verdict(
        "; ".join(f"`{name}` {share_text(shares[name])}" for name in shown[:3]) or "none",
        f"at most {share_text(most)} above what is usual",
        holds=not over,
        columns=over,
    )


def _usual(case: Case, share: float) -> float:
    """Return which share is usual for a column that the reference does not have."""
    return 0.0 if case.policy.strict_nulls or share >= 1.0 else share


def _not_finite(case: Case) -> Verdict:
    assert case.now.profile is not None
    columns = case.now.profile.whole.columns
    shares = {
        name: column.infinities / column.values
        for name, column in columns.items()
        if column.values and column.infinities
    }
    over = [name for name, share in shares.items() if share > case.policy.not_finite_share_most]
    return verdict(
        "; ".join(f"`{name}` {share_text(shares[name])}" for name in over[:3]) or "none",
        f"at most {share_text(case.policy.not_finite_share_most)} infinite",
        holds=not over,
        columns=over,
    )


def _repeated(case: Case) -> Verdict:
    return _rows_off(case, case.now.by_rows.repeated, case.policy.repeated_share_most)


def _same(case: Case) -> Verdict:
    if case.now.roles.entity is not None and case.now.roles.time is not None:
        return skipped("entity and time name a row: `repeated_keys`")
    most = case.policy.same_share_most
    if most is None:
        return skipped("nothing says how many rows may be the same")
    return _rows_off(case, case.now.by_rows.same, most)


def _off_cutoff(case: Case) -> Verdict:
    return _rows_off(case, case.now.by_rows.off_cutoff, case.policy.off_cutoff_share_most)


def _rows_off(case: Case, count: int | None, most: float) -> Verdict:
    rows = case.now.rows
    if count is None or not rows:
        return skipped("there are no rows, too many, or of types that cannot be compared")
    share = count / rows
    return verdict(
        f"{count:,} of {rows:,} rows", f"at most {share_text(most)}", holds=share <= most
    )


def _became_constant(case: Case) -> Verdict:
    before, now = case.reference.profile, case.now.profile
    if before is None or now is None:
        return skipped("the reference was not read")
    target = case.now.roles.target
    constant = [
        name
        for name, column in now.whole.columns.items()
        if column.is_constant
        and name != target
        and not _CALENDAR.is_calendar(name)
        and before.whole.column(name).distinct > 1
    ]
    return verdict(listed(constant) or "none", "none", holds=not constant, columns=constant)


CHECKS: Final = (
    Check(
        "nulls",
        "error",
        "the share of nulls in each column with the reference's and with what may be null: "
        "a column `…lag_60m` for its look-back over the range, and `lag_slack` more",
        "a sensor that is new has no past; a look-back that the name does not tell is not known",
        _nulls,
        ("schema",),
        ("null_share_most", "strict_nulls", "lag_slack", "nulls_allowed"),
        "share of rows",
    ),
    Check(
        "few_nulls",
        "warn",
        "the same as `nulls`, with a lower limit",
        "a few nulls may be as usual for a dataset that is new here",
        _few_nulls,
        ("schema",),
        ("few_nulls_share_most", "strict_nulls", "lag_slack", "nulls_allowed"),
        "share of rows",
    ),
    Check(
        "finite",
        "error",
        "the share of infinite numbers in each column with a limit",
        "infinity may stand for `never`",
        _not_finite,
        ("rows",),
        ("not_finite_share_most",),
        "share of values",
    ),
    Check(
        "repeated_keys",
        "error",
        "the pairs of an entity and an event time with each other",
        "an entity may have several rows of one time by design",
        _repeated,
        ("rows", "entity", "time"),
        ("repeated_share_most",),
        "share of rows",
    ),
    Check(
        "repeated_rows",
        "warn",
        "whole rows with each other, where no entity and time name a row and the settings say how "
        "many may be the same",
        "two rows may be the same by chance, where few columns have few values",
        _same,
        ("rows",),
        ("same_share_most",),
        "share of rows",
    ),
    Check(
        "cutoff",
        "error",
        "the time as of which features were made with the row's own",
        "features may be meant to be older than the row",
        _off_cutoff,
        ("rows", "time", "cutoff"),
        ("off_cutoff_share_most",),
        "share of rows",
    ),
    Check(
        "became_constant",
        "warn",
        "the columns that have one value only with those that had several in the reference, "
        "but for features of the calendar",
        "a short range may really have one value only",
        _became_constant,
        ("rows", "reference"),
    ),
)
