"""Volume: rows for the range that they cover, never rows against an earlier version's.

Builds differ in length by design. What does not is the share of places that have a row: one place
for each entity and slot between the first and the last event time.
"""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.content import (
    entities_of,
    entity_count,
    fill,
    slot_seconds,
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

_NO_FILL: Final = "entities, times and the time from one row to the next are not all known"


def _rows(case: Case) -> Verdict:
    rows = case.now.rows
    if rows is None:
        return skipped("nothing says how many rows there are")
    least = case.policy.rows_least
    return verdict(f"{rows:,} rows", f"at least {least:,}", holds=rows >= least)


def _fill(case: Case) -> Verdict:
    slot = case.policy.slot_seconds or slot_seconds(case.now)
    share = fill(case.now, slot)
    if share is None or slot is None:
        return skipped(_NO_FILL)
    return verdict(
        f"{share_text(share)} of the places, one each {slot:,.0f} s",
        f"at least {share_text(case.policy.fill_least)}",
        holds=share >= case.policy.fill_least,
    )


def _overfull(case: Case) -> Verdict:
    share = fill(case.now, case.policy.slot_seconds)
    if share is None:
        return skipped(_NO_FILL)
    most = case.policy.rows_a_slot_most
    return verdict(f"{share:.4g} rows a place", f"at most {most:.4g}", holds=share <= most)


def _lost(case: Case) -> Verdict:
    lost: list[str] = []
    was, now = entities_of(case.reference), entities_of(case.now)
    if was is not None and now is not None:
        lost = sorted(was - now)
        count = len(lost)
    else:
        counts = entity_count(case.reference), entity_count(case.now)
        if counts[0] is None or counts[1] is None:
            return skipped("nothing says how many entities there are")
        count = max(0, counts[0] - counts[1])
    names = f": {listed(lost)}" if lost else ""
    most = case.policy.entities_lost_most
    return verdict(f"{count:,} lost{names}", f"at most {most:,}", holds=count <= most)


CHECKS: Final = (
    Check(
        "rows",
        "error",
        "the number of rows with the fewest that are expected",
        "nothing may have happened in the range",
        _rows,
        limits=("rows_least",),
        unit="rows",
    ),
    Check(
        "fill",
        "warn",
        "the rows with the places for them: one for each entity and slot in the range; the slot is "
        "the most frequent distance of times, by a footer alone the longest usual one that fits",
        "entities that came or went within the range leave places empty; a footer alone may take "
        "a slot that is too long, and then misses gaps",
        _fill,
        ("schema",),
        ("fill_least", "slot_seconds"),
        "share of places",
    ),
    Check(
        "overfull",
        "error",
        "the rows with the places for them, as `fill`",
        "an entity may have several rows of one time by design",
        _overfull,
        ("schema",),
        ("rows_a_slot_most", "slot_seconds"),
        "rows a place",
    ),
    Check(
        "entities_lost",
        "warn",
        "the entities of the reference with those that are there; by a footer alone their numbers",
        "entities are closed for good; as many new ones hide lost ones from a footer",
        _lost,
        ("schema", "reference"),
        ("entities_lost_most",),
        "entities",
    ),
)
