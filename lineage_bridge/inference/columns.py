"""An inference log as a source of a profile: its features as columns, and what was answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, BinaryIO, Final, Self

import pyarrow as pa

from lineage_bridge.adapters.documents import as_number
from lineage_bridge.inference.declared import UNDECLARED
from lineage_bridge.inference.fields import Fields, feature_names
from lineage_bridge.inference.log import LogFile
from lineage_bridge.inference.seen import Seen
from lineage_bridge.inference.values import Inference
from lineage_bridge.profiles.arrow import column_of
from lineage_bridge.profiles.days import blocks_of, days_of
from lineage_bridge.profiles.profile import Part, Profile, RowKeys
from lineage_bridge.settings import InferenceLog

_ARROW: Final = {"text": pa.string(), "truth": pa.bool_(), "time": pa.timestamp("us", "UTC")}
_NESTED: Final = pa.struct([])  # only counted, whatever is in it

Getter = Callable[[Inference], Any]

# What else is a column, besides the features: our field -> its value in a row.
_OTHERS: Final[dict[str, Getter]] = {
    "time": lambda row: None if row.at is None else row.at.instant,
    "entity": lambda row: row.entity,
    "prediction": lambda row: row.prediction,
    "probability": lambda row: row.probability,
    "confidence": lambda row: row.confidence,
}
ANSWERS: Final = ("prediction", "probability", "confidence")


class Columns:
    """Makes columns of rows: the features, and other fields where no feature has their name.

    Args:
        fields: how the log is understood.
        head: its first rows.
        others: the name of a column that is no feature -> its value in a row.
    """

    def __init__(
        self, fields: Fields, head: Sequence[Inference], others: Mapping[str, Getter]
    ) -> None:
        self._fields = fields
        self._features = dict.fromkeys(feature_names(fields, head), True)
        self.others = {name: get for name, get in others.items() if name not in self._features}

    @classmethod
    def of_answers(cls, fields: Fields, head: Sequence[Inference]) -> Self:
        """Make the columns of the features and of the answers, these by our names for them."""
        return cls(fields, head, {name: _OTHERS[name] for name in ANSWERS if name in fields.paths})

    def cut(self, rows: Sequence[Inference]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Make columns of rows: rows apart in which a column has values of another kind."""
        columns = self._columns(rows)
        mixed = [name for name, values in columns.items() if len(_kinds(values)) > 1]
        if not mixed:
            yield len(rows), {name: _array(values) for name, values in columns.items()}
            return
        kinds = [tuple(map(_kind, of_row)) for of_row in zip(*map(columns.get, mixed), strict=True)]
        order = sorted(range(len(rows)), key=kinds.__getitem__)
        for _, group in groupby(order, key=kinds.__getitem__):
            places = [*group]
            yield (
                len(places),
                {name: _array([values[i] for i in places]) for name, values in columns.items()},
            )

    def _columns(self, rows: Sequence[Inference]) -> dict[str, list[Any]]:
        features = [row.features or {} for row in rows]
        for of_row in features:
            if not of_row.keys() <= self._features.keys():
                for name in sorted(of_row.keys() - self._features.keys()):
                    self._features[name] = self._fields.is_feature(name)
        columns = {
            name: [of_row.get(name) for of_row in features]
            for name, is_feature in self._features.items()
            if is_feature
        }
        others = {n: get for n, get in self.others.items() if not self._features.get(n, False)}
        return columns | {name: [get(row) for row in rows] for name, get in others.items()}


class LogSource:
    """The rows of a log file, as `profiles.sources.Source` has them.

    What a value is, is said by the value: a number is a float, also where it is written without a
    point. A row that is rejected has no part in the columns, which a note says.

    Args:
        file: open, and stays open.
        declared: the map that the settings have for it.

    Raises:
        ArtifactError: it cannot be read, or is no inference log.
    """

    def __init__(self, file: BinaryIO, declared: InferenceLog = UNDECLARED) -> None:
        self._log = LogFile(file, declared)
        fields = self._log.fields
        by_path = {fields.paths[name]: get for name, get in _OTHERS.items() if name in fields.paths}
        self._columns = Columns(fields, self._log.head, by_path)
        self.types: dict[str, Any] = {}
        self.notes: frozenset[str] = frozenset()  # of what was rejected, once the rows were read
        for _, columns in self._columns.cut(self._log.head):
            for name, array in columns.items():
                self.types.setdefault(name, array.type)

    @property
    def keys(self) -> RowKeys:
        """The columns that say of what and of when a row is."""
        paths = self._log.fields.paths
        entity, time = (
            path if path in self._columns.others and path in self.types else None
            for path in (paths.get("entity"), paths.get("time"))
        )
        return RowKeys(entity, time)

    def bites(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read some rows at a time.

        Raises:
            ArtifactError: the file cannot be read to its end.
        """
        for rows in self._log.bites(Seen()):
            yield from self._columns.cut([row for row in rows if not row.is_only_label])
        if total := self._log.rejected.total:
            self.notes = frozenset({f"rows that were rejected: {total:,}"})


def profile_of_rows(columns: Columns, rows: Sequence[Inference]) -> Profile:
    """Make the profile of some rows of a log, and count their pairs of an entity and a day."""
    parts = [
        Part(count, {name: column_of(array) for name, array in arrays.items()})
        for count, arrays in columns.cut(rows)
    ]
    of_entity = [(row.entity, row.at.instant) for row in rows if row.entity and row.at is not None]
    if not of_entity:
        return Profile(Part.sum(parts))
    entities, times = zip(*of_entity, strict=True)
    days = days_of(pa.array(times, _ARROW["time"]))
    return Profile(Part.sum(parts), blocks=blocks_of(pa.array(entities, pa.string()), days))


def _kinds(values: Sequence[Any]) -> set[str]:
    return {_KINDS.get(kind, "other") for kind in set(map(type, values)) - {type(None)}}


def _kind(value: Any) -> str:
    return "" if value is None else _KINDS.get(type(value), "other")


_KINDS: Final[dict[type, str]] = {
    float: "number",
    int: "number",
    str: "text",
    bool: "truth",
    datetime: "time",
}


def _array(values: list[Any]) -> Any:
    """Make an Arrow array of values of one kind."""
    kind = next(iter(_kinds(values)), None)
    if kind is None:
        return pa.nulls(len(values))
    if kind == "number":
        return _numbers(values)
    if kind == "other":
        return pa.array([None if value is None else {} for value in values], _NESTED)
    return pa.array(values, _ARROW[kind])


def _numbers(values: list[Any]) -> Any:
    try:
        return pa.array(values, pa.float64())
    except (pa.ArrowInvalid, OverflowError):  # a whole number that no float is
        return pa.array([None if v is None else as_number(v) for v in values], pa.float64())
