"""Which rows are of which day, and of which entity and day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lineage_bridge.profiles.arrow import instants_of, plain
from lineage_bridge.profiles.keys import mixed
from lineage_bridge.profiles.profile import MOST_BLOCKS, MOST_PERIODS, Blocks

_DAY_US: Final = 86_400e6
_NO_DAY: Final = np.iinfo(np.int64).min  # of a row without a time

Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ByPeriod:
    """Rows of a bite by period, each period at once.

    Attributes:
        days_a_period: a power of two.
        order: the rows in order of their periods; None if they are in it already.
        bounds: where the periods begin and end in that order, with their numbers; None: no time.
    """

    days_a_period: int
    order: NDArray[np.int64] | None
    bounds: tuple[tuple[int | None, int, int], ...]

    def parts(self, array: Any) -> Iterator[tuple[int | None, Any]]:
        """Cut a column of the bite into its periods."""
        if self.order is not None:
            array = array.take(pa.array(self.order))
        for period, begin, end in self.bounds:
            yield period, array.slice(begin, end - begin)


def days_of(times: Any) -> Days:
    """Return the day of each row, counted from 1970-01-01, by its time in an Arrow array."""
    instants = instants_of(times)
    return np.where(np.isnan(instants), _NO_DAY, np.floor(instants / _DAY_US)).astype(np.int64)


def by_period(days: Days, days_a_period: int) -> ByPeriod:
    """Sort rows by period.

    Args:
        days: as `days_of` has them.
        days_a_period: a period is at least so long; longer if there would be too many.
    """
    different = np.unique(days[days != _NO_DAY])
    while len(np.unique(different // days_a_period)) > MOST_PERIODS:
        days_a_period *= 2
    periods = np.where(days == _NO_DAY, _NO_DAY, days // days_a_period)
    order = None
    if (periods[1:] < periods[:-1]).any():  # a difference overflows beside a row without a time
        order = np.argsort(periods, kind="stable")
        periods = periods[order]
    starts = [0, *(np.flatnonzero(periods[1:] != periods[:-1]) + 1), len(periods)]
    bounds = tuple(
        (None if periods[begin] == _NO_DAY else int(periods[begin]), int(begin), int(end))
        for begin, end in pairwise(starts)
        if end > begin
    )
    return ByPeriod(days_a_period, order, bounds)


def blocks_of(entities: Any, days: Days) -> Blocks:
    """Find the pairs of an entity and a day; rows that lack one of them are in none."""
    entities = plain(entities)
    coded = entities if isinstance(entities, pa.DictionaryArray) else pc.dictionary_encode(entities)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    known = (codes >= 0) & (days != _NO_DAY)
    if not known.any():
        return Blocks()
    names = np.array([_hash(name) for name in coded.dictionary.to_pylist()], dtype=np.uint64)
    different, places = np.unique(days[known], return_inverse=True)
    # A pair as one number: to sort pairs as such takes twenty times as long.
    pairs = np.unique(codes[known] * len(different) + places)
    of_days = mixed(different[pairs % len(different)].astype(np.uint64))
    hashes = mixed(names[pairs // len(different)] ^ of_days)
    return Blocks(np.unique(hashes)[: MOST_BLOCKS + 1])


def _hash(value: object) -> int:
    digest = hashlib.blake2b(str(value).encode("utf-8", "backslashreplace"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
