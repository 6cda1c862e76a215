"""The adapters that there are: the built-in ones, and those of other installed packages.

Nothing is imported before somebody asks for the adapters, so commands that read no artifacts do not
pay for it. A package's adapter that cannot be used is left out and said, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Any, Final

from lineage_bridge import adapters as package
from lineage_bridge.adapters.api import API, Adapter
from lineage_bridge.adapters.guest import Guest, one_line
from lineage_bridge.records.words import JOURNAL

GROUP: Final = "lineage_bridge.adapters"

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME: Final = 40
MAX_TITLE: Final = 100
MAX_VERSION: Final = 2**31 - 1
# Options of commands that read artifacts, and a word that stands for no family.
_RESERVED: Final = frozenset(
    {"help", "home", "config", "json", "namespace", "dry-run", "no-wait", "folders", JOURNAL}
)


@dataclass(frozen=True, slots=True)
class Registry:
    """All adapters by their names, and a line for each one that cannot be used."""

    adapters: Mapping[str, Adapter]
    troubles: tuple[str, ...] = ()


@cache
def registry() -> Registry:
    """Load all adapters, once a process."""
    found = {adapter.name: adapter for adapter in sorted(_built_in(), key=lambda a: a.name)}
    troubles = []
    for point in sorted(entry_points(group=GROUP), key=lambda p: (_package(p), p.name)):
        try:
            guest = _loaded(point, found)
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - whatever another package raises
            troubles.append(_trouble(point, exc))
        else:
            found[guest.name] = guest
    return Registry(found, tuple(troubles))


def adapters() -> Mapping[str, Adapter]:
    """Return all adapters by their names."""
    return registry().adapters


def _built_in() -> Iterator[Adapter]:
    """Yield the `ADAPTER` of each module of this folder that has one."""
    for module in iter_modules(package.__path__):
        adapter: Adapter | None = getattr(
            import_module(f"{package.__name__}.{module.name}"), "ADAPTER", None
        )
        if adapter is not None:
            yield adapter


class _UnusableError(Exception):
    """Why an adapter of another package cannot be used."""


def _loaded(point: EntryPoint, taken: Iterable[str]) -> Adapter:
    adapter = point.load()
    if isinstance(adapter, type):
        adapter = adapter()
    missing = [m for m in _MEMBERS if not hasattr(adapter, m)]
    if missing:
        raise _UnusableError(f"it is no adapter: it has no {', '.join(missing)}")
    if adapter.api != API:
        raise _UnusableError(
            f"it is written for interface {adapter.api!r} of adapters, and this is {API}"
        )
    _check_name(adapter.name, taken)
    title = adapter.title
    if not isinstance(title, str) or not title.isprintable() or not 0 < len(title) <= MAX_TITLE:
        raise _UnusableError(f"its title is not one line of 1 to {MAX_TITLE} printable characters")
    if type(adapter.version) is not int or not 0 <= adapter.version <= MAX_VERSION:
        raise _UnusableError(f"its version is no whole number from 0 to {MAX_VERSION:,}")
    return Guest(adapter, _package(point))


_MEMBERS: Final = ("api", "name", "title", "version", "recognise", "read")


def _check_name(name: Any, taken: Iterable[str]) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise _UnusableError(
            f"its name {name!r} is not 1 to {MAX_NAME} lower-case letters, digits and `-`"
        )
    if name in _RESERVED or name in taken:
        raise _UnusableError(f"its name `{name}` is taken")


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _trouble(point: EntryPoint, error: BaseException) -> str:
    why = str(error) if isinstance(error, _UnusableError) else one_line(error)
    return f"The adapter `{point.name}` of the package `{_package(point)}` is left out: {why}"
