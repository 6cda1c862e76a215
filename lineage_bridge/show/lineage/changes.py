"""Changes as a table, oldest first, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from lineage_bridge.answers import Change
from lineage_bridge.facets.change import ChangedValue
from lineage_bridge.graph.find import RunParts
from lineage_bridge.show.formats import present
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import counted, moment
from lineage_bridge.times import format_time

_COLUMNS: Final = (
    Column("when"),
    Column("what"),
    Column("of", fold="anywhere", narrowest=24),
    Column("from -> to", fold="blanks", narrowest=32),
    Column("first run", 1),
    Column("told by", 2, fold="anywhere", narrowest=16),
)
_SHOWN: Final = 8  # values and files; JSON has all
_HASH: Final = 40
_SHORT: Final = 8


def changes_table(found: Iterable[Change], at: datetime, parts: RunParts) -> Table:
    """Make a table with one line for each change.

    Args:
        found: the changes.
        at: the time that they lead up to.
        parts: of the ids of all runs that one must not be confused with.
    """
    table = Table(*_COLUMNS, title=f"Changes up to {moment(at)}")
    for one in found:
        first = one.first_run
        table.add(
            moment(one.time),
            one.kind.replace("_", " "),
            _name(one.node) if one.node is not None else one.repository or "",
            list(_words(one)) or [""],
            moment((first.started or first.first) if first is not None else None),
            f"{_name(one.event.node)}@{parts.of(one.event.mark or '')}",
        )
    return table


def changes_json(
    found: Iterable[Change], at: datetime, since: datetime | None = None
) -> dict[str, Any]:
    """Make the document of `changes --json`."""
    return present(
        at=format_time(at),
        since=format_time(since) if since is not None else None,
        changes=[_change(one) for one in found],
    )


def _change(one: Change) -> dict[str, Any]:
    first = one.first_run
    return present(
        time=format_time(one.time),
        kind=one.kind,
        node=one.node,
        event=str(one.event),
        told=one.told,
        before=one.before,
        after=one.after,
        sentence=one.sentence,
        values=[msgspec.to_builtins(value) for value in one.values] or None,
        files=[msgspec.to_builtins(file) for file in one.files] or None,
        left_out=one.left_out or None,
        difference=one.difference,
        repository=one.repository,
        first_run=first.id if first is not None else None,
    )


def _words(one: Change) -> Iterator[str]:
    if one.sentence:
        yield one.sentence
    if one.before or (one.after and not one.values):
        yield f"{_short(one.before) or 'nothing'} -> {_short(one.after) or 'nothing'}"
    elif one.after and one.told:
        yield f"-> {_short(one.after)}"
    yield from map(_value, one.values[:_SHOWN])
    if one.difference:
        yield from one.difference.splitlines()[:_SHOWN]
    elif one.files:
        yield ", ".join(file.path for file in one.files[:_SHOWN])
    more = max(0, len(one.values) - _SHOWN) + max(0, len(one.files) - _SHOWN) + one.left_out
    if more:
        yield f"and {counted(more, 'more', 'more')}"


def _value(value: ChangedValue) -> str:
    name = _name(value.name)
    if value.before is None:
        return f"+ {name} {value.after or ''}".rstrip()
    if value.after is None:
        return f"- {name} {value.before}".rstrip()
    return f"{name} {value.before} -> {value.after}"


def _short(text: str | None) -> str:
    """Shorten a commit; write a node by its name."""
    if text is None:
        return ""
    is_hash = len(text) >= _HASH and set(text) <= set("0123456789abcdef")
    return text[:_SHORT] if is_hash else _name(text)


def _name(node: str) -> str:
    """Return the name in a node's id; whatever else it is as it is."""
    kind, *rest = node.split(":", 2)
    return rest[1] if kind in {"job", "dataset"} and len(rest) == 2 else node
