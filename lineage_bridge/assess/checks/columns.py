"""Columns: those that are to be there, and those that the reference had."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lineage_bridge.assess.checks.definition import (
    FIRST,
    Case,
    Check,
    Verdict,
    listed,
    skipped,
    verdict,
)
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.policy import NO_ZONE

_DICTIONARY: Final = re.compile(r"^dictionary<values=(.+?), indices=.*>$")
_TIMESTAMP: Final = re.compile(r"^timestamp\[\w+(?:, tz=(?P<zone>.+))?\]$")
_NUMBER: Final = re.compile(r"^(?:u?int\d+|halffloat|float|double|decimal\d*\(.*\))$")
_UNKNOWN: Final = "null"  # of a column without any value, which some producers write untyped
_TEXTS: Final = frozenset({"string", "large_string", "string_view"})


def meaning(kind: str) -> str:
    """Return a type without how it is stored: encodings, units and zones of timestamps."""
    inner = _DICTIONARY.match(kind)
    if inner is not None:
        return meaning(inner[1])
    if _TIMESTAMP.match(kind):
        return "timestamp"
    return "string" if kind in _TEXTS else kind


def _types(version: Version) -> Mapping[str, str]:
    """List the columns with what their types mean."""
    return {column.name: meaning(column.type) for column in version.columns or ()}


def _as_expected(case: Case) -> Verdict:
    expected = case.policy.columns
    if expected is None:
        return skipped("no list of columns is expected")
    names = tuple(column.name for column in case.now.columns or ())
    added = [name for name in names if name not in set(expected)]
    dropped = [name for name in expected if name not in set(names)]
    parts = [f"{what} {listed(which)}" for what, which in (("not expected:", added),
             ("missing:", dropped)) if which]  # fmt: skip
    if names != expected and not parts:
        parts = ["the same in another order"]
    return verdict(
        "; ".join(parts) or f"{len(names):,} columns",
        f"{len(expected):,} columns in their order",
        holds=not parts,
        columns=[*added, *dropped],
    )


def _needed(case: Case) -> Verdict:
    needed = case.policy.needed
    if needed is None:
        return skipped("nothing says which columns are needed")
    there = {column.name for column in case.now.columns or ()}
    missing = [name for name in needed if name not in there]
    return verdict(
        f"missing: {listed(missing)}" if missing else "all there",
        f"{len(needed):,} columns",
        holds=not missing,
        columns=missing,
    )


def _beyond(case: Case) -> Verdict:
    needed = case.policy.needed
    if needed is None:
        return skipped("nothing says which columns are needed")
    names = [column.name for column in case.now.columns or ()]
    more = [name for name in dict.fromkeys(names) if name not in needed]
    return verdict(listed(more) or "none", "none", holds=not more, columns=more)


def _unique(case: Case) -> Verdict:
    twice = case.now.twice
    actual = f"several columns are called {listed(twice)}" if twice else "unique"
    return verdict(actual, "each name once", holds=not twice, columns=twice)


def _numeric(case: Case) -> Verdict:
    prefix = case.policy.feature_prefix
    if prefix is None:
        return skipped("nothing says which columns are features")
    features = {name: kind for name, kind in _types(case.now).items() if name.startswith(prefix)}
    wrong = [n for n, kind in features.items() if kind != _UNKNOWN and not _NUMBER.match(kind)]
    actual = ", ".join(f"`{name}` is {features[name]}" for name in wrong[:3])
    return verdict(
        actual or f"{len(features):,} columns of numbers",
        f"columns `{prefix}…` of numbers",
        holds=bool(features) and not wrong,
        columns=wrong,
    )


def _dropped(case: Case) -> Verdict:
    there = _types(case.now)
    gone = [name for name in _types(case.reference) if name not in there]
    return verdict(listed(gone) or "none", "none", holds=not gone, columns=gone)


def _before(case: Case) -> Mapping[str, str]:
    """List the columns of all versions that passed: one that was lost and is back is not new."""
    return {name: kind for version in case.passed for name, kind in _types(version).items()}


def _added(case: Case) -> Verdict:
    before = _before(case)
    new = [name for name in _types(case.now) if name not in before]
    return verdict(listed(new) or "none", "none", holds=not new, columns=new)


def _retyped(case: Case) -> Verdict:
    before, now = _before(case), _types(case.now)
    other = [
        name
        for name, kind in now.items()
        if before.get(name, kind) != kind and _UNKNOWN not in {kind, before[name]}
    ]
    actual = ", ".join(f"`{name}` is {now[name]}, was {before[name]}" for name in other[:3])
    return verdict(actual or "none", "none", holds=not other, columns=other)


def _zone(case: Case) -> Verdict:
    now = zone_of(case.now)
    if now is None:
        return skipped("the times are no timestamps")
    expected = case.policy.zone
    if expected is None:
        expected = zone_of(case.before) if case.before is not None else None
        if expected is None:
            return FIRST
    time = case.now.roles.time
    return verdict(now, expected, holds=now == expected, columns=[time] if time else [])


def zone_of(version: Version) -> str | None:
    """Return the zone of a version's event times; None where they are no timestamps."""
    time = version.roles.time
    match = _TIMESTAMP.match(version.type_of(time) or "") if time is not None else None
    return None if match is None else match["zone"] or NO_ZONE


CHECKS: Final = (
    Check(
        "columns",
        "error",
        "the columns and their order with the list in the settings, or P2's for its datasets",
        "the producer was changed on purpose and the list was not",
        _as_expected,
        ("schema",),
        ("columns",),
    ),
    Check(
        "columns_needed",
        "error",
        "the columns with those that the settings name as needed, in whatever order",
        "readers may have come to do without one",
        _needed,
        ("schema",),
        ("needed",),
    ),
    Check(
        "columns_beyond",
        "warn",
        "the columns with those that the settings name as needed: what is there besides",
        "most readers take columns by name and do not mind",
        _beyond,
        ("schema",),
        ("needed",),
    ),
    Check(
        "columns_unique",
        "error",
        "the names of the columns with each other",
        "readers that go by number do not mind",
        _unique,
        ("schema",),
    ),
    Check(
        "features_numeric",
        "error",
        "the types of the features, by the beginning of their names, with numbers",
        "a model may take categories as they are",
        _numeric,
        ("schema",),
        ("feature_prefix",),
    ),
    Check(
        "columns_dropped",
        "error",
        "the columns of the reference with those that are there",
        "nobody reads the column any more; a column that was renamed is one dropped, one added",
        _dropped,
        ("schema", "reference"),
    ),
    Check(
        "columns_added",
        "warn",
        "the columns that are there with those of the reference and of all that passed before it",
        "most readers take columns by name and do not mind",
        _added,
        ("schema", "reference"),
    ),
    Check(
        "columns_retyped",
        "error",
        "the type of each column with that in the reference, but for encodings, units and zones",
        "a wider type of numbers holds the same values",
        _retyped,
        ("schema", "reference"),
    ),
    Check(
        "zone",
        "error",
        "the zone of the event times with that in the settings, else in the reference; "
        "P2's have none",
        "with a zone of UTC the instants are the same, and only readers that mix both fail",
        _zone,
        ("schema", "time"),
        ("zone",),
    ),
)
