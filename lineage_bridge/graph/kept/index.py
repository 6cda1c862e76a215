"""An index of items by name in which a few change at a time.

An index is never changed in place, since others may read it. Copying a dict of a hundred thousand
items for each change would take longer than all the rest, so an index copies only the changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

Item = TypeVar("Item")

MAX_CHANGES = 1000  # more of them are written into a dict of their own


class Index(Mapping[str, Item]):
    """A dict that nobody changes, and what differs from it: None for what is no longer there."""

    __slots__ = ("_base", "_changes")

    def __init__(self, base: Mapping[str, Item], changes: Mapping[str, Item | None]) -> None:
        self._base = base
        self._changes = changes

    def changed(self, changes: Mapping[str, Item | None]) -> Mapping[str, Item]:
        """This one with other items at some names."""
        all_changes = {**self._changes, **changes}
        if len(all_changes) <= min(MAX_CHANGES, len(self._base)):
            return Index(self._base, all_changes)
        found = dict(self._base)
        for name, item in all_changes.items():
            if item is None:
                found.pop(name, None)
            else:
                found[name] = item
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The item of a name."""
        if name not in self._changes:
            return self._base.get(name, default)
        found = self._changes[name]
        return default if found is None else found

    def __getitem__(self, name: str) -> Item:
        found: Item | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._base if name not in self._changes)
        yield from (name for name, item in self._changes.items() if item is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def changed(known: Mapping[str, Item], changes: Mapping[str, Item | None]) -> Mapping[str, Item]:
    """What was known with other items at some names, None for no item."""
    if not changes:
        return known
    index = known if isinstance(known, Index) else Index(known, {})
    return index.changed(changes)
