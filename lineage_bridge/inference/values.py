"""The values of a row's fields: what each may be, and what it then means."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from lineage_bridge.adapters.documents import MAX_TEXT_CHARACTERS, as_number, shown
from lineage_bridge.errors import ArtifactError
from lineage_bridge.times import EPOCH, Stamp

Answer: TypeAlias = float | str  # a prediction or a label; true and false are 1 and 0
Read: TypeAlias = Callable[[Any], Any]

_NUMBER: Final = re.compile(
    r"\s*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[nN]a[nN])\s*", re.ASCII
)
_TRUTH: Final = {"true": 1.0, "True": 1.0, "TRUE": 1.0, "false": 0.0, "False": 0.0, "FALSE": 0.0}
UNITS: Final[Mapping[str, float]] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class Served(NamedTuple):
    """What answered, in the log's own words; None where it does not say."""

    deployment: str | None = None
    environment: str | None = None
    service: str | None = None
    model: str | None = None
    version: str | None = None
    run: str | None = None


class Inference(NamedTuple):
    """A row: one request and its answer, or one label that came later.

    Attributes:
        features: by name; among other members where a row is flat.
        probability: of the positive class.
        confidence: in the answer, whatever it is.
        label: what was true, if that is known already.
        labelled_at: when that was known.
        group: what answers are compared by.
        is_only_label: this is no request, but tells what was true of one.
    """

    served: Served
    request_id: str | None
    at: Stamp | None
    entity: str | None
    features: Mapping[str, Any] | None
    prediction: Answer | None
    probability: float | None
    confidence: float | None
    label: Answer | None
    labelled_at: Stamp | None
    group: str | None = None
    is_only_label: bool = False


def text_of(value: Any) -> str:
    """Read a name, version or id; a whole number is one as well."""
    if isinstance(value, str):
        if not value.strip() or len(value) > MAX_TEXT_CHARACTERS:
            raise _unexpected(value, f"a text of 1 to {MAX_TEXT_CHARACTERS:,} characters")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _unexpected(value, "a text")


def group_of(value: Any) -> str:
    """Read a group, which may be a number or a truth as well."""
    if isinstance(value, bool | float):
        return str(value).lower()
    return text_of(value)


def answer_of(value: Any) -> Answer:
    """Read a prediction; one that is not finite was answered all the same.

    A number is one also where it is written as a text, as in CSV: labels are compared with it.
    """
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else _TRUTH.get(value, text_of(value))
    number = as_number(float(value) if isinstance(value, bool) else value)
    return text_of(value) if number is None else number


def label_of(value: Any) -> Answer:
    """Read a label, which is never NaN."""
    label = answer_of(value)
    if isinstance(label, float) and not math.isfinite(label):
        raise _unexpected(value, "a label")
    return label


def probability_of(value: Any) -> float:
    """Read a number from 0 to 1."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0.0 <= value <= 1.0:
        return float(value)
    raise _unexpected(value, "a number from 0 to 1")


def features_of(value: Any) -> Mapping[str, Any]:
    """Read features: an object, or one written as a JSON text."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        try:
            inner = orjson.loads(value)
        except orjson.JSONDecodeError:
            inner = None
        if isinstance(inner, dict):
            return inner
    raise _unexpected(value, "an object with the features")


def time_reader(unit: str | None) -> Read:
    """Return what reads a time: a text, a timestamp, or a number where its unit is declared."""

    def time_of(value: Any) -> Stamp:
        if isinstance(value, str):
            return _written(value)
        if isinstance(value, datetime):
            return stamp_of(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if unit is None:
                raise _unexpected(value, "a time such as 2026-04-07T10:30:00Z; of a number "
                                  "`time_unit` has to be declared")  # fmt: skip
            try:
                return Stamp(EPOCH + timedelta(seconds=value * UNITS[unit]), zoned=True)
            except (OverflowError, ValueError) as exc:
                raise _unexpected(value, f"a time in {unit} since 1970") from exc
        raise _unexpected(value, "a time such as 2026-04-07T10:30:00Z")

    return time_of


def is_clock_time(text: str) -> bool:
    """Return whether a text may be a time: Python would read a year, or a week, as one too."""
    return len(text) >= 19 and text[4] == "-" and text[10] in "T t"


def _written(text: str) -> Stamp:
    if not is_clock_time(text):
        raise _unexpected(text, "a time such as 2026-04-07T10:30:00Z")
    try:
        return stamp_of(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as exc:
        raise _unexpected(text, "a time such as 2026-04-07T10:30:00Z") from exc


def stamp_of(found: datetime) -> Stamp:
    """Bring a time into UTC; one without a zone is read as UTC."""
    zone = found.tzinfo
    if zone is UTC:
        return Stamp(found, zoned=True)
    if zone is None:
        return Stamp(found.replace(tzinfo=UTC), zoned=False)
    return Stamp(found.astimezone(UTC), zoned=True)


def _unexpected(value: Any, expected: str) -> ArtifactError:
    return ArtifactError(f"expected {expected}, found {shown(value)}")
