"""What is sound, changed a little, so that most of it is still right."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

_DEEP: Any = 1
for _ in range(50):
    _DEEP = [_DEEP]

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 5, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, -0.0, 0.1,
    "", " ", "\x00", "\x1b[31m", "\u202e", "\ud800", "é", "日本語", "a" * 5000, "a:b", "a@b", "/",
    "%2F", "..", "null", "<script>", "'; --", "{}", "NaN", [], {}, [[]], [None], {"": ""},
    {"a": {"b": []}}, _DEEP, [1, "a", None], list(range(200)),
)  # fmt: skip
TIMES: tuple[Any, ...] = (
    1_775_563_200_000, 1_775_563_200, 1.5e12, "1775563200000", "2026-04-07", "2026-04-07T10:00",
    "2026-04-07T10:00:00", "2026-04-07 10:00:00Z", "2026-04-07T10:00:00.123456789Z",
    "2026-04-07T10:00:00+23:59", "2026-02-30T10:00:00Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "+58056-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "2026-04-07T24:00:00Z", "2026-04-07T10:00:60Z", "20260407T100000Z",
    "2026-04-07T10:00:00Z[Europe/Berlin]", "1600-01-01T00:00:00Z", "2500-01-01T00:00:00Z",
)  # fmt: skip


def mutated(rng: Random, document: Any) -> Any:
    """A JSON value of which one to three places are changed."""
    found = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        found = _change(rng, found)
    return found


def _change(rng: Random, value: Any) -> Any:
    """Change the value itself, or something in it."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        return _change_member(rng, value)
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        deed = rng.random()
        if deed < 0.1:
            return value + value
        if deed < 0.2:
            return value[:place] + value[place + 1 :]
        return [*value[:place], _change(rng, value[place]), *value[place + 1 :]]
    if isinstance(value, str) and rng.random() < 0.3:
        return value[: rng.randrange(len(value) + 1)] + rng.choice(["", "\x00", "é", " ", value])
    return rng.choice(ODD)


def _change_member(rng: Random, members: dict[str, Any]) -> dict[str, Any]:
    name = rng.choice(list(members))
    deed = rng.random()
    if deed < 0.1:
        return {key: value for key, value in members.items() if key != name}
    if deed < 0.2:
        return {**members, str(rng.choice(ODD))[:300]: members[name]}
    if name.endswith(("Time", "At", "_at")) and deed < 0.7:
        return {**members, name: rng.choice(TIMES)}
    return {**members, name: _change(rng, members[name])}


def encoded(rng: Random, document: Any) -> bytes:
    """JSON as some encoder may write it: escapes or not, lone surrogates, spaces."""
    text = json.dumps(document, ensure_ascii=rng.random() < 0.7, indent=rng.choice([None, None, 1]))
    return text.encode("utf-8", "surrogatepass")


def cut_up(rng: Random, content: bytes) -> bytes:
    """Bytes of which some are lost, doubled, turned or strange."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(found) + 1)
        end = min(len(found), start + rng.choice([1, 1, 2, 10, 100, 5000]))
        deed = rng.randrange(6)
        if deed == 0:
            del found[start:end]
        elif deed == 1:
            found[start:start] = found[start:end]
        elif deed == 2:
            found[start:end] = rng.randbytes(end - start)
        elif deed == 3:
            found[start:start] = rng.choice(
                [b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"{", b"]", b","]
            )
        elif deed == 4:
            del found[start:]
        elif start < len(found):
            found[start] ^= 1 << rng.randrange(8)
    return bytes(found)
