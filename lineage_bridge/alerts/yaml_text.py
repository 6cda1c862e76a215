"""YAML as people write it: in the order given, and a text of several lines line by line."""

from __future__ import annotations

from typing import Any, Final

import yaml

_MARK: Final = "# Written by `lineage-bridge {command}`: changes here are lost.\n"


def yaml_text(document: Any, command: str) -> str:
    """Write a document, and above it the command that wrote it."""
    written = yaml.dump(document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100)
    return _MARK.format(command=command) + str(written)


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_DUMPER: Final[Any] = type("_Dumper", (yaml.SafeDumper,), {})
_DUMPER.add_representer(str, _text)
