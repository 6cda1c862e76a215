"""JSON as a checked document; what is wrong with it is reported in a user's words.

Strict: a digit string or a boolean is no number, an epoch number is no time. Lenient where
upstreams really differ: a byte order mark, a duplicate key (the last wins), unknown members.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from lineage_bridge.errors import ArtifactError
from lineage_bridge.masking import MASK, is_secret_name, masked
from lineage_bridge.naming import known
from lineage_bridge.times import Stamp, parse_time

MAX_DEPTH = 100  # of objects and lists in each other
MAX_NESTED = 1_000_000  # objects and lists, which take thirty times their bytes
MAX_TEXT_CHARACTERS = 10_000  # of a text that a family reads
MAX_ITEMS = 10_000  # metrics, parameters, columns of one artifact
SHOWN_CHARACTERS = 60

Checked = TypeVar("Checked", bound=BaseModel)


class Document(BaseModel):
    """The base of all families' documents: types are strict, unknown members are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def _stamp(value: Any) -> Stamp:
    if not isinstance(value, str):
        raise PydanticCustomError("time", "expected a time such as 2026-04-07T10:30:00Z")
    try:
        return parse_time(value)
    except ValueError as exc:
        raise PydanticCustomError("time", "{why}", {"why": str(exc)}) from exc


def _instant(value: Any) -> datetime:
    instant, zoned = _stamp(value)
    if not zoned:
        raise PydanticCustomError("zone", "expected a time with a zone (Z or an offset)")
    return instant


def _text(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "expected a text that is not blank")
    return value


def _name(value: str) -> str:
    if known(value) is None:
        raise PydanticCustomError("unknown", "expected a name, which `unknown` is not")
    return value


Time = Annotated[Stamp, PlainValidator(_stamp)]  # one without a zone is allowed
ZonedTime = Annotated[datetime, PlainValidator(_instant)]
Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[Text, AfterValidator(_name)]  # of something that becomes a node


def instant_of(stamp: Stamp | None) -> datetime | None:
    """Return the instant alone, as records hold it; their flags say where a zone was missing."""
    return stamp.instant if stamp is not None else None


def zone_flags(*stamps: Stamp | None) -> list[str]:
    """Return the flag of a record that has a time without a zone, if any of its times is such."""
    return ["unzoned_time"] if any(stamp and not stamp.zoned for stamp in stamps) else []


def parse_object(content: bytes) -> dict[str, Any]:
    """Decode a JSON object; keep NaN and infinity, for the reader of the field to judge.

    Raises:
        ArtifactError: the content is empty, not UTF-8, no JSON, nested too deeply, or no object.
    """
    document = parse_json(content)
    if not isinstance(document, dict):
        raise ArtifactError(f"expected a JSON object, found {_kind(document)}")
    return document


def parse_json(content: bytes) -> Any:
    """Decode any JSON value, as `parse_object` does an object."""
    if not content.strip():
        raise ArtifactError("is empty, expected a JSON object")
    if content.count(b"{") + content.count(b"[") > MAX_NESTED:
        raise ArtifactError(f"holds over {MAX_NESTED:,} objects and lists, expected fewer")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise ArtifactError(f"is not UTF-8 (byte {exc.start}), expected a JSON object") from exc
    except RecursionError as exc:
        raise ArtifactError("is nested too deeply, expected a JSON object") from exc
    except json.JSONDecodeError as exc:
        raise ArtifactError(f"is not JSON: {exc.msg}", line=exc.lineno) from exc
    except ValueError as exc:  # an integer has too many digits
        most = sys.get_int_max_str_digits()
        raise ArtifactError(f"holds a number of over {most:,} digits, expected fewer") from exc
    if _is_deep(document):
        raise ArtifactError(f"is nested too deeply (over {MAX_DEPTH} levels), expected less")
    if b"\\u" in content:
        _check_surrogates(document)
    return document


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [v for v in value.values() if isinstance(v, dict | list)]
            elif isinstance(value, list):
                inner += [v for v in value if isinstance(v, dict | list)]
        if not inner:
            return False
        level = inner
    return True


def _check_surrogates(document: Any) -> None:
    # JSON can spell half of a surrogate pair, which no file, database or answer can contain.
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        half = exc.object[exc.start]
        raise ArtifactError(f"holds half of a surrogate pair, \\u{ord(half):04x}") from exc


def check(model: type[Checked], document: dict[str, Any]) -> Checked:
    """Check a document against its model.

    Raises:
        ArtifactError: a field is wrong; names the first one, what was expected and what was found.
    """
    try:
        checked = model.model_validate(document)
    except ValidationError as exc:
        raise _translate(exc.errors()) from exc
    check_lengths({field: document.get(field) for field in model.model_fields})
    return checked


def check_lengths(values: Mapping[str, Any]) -> None:
    """Check that no text is so long that it can be no name, version or path.

    Raises:
        ArtifactError: a text is; it is shown by its beginning.
    """
    for field, value in values.items():
        if isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
            reason = f"has {len(value)} characters, expected at most {MAX_TEXT_CHARACTERS}"
            raise ArtifactError(f"{reason}: {shown(value, field)}", field=field)


def check_number(what: str, count: int) -> None:
    """Check how many metrics, parameters or columns there are.

    Raises:
        ArtifactError: there are more than an artifact may have.
    """
    if count > MAX_ITEMS:
        raise ArtifactError(f"has {count:,} {what}, expected at most {MAX_ITEMS:,}")


def _translate(errors: list[ErrorDetails]) -> ArtifactError:
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        reason = "is missing"
    else:
        reason = f"{_lowered(first['msg'])}, found {shown(first['input'], field)}"
    more = f" (and {len(errors) - 1} more fields)" if len(errors) > 1 else ""
    return ArtifactError(reason + more, field=field)


def _lowered(message: str) -> str:
    message = message.replace("Input should be", "expected", 1)
    return message[:1].lower() + message[1:]


def as_number(value: Any) -> float | None:
    """Return a JSON number, infinity if a float cannot hold it; None if it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def shown(value: Any, name: str = "") -> str:
    """Format a value of that name for an error message: short, on one line, and never raw."""
    if is_secret_name(name):
        return MASK
    if isinstance(value, str):  # the whole of it may be a file's length
        value = masked(value[:MAX_TEXT_CHARACTERS])[: SHOWN_CHARACTERS + 1]
    text = repr(value) if not isinstance(value, dict | list) else _kind(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "an object", str: "a text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
