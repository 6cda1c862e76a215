"""JMESPath expressions, compiled once into what is called for each of millions of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import methodcaller
from typing import Any, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError

from lineage_bridge.errors import ArtifactError

Getter: TypeAlias = Callable[[dict[str, Any]], Any]


@cache
def getter(expression: str) -> Getter:
    """Compile an expression; a plain path such as `model.name` is not left to the interpreter.

    Raises:
        ArtifactError: it is no JMESPath expression; what was returned raises it for a row of which
            the expression cannot be computed.
    """
    parsed = _parsed(expression)
    names = _plain(parsed.parsed)
    if names is None:
        return _interpreted(expression)
    first, *others = names
    if not others:
        return methodcaller("get", first)

    def get(row: dict[str, Any]) -> Any:
        value = row.get(first)
        for name in others:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return get


def members_of(expression: str) -> set[str] | None:
    """Return the names that an expression may look up in a row; None if that may be any."""
    found: set[str] = set()
    for node in _nodes(_parsed(expression).parsed):
        if node["type"] in {"current", "value_projection"}:
            return None
        if node["type"] == "field":
            found.add(node["value"])
    return found


def _parsed(expression: str) -> Any:
    try:
        return jmespath.compile(expression)
    except JMESPathError as exc:
        reason = str(exc).splitlines()[0]
        raise ArtifactError(f"`{expression}` is no JMESPath expression: {reason}") from exc


def _interpreted(expression: str) -> Getter:
    parsed = _parsed(expression)

    def get(row: dict[str, Any]) -> Any:
        try:
            return parsed.search(row)
        except (JMESPathError, ArithmeticError, TypeError) as exc:
            reason = str(exc).splitlines()[0]
            raise ArtifactError(f"`{expression}` cannot be computed: {reason}") from exc

    return get


def _plain(node: dict[str, Any]) -> list[str] | None:
    """Return the names of a path without anything else in it."""
    if node["type"] == "field":
        return [node["value"]]
    if node["type"] != "subexpression":
        return None
    parts = [_plain(child) for child in node["children"]]
    return None if None in parts else [name for part in parts for name in part or ()]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and "type" in node:
        yield node
        for child in node.get("children", ()):
            yield from _nodes(child)
