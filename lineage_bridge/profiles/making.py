"""Making a profile: a source is read once, a bite at a time, and what was read is added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from lineage_bridge.errors import ArtifactError
from lineage_bridge.profiles.arrow import column_of, is_time_type
from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.days import ByPeriod, blocks_of, by_period, days_of
from lineage_bridge.profiles.profile import (
    OF_PERIOD,
    Blocks,
    Part,
    Profile,
    RowKeys,
    sum_periods,
)
from lineage_bridge.profiles.sources import Source


def make_profile(source: Source, keys: RowKeys = RowKeys()) -> Profile:  # noqa: B008 - a constant
    """Read a source and make its profile.

    Args:
        source: is read to its end.
        keys: the columns that say of what and of when a row is.

    Raises:
        ArtifactError: the source cannot be read, or does not have these columns.
    """
    _check_keys(source.types, keys)
    rows = 0
    columns = {name: _typed(kind) for name, kind in source.types.items()}
    days, periods, blocks = 1, dict[int, Part](), Blocks()
    for count, arrays in source.bites():
        bite = _Bite(count, arrays, keys, days)
        rows += count
        for name, parts in bite.columns.items():
            columns[name] = Column.sum([columns.get(name, Column()), *parts])
        days, periods = sum_periods([(days, periods), (bite.days_a_period, bite.periods)])
        blocks = Blocks.sum([blocks, bite.blocks])
    has_blocks = keys.entity is not None and keys.time is not None
    whole = Part(rows, columns)
    return Profile(whole, keys, days, periods, blocks if has_blocks else None, source.notes)


class _Bite:
    """Some rows: the parts of each column, whole periods, blocks."""

    def __init__(
        self, rows: int, arrays: Mapping[str, Any], keys: RowKeys, days_a_period: int
    ) -> None:
        self.days_a_period = days_a_period
        self.periods: dict[int, Part] = {}
        self.blocks = Blocks()
        self.columns: dict[str, list[Column]] = {}
        cut = ByPeriod(days_a_period, None, ((None, 0, rows),))
        if keys.time is not None and keys.time in arrays:
            days = days_of(arrays[keys.time])
            cut = by_period(days, days_a_period)
            if keys.entity is not None and keys.entity in arrays:
                with _readable(keys.entity):
                    self.blocks = blocks_of(arrays[keys.entity], days)
        self._add_up(arrays, cut)

    def _add_up(self, arrays: Mapping[str, Any], cut: ByPeriod) -> None:
        self.days_a_period = cut.days_a_period
        of_periods: dict[int, dict[str, Column]] = {
            p: {} for p, _, _ in cut.bounds if p is not None
        }
        for name, array in arrays.items():
            for period, part in cut.parts(array):
                column = _read(name, part)
                self.columns.setdefault(name, []).append(column)
                if period is not None:
                    of_periods[period][name] = Column.sum([column], OF_PERIOD)
        rows = {period: end - begin for period, begin, end in cut.bounds}
        self.periods = {p: Part(rows[p], columns) for p, columns in of_periods.items()}


def _read(name: str, array: Any) -> Column:
    with _readable(name):
        return column_of(array)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, ValueError, OverflowError) as exc:
        reason = f"cannot be read: {(str(exc).splitlines() or [''])[0]}"
        raise ArtifactError(reason, field=name) from exc


def _typed(kind: Any) -> Column:
    """Return a column without values that knows its type, so that no rows are no column less."""
    return column_of(pa.nulls(0, kind))


def _check_keys(types: Mapping[str, Any], keys: RowKeys) -> None:
    """Refuse row keys that the source does not have; one without a schema shows it by its rows."""
    if not types:
        return
    for name in filter(None, keys):
        if name not in types:
            raise ArtifactError("there is no such column", field=name)
    if keys.time is not None and not is_time_type(types[keys.time]):
        raise ArtifactError(
            f"is `{types[keys.time]}`, expected dates or timestamps", field=keys.time
        )
