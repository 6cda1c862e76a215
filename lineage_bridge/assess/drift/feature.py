"""One feature of two profiles: its cells, its evidence, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineage_bridge.assess.drift.cells import Cells, cells_of_labels, cells_of_numbers
from lineage_bridge.assess.drift.evidence import Evidence, Newness, Sides, pooled_chi_square
from lineage_bridge.assess.drift.finding import Note, Place
from lineage_bridge.assess.drift.pairs import Categories, Numbers
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.profiles.column import Column, Kind
from lineage_bridge.profiles.profile import Part


@dataclass(frozen=True, slots=True)
class Compared:
    """A feature before it is judged beside the others.

    Attributes:
        kind: what most values of the reference are, or of the current side if it has none.
        effect: as in `FeatureDrift`, with `statistic`.
        has_p: whether the profiles hold enough detail for a test.
    """

    feature: str
    kind: Kind
    cells: Cells
    evidence: Evidence
    notes: tuple[Note, ...]
    statistic: float | None
    effect: float | None
    has_p: bool
    rank_error: float


def compare(feature: str, reference: Part, current: Part, policy: DriftPolicy) -> Compared:
    """Compare one feature of two sets of rows; both have rows."""
    there, now = reference.column(feature), current.column(feature)
    kind = there.main_kind if there.main_kind != "none" else now.main_kind
    rows = Sides(reference.rows, current.rows)
    values = Sides(there.by_kind.get(kind, 0), now.by_kind.get(kind, 0))
    nulls = Sides(
        *(part.nulls(feature) + part.column(feature).nans for part in (reference, current))
    )
    others = Sides(*(r - v - n for r, v, n in zip(rows, values, nulls, strict=True)))
    plain = Evidence(rows, nulls, others, values)
    found = _of_values(kind, (there, now), plain, policy)
    notes = [*_notes(there, now, kind), *found.notes]
    return Compared(
        feature,
        kind,
        Cells.of([*found.cells, *_rest(plain)]),
        found.evidence,
        tuple(notes),
        found.statistic,
        found.effect,
        found.has_p,
        found.rank_error,
    )


@dataclass(frozen=True, slots=True)
class _OfValues:
    """What the values alone say: all but nulls and values of another kind."""

    cells: list[tuple[Place, float, float]]
    evidence: Evidence
    notes: tuple[Note, ...] = ()
    statistic: float | None = None
    effect: float | None = None
    has_p: bool = True
    rank_error: float = 0.0


def _of_values(
    kind: Kind, columns: tuple[Column, Column], plain: Evidence, policy: DriftPolicy
) -> _OfValues:
    there, now = columns
    if not all(plain.values):
        return _OfValues([_together(plain)], plain)
    if kind == "number":
        return _numbers(Numbers.of(there.numbers, now.numbers), plain, policy)
    if kind != "label":
        return _OfValues([_together(plain)], plain, ("not_comparable",))
    if there.labels.overflows or now.labels.overflows:
        return _OfValues([_together(plain)], plain, ("too_many_labels",))
    return _labels(Categories.of(there.labels, now.labels), plain)


def _numbers(numbers: Numbers, plain: Evidence, policy: DriftPolicy) -> _OfValues:
    parts = policy.cells_for(int(min(plain.rows)))
    newness = Newness("beyond_range", numbers.beyond(), 2, 2 / plain.rows.reference)
    distance = numbers.distance()
    evidence = Evidence(
        plain.rows, plain.nulls, plain.others, plain.values, distance, newness=newness
    )
    has_p = numbers.is_fine_enough(distance)
    return _OfValues(
        list(cells_of_numbers(numbers, parts)),
        evidence,
        () if has_p else ("no_p",),
        distance,
        numbers.shift(),
        has_p,
        numbers.rank_error,
    )


def _labels(labels: Categories, plain: Evidence) -> _OfValues:
    known = labels.singletons / plain.rows.reference
    newness = Newness("unseen_labels", labels.unseen, labels.singletons + 1, known)
    table = labels.reference, labels.current
    evidence = Evidence(
        plain.rows, plain.nulls, plain.others, plain.values, table=table, newness=newness
    )
    statistic, degrees = pooled_chi_square(labels.reference, labels.current)
    seen = labels.reference.sum() + labels.current.sum()
    return _OfValues(
        list(cells_of_labels(labels)),
        evidence,
        (),
        statistic if degrees else None,
        float((statistic / seen) ** 0.5) if degrees else None,
    )


def _together(plain: Evidence) -> tuple[Place, float, float]:
    return Place("value"), *plain.values


def _rest(plain: Evidence) -> Iterator[tuple[Place, float, float]]:
    yield Place("other_kind"), *plain.others
    yield Place("null"), *plain.nulls


def _notes(there: Column, now: Column, kind: Kind) -> Iterator[Note]:
    if not now.by_kind and there.by_kind:
        yield "all_null"
    if not there.by_kind and now.by_kind:
        yield "was_all_null"
    if now.by_kind and there.by_kind and now.main_kind != kind:
        yield "kind_changed"
