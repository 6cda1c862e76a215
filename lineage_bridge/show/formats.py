r"""JSON, TOML and Prometheus' text, harmless on a terminal without a change for programs.

They carry names that others chose. A character that does not show as itself is written in an escape
of the format: `\u202e` in JSON, where a parser reads the same character, and `\\u202e` in a label,
where it reads the escape (the format has none for it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lineage_bridge.show.text import is_seen, printable

# Characters that may not show as themselves; line ends are the format's own.
_DOUBTFUL: Final = re.compile(r"[^\n\x20-\x7e]")


def json_text(document: Any) -> str:
    """Write JSON: indented, keys in the order of the published shape."""
    import orjson

    return _harmless(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def json_line(document: Any) -> str:
    """Write JSON in one line."""
    import orjson

    return _harmless(orjson.dumps(document))


def _harmless(encoded: bytes) -> str:
    return _DOUBTFUL.sub(lambda found: _json_escape(found[0]), encoded.decode())


def toml_text(document: Mapping[str, Any]) -> str:
    """Write TOML; a character that does not show as itself is an escape, as TOML has it."""
    import tomlkit

    return _DOUBTFUL.sub(lambda found: _toml_escape(found[0]), tomlkit.dumps(document))


def exposition_text(text: str) -> str:
    """Escape Prometheus' text, so that its labels may be printed."""
    return _DOUBTFUL.sub(lambda found: printable(found[0]).replace("\\", "\\\\"), text)


def _json_escape(character: str) -> str:
    if is_seen(character):
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _toml_escape(character: str) -> str:
    if is_seen(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def present(**members: Any) -> dict[str, Any]:
    """Make an object of these members, without those that are None."""
    return {name: value for name, value in members.items() if value is not None}
