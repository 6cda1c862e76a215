"""Explain why a line is no window, in words for whoever has to mend it.

Only rejected lines come here, so the line can be decoded once more, loosely, to show its values.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from lineage_bridge.errors import ArtifactError
from lineage_bridge.masking import masked_values

SCHEMA_VERSION = "v1"
SHOWN_CHARACTERS = 60

_EXPECTED = re.compile(r"Expected `(?P<type>[^`]+)`(?P<limit>[^,]*?)(?:, got `(?P<got>[^`]+)`)?$")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_FIELD = re.compile(r" - at `\$\.?(?P<field>[^`]*)`$")
_TIME_FIELDS = {"window_start", "window_end", "heartbeat_emitted_at"}
_TIME = "expected a time with its zone, such as 2026-04-07T10:30:00Z"
_NAMES = {"int": "a whole number", "str": "a text", "float": "a number", "object": "a JSON object"}


def explain(line: bytes, error: Exception) -> ArtifactError:
    """Explain what is wrong with a line that msgspec did not accept."""
    if isinstance(error, RecursionError):
        return ArtifactError("the line is nested too deeply; expected one flat JSON object")
    if isinstance(error, UnicodeDecodeError):
        return ArtifactError("the line is not UTF-8; expected JSON in UTF-8")
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        if "out of range" in str(error):
            return _explain_object({"schema_version": SCHEMA_VERSION}, str(error))
        return ArtifactError(f"the line is not JSON ({_plain(exc)}); expected one JSON object")
    if not isinstance(document, dict):
        return ArtifactError(f"expected a JSON object, found {_shown(document)}")
    return _explain_object(document, str(error))


def _plain(error: orjson.JSONDecodeError) -> str:
    return str(error).partition(": line")[0]


def _explain_object(document: dict[str, Any], message: str) -> ArtifactError:
    if "event_type" in document and "window_start" not in document:
        return ArtifactError(
            f"this is a deployment event ({_shown(document['event_type'])}) and no metric window; "
            "it belongs into events/<day>/deployment_events.jsonl",
            field="event_type",
        )
    if document.get("schema_version") != SCHEMA_VERSION:
        return _explain_version(document)
    missing = _MISSING.search(message)
    if missing:
        return ArtifactError("the field is missing; expected a value", field=missing["field"])
    place = _FIELD.search(message)
    field = place["field"] if place else None
    said = message[: place.start()] if place else message
    expected = _TIME if field in _TIME_FIELDS else _expected(said)
    found = f", found {_shown(document[field])}" if field in document else ""
    return ArtifactError(f"{expected}{found}", field=field)


def _explain_version(document: dict[str, Any]) -> ArtifactError:
    if "schema_version" not in document:
        return ArtifactError(
            f"the field is missing; this version reads schema `{SCHEMA_VERSION}`",
            field="schema_version",
        )
    return ArtifactError(
        f"schema version {_shown(document['schema_version'])} is not known; "
        f"this version reads `{SCHEMA_VERSION}`",
        field="schema_version",
    )


def _expected(said: str) -> str:
    if said.startswith("Number out of range"):
        return "expected a number that a computer can hold"
    match = _EXPECTED.search(said)
    if match is None:
        return said[:1].lower() + said[1:]
    kinds = [_NAMES.get(kind.strip(), kind.strip()) for kind in match["type"].split("|")]
    limit = match["limit"].replace("of length >= 1", "that is not empty").replace("<=", "up to")
    limit = limit.replace(">=", "of at least").rstrip()
    return f"expected {' or '.join(kinds)}{limit}"


def _shown(value: Any) -> str:
    text = orjson.dumps(masked_values(value)).decode()
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
    return f"`{cut}`"
