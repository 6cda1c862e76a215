"""What the producer wrote of the content with the content, and the same rows once more."""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.content import (
    column_of,
    entity_count,
    target_of,
    times_of,
)
from lineage_bridge.assess.checks.definition import (
    Case,
    Check,
    Verdict,
    listed,
    share_text,
    skipped,
    verdict,
)
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.times import format_time

_RATE_DIGITS: Final = 0.000051  # P2 writes four decimals
_NOT_SAID: Final = "the producer did not write it"


def _rows(case: Case) -> Verdict:
    said, rows = case.now.said.rows, case.now.rows
    if said is None:
        return skipped(_NOT_SAID)
    return verdict(f"{rows}", said, holds=said.strip() == str(rows))


def _rate(case: Case) -> Verdict:
    said, found = case.now.said.positive_rate, target_of(case.now)
    if said is None or found is None or found.rate is None:
        return skipped(_NOT_SAID if said is None else "there are no targets")
    return verdict(
        share_text(found.rate), share_text(said), holds=abs(found.rate - said) <= _RATE_DIGITS
    )


def _entities(case: Case) -> Verdict:
    said, found = case.now.said.entities, entity_count(case.now)
    if said is None or found is None:
        return skipped(_NOT_SAID)
    return verdict(f"{found:,}", f"{said:,}", holds=found == said)


def _range(case: Case) -> Verdict:
    said, found = case.now.said, times_of(case.now)
    column = column_of(case.now, case.now.roles.time)
    if said.first is None or said.last is None or found is None or column is None:
        return skipped(_NOT_SAID)
    expected = (said.first, said.last)
    texts = [" to ".join(format_time(end) for end in ends) for ends in (found, expected)]
    return verdict(*texts, holds=found == expected)


def _statistics(case: Case) -> Verdict:
    assert case.now.profile is not None
    whole = case.now.profile.whole
    counted = [c for c in case.now.columns or () if c.nulls is not None]
    if not counted:
        return skipped("the footer counts no nulls")
    wrong = [
        c.name
        for c in counted
        if c.name in whole.columns
        and c.name not in case.now.twice
        and whole.nulls(c.name) != c.nulls
    ]
    rows_differ = whole.rows != case.now.rows
    actual = f"other nulls in {listed(wrong)}" if wrong else "the same"
    return verdict(
        f"{whole.rows:,} rows" if rows_differ else actual,
        f"{case.now.rows:,} rows" if rows_differ else "the same",
        holds=not wrong and not rows_differ,
        columns=wrong,
    )


def _same_rows(case: Case) -> Verdict:
    if case.now.same_bytes is None and case.now.same_values is None:
        return skipped("nothing tells the rows of one version from another's")
    twin = next((one for one in reversed(case.earlier) if _are_same(one, case.now)), None)
    actual = f"the rows of {twin.label}" if twin is not None else "rows of its own"
    return verdict(actual, "rows of its own", holds=twin is None)


def _are_same(one: Version, other: Version) -> bool:
    if not one.rows:
        return False
    pairs = ((one.same_bytes, other.same_bytes), (one.same_values, other.same_values))
    return any(here is not None and here == there for here, there in pairs)


CHECKS: Final = (
    Check(
        "said_rows",
        "error",
        "`row_count` in the footer with the rows",
        "two writers of one file",
        _rows,
        ("schema",),
        unit="rows",
    ),
    Check(
        "said_positive_rate",
        "error",
        "`positive_rate` in the footer with the targets, to its four decimals",
        "a producer that counts nulls as zeros",
        _rate,
        ("rows", "target"),
        unit="share of rows",
    ),
    Check(
        "said_entities",
        "error",
        "`station_count` in the footer with the different entities",
        "two writers of one file",
        _entities,
        ("rows", "entity"),
        unit="entities",
    ),
    Check(
        "said_range",
        "error",
        "`obs_ts_min` and `obs_ts_max` in the footer with the event times",
        "a producer that cuts fractions of a second",
        _range,
        ("rows", "time"),
        unit="time",
    ),
    Check(
        "statistics",
        "error",
        "rows and nulls by the footer's statistics with those that were read",
        "two writers of one file",
        _statistics,
        ("rows", "schema"),
        unit="rows",
    ),
    Check(
        "same_rows",
        "warn",
        "the rows with those of all earlier versions: the bytes of the columns, or else the "
        "counts of all values in all columns",
        "nothing happened since; two versions with the same values in every column, each combined "
        "otherwise, look the same",
        _same_rows,
        ("schema",),
    ),
)
