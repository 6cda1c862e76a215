"""Read any producer's JSON under a key of ours into the facet's struct, or refuse it with a reason.

Whoever may send an event may send a facet under our name, with anything in it. Past this point a
facet has the types of its definition at every depth, so nobody has to check again, and a failure
after it is a bug of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
import orjson

from lineage_bridge.errors import FacetError
from lineage_bridge.facets.definition import Facet
from lineage_bridge.facets.registry import definitions

# At the end of a time that is not in UTC; its first character is rare, so looking for it is quick.
_OFFSET: Final = re.compile(r":\d\d(?:\.\d*)?[+-]\d\d:?\d\d\"")

MAX_WHOLE: Final = 2**53  # a larger float is no exact number, and sums of such ones overflow

Definition = TypeVar("Definition", bound=Facet)


def read_facet(definition: type[Definition], text: str | bytes) -> Definition:
    """Read a facet from JSON. Members that the definition does not have are ignored.

    A null is an absent fact, and `5.0` is a whole number.

    Raises:
        FacetError: a required member is missing, or one has another type or range.
    """
    try:
        found: Definition = _decoder(definition).decode(text)
    except (msgspec.MsgspecError, OverflowError, RecursionError) as exc:
        if "null" not in str(text) and ".0" not in str(text):  # nothing that could be cleaned
            raise _error(exc) from exc
        return _read_patiently(definition, text)
    if _OFFSET.search(str(text)):
        found = _in_utc(found)
    found.check()
    return found


def facet_in(definition: type[Definition], facets: Mapping[str, Any]) -> Definition | None:
    """Return a facet of decoded JSON facets by its key; None if it is absent or broken."""
    value = facets.get(definition.key)
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.convert(value, definition)
    except (msgspec.ValidationError, OverflowError):
        pass  # it may be valid but for nulls, which `read_facet` ignores
    try:
        return read_facet(definition, orjson.dumps(value))
    except (FacetError, orjson.JSONEncodeError):
        return None


def problem_of(key: str, text: str | bytes) -> str | None:
    """Return why a facet cannot be used; None if it is valid, or its key is not one of ours."""
    definition = definitions().get(key)
    if definition is None:
        return None
    try:
        read_facet(definition, text)
    except FacetError as exc:
        return str(exc)
    return None


def _read_patiently(definition: type[Definition], text: str | bytes) -> Definition:
    try:
        found: Definition = _in_utc(msgspec.convert(_cleaned(orjson.loads(text)), definition))
    except (ValueError, OverflowError, RecursionError) as exc:
        raise _error(exc) from exc
    found.check()
    return found


def _in_utc(value: Any) -> Any:
    """Bring every time in a facet into UTC.

    Raises:
        FacetError: a time lies outside of the years 1 to 9999 there.
    """
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC)
        except OverflowError as exc:
            raise FacetError("a time is outside of the years 1 to 9999 in UTC") from exc
    if isinstance(value, msgspec.Struct):
        fields = {name: _in_utc(getattr(value, name)) for name in value.__struct_fields__}
        return type(value)(**fields)
    return tuple(map(_in_utc, value)) if isinstance(value, tuple) else value


def _error(exc: Exception) -> FacetError:
    return FacetError(str(exc).replace("`$.", "`").replace("`$`", "the facet"))


def _cleaned(value: Any) -> Any:
    """Drop nulls from objects, and turn floats that are whole numbers into integers."""
    if isinstance(value, dict):
        return {key: _cleaned(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_WHOLE:
        return int(value)
    return value


@cache
def _decoder(definition: type[Facet]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(definition)
