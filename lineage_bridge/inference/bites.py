"""Rows read some at a time, field by field: what all of them have alike is checked all at once.

A row that is not as it should be is rare. So a bite is first read as if there were none, which
takes a third of the time; if there is one after all, its rows are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from lineage_bridge.adapters.documents import MAX_TEXT_CHARACTERS
from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.fields import ONE_BY_ONE, RowReader
from lineage_bridge.inference.values import Inference, Served, is_clock_time, stamp_of
from lineage_bridge.times import format_time

_NOTHING: Final = type(None)
Rows = Sequence[dict[str, Any]]
Column = list[Any]


def read_bite(
    reader: RowReader, rows: Rows, latest: datetime | None
) -> Sequence[Inference | ArtifactError]:
    """Read rows: each, or what is wrong with it.

    Args:
        reader: of the log's rows.
        rows: as they stand in the file.
        latest: the time after which no row can be; None: any.
    """
    found = _all_at_once(reader, rows, latest)
    return [_one(reader, row, latest) for row in rows] if found is None else found


def _one(
    reader: RowReader, row: dict[str, Any], latest: datetime | None
) -> Inference | ArtifactError:
    try:
        found = reader.read(row)
        _check_time(found, latest)
    except ArtifactError as exc:
        return exc
    return found


def _check_time(row: Inference, latest: datetime | None) -> None:
    if latest is None:
        return
    for field, stamp in (("time", row.at), ("label_time", row.labelled_at)):
        if stamp is not None and stamp.instant > latest:
            raise ArtifactError(f"is in the future: {format_time(stamp.instant)}", field=field)


def _all_at_once(reader: RowReader, rows: Rows, latest: datetime | None) -> list[Inference] | None:
    """Read rows; None if one of them has to be looked at by itself."""
    columns: dict[str, Column] = {}
    try:
        for _, field, get, read in reader.steps:
            columns[field] = _read(field, [get(row) for row in rows], read)
        served = _served(reader, rows)
    except (ArtifactError, TypeError):
        return None
    nothing: Column = [None] * len(rows)
    by_place = [columns.get(field, nothing) for field in ONE_BY_ONE]
    is_only_label = _only_labels(reader, columns)
    if not _is_complete(reader, columns, is_only_label):
        return None
    for field in ("time", "label_time"):
        stamps = [stamp.instant for stamp in columns.get(field, ()) if stamp is not None]
        if latest is not None and stamps and max(stamps) > latest:
            return None
    return list(map(Inference, served, *by_place, is_only_label or [False] * len(rows)))


def _is_complete(
    reader: RowReader, columns: Mapping[str, Column], is_only_label: list[bool] | None
) -> bool:
    if reader.needs_id and None in columns["request_id"]:
        return False
    if not reader.needs_time or None not in columns["time"]:
        return True
    known = columns.get("label_time")
    return (
        is_only_label is not None and all(is_only_label) and known is not None and None not in known
    )


def _only_labels(reader: RowReader, columns: Mapping[str, Column]) -> list[bool] | None:
    """Tell which rows are no requests; None if all are."""
    labels = columns.get("label")
    if labels is None or labels.count(None) == len(labels):
        return None
    nothing: Column = [None] * len(labels)
    answers, features = columns.get("prediction", nothing), columns.get("features", nothing)
    return [
        label is not None and answer is None and not reader.has_any(of_row)
        for label, answer, of_row in zip(labels, answers, features, strict=True)
    ]


def _served(reader: RowReader, rows: Rows) -> list[Served]:
    words = [[get(row) for row in rows] for _, get in reader.served]
    if not words:
        return [Served()] * len(rows)
    by_row = list(zip(*words, strict=True))
    known = {of_row: reader.served_by(of_row) for of_row in set(by_row)}
    return [known[of_row] for of_row in by_row]


def _read(field: str, values: Column, read: Callable[[Any], Any]) -> Column:
    kinds = set(map(type, values))
    at_once = _AT_ONCE.get(field)
    found = at_once(values, kinds) if at_once is not None else None
    return [None if v is None else read(v) for v in values] if found is None else found


def _texts(values: Column, kinds: set[type]) -> Column | None:
    if not kinds <= {str, _NOTHING}:
        return None
    known = [value for value in values if value is not None] if _NOTHING in kinds else values
    is_short = max(map(len, known), default=0) <= MAX_TEXT_CHARACTERS
    return values if is_short and all(map(str.strip, known)) else None


def _times(values: Column, kinds: set[type]) -> Column | None:
    if kinds != {str} or not all(map(is_clock_time, values)):
        return None
    try:
        return [stamp_of(found) for found in map(datetime.fromisoformat, values)]
    except ValueError:
        return None


def _objects(values: Column, kinds: set[type]) -> Column | None:
    return values if kinds <= {dict, _NOTHING} else None


def _answers(values: Column, kinds: set[type]) -> Column | None:
    if kinds <= {float, _NOTHING}:
        return values
    if kinds <= {float, int, bool, _NOTHING}:
        try:
            return [None if value is None else float(value) for value in values]
        except OverflowError:
            return None
    return None


def _labels(values: Column, kinds: set[type]) -> Column | None:
    found = _answers(values, kinds)
    return found if found is not None and np.isfinite(_numbers(found)).all() else None


def _shares(values: Column, kinds: set[type]) -> Column | None:
    if not kinds <= {float, int, _NOTHING}:
        return None
    found = _answers(values, kinds)
    known = _numbers(found or [])
    return found if ((known >= 0.0) & (known <= 1.0)).all() else None


def _numbers(values: Column) -> Any:
    return np.array([value for value in values if value is not None], np.float64)


_AT_ONCE: Final[Mapping[str, Callable[[Column, set[type]], Column | None]]] = {
    "request_id": _texts,
    "entity": _texts,
    "group": _texts,
    "time": _times,
    "label_time": _times,
    "features": _objects,
    "prediction": _answers,
    "label": _labels,
    "probability": _shares,
    "confidence": _shares,
}
