"""HTML that cannot be injected into: text becomes a fragment by being escaped, and in no other way.

Names come from whoever sends an event. So `element` escapes every child that is not a fragment
already, and every attribute; nothing else in the package makes a `Fragment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "link", "br"})


class Fragment(str):
    """A piece of HTML, safe to be put into another."""

    __slots__ = ()


Child = str | Fragment | None


def element(name: str, *children: Child, **attributes: str | None) -> Fragment:
    """An element.

    Args:
        name: of the element, written by us.
        children: text or fragments; None is nothing.
        attributes: None leaves one out; a trailing `_` is dropped, other `_` become `-`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Fragment(f"<{name}{written}>")
    return Fragment(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Fragment:
    """Children one after the other."""
    return Fragment("".join(_safe(child) for child in children if child is not None))


def document(*, title: str, style: str, body: Fragment) -> str:
    """A whole page; `style` is our own CSS and goes in as it is."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        Fragment(f"<style>{style}</style>"),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n"


def _safe(child: str | Fragment) -> str:
    return child if isinstance(child, Fragment) else escape(child)
