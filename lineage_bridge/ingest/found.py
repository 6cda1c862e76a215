"""What a walk finds: files that may be artifacts, and what was left out and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lineage_bridge.adapters.api import Adapter, Form, Kind, Place, server_kind
from lineage_bridge.adapters.artifact import shown_path
from lineage_bridge.adapters.registry import adapters
from lineage_bridge.adapters.servers import is_url
from lineage_bridge.errors import ArtifactError
from lineage_bridge.observe.quarantine import Rejected


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be an artifact.

    Attributes:
        adapter: of its family.
        sort: what its adapter recognised it as.
        path: absolute and real; of a server its URL.
        root: the folder that was named, or that of a file that was named.
        seen: the file's metadata during the walk.
    """

    adapter: Adapter
    sort: Kind
    path: str
    root: str
    seen: os.stat_result | None = None

    @property
    def family(self) -> str:
        """The name of its family."""
        return self.adapter.name

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return self.sort.name

    @property
    def is_server(self) -> bool:
        """Whether it is a server, of which only asking tells whether it changed."""
        return is_url(self.path)

    @property
    def form(self) -> Form:
        """How it is read."""
        return self.sort.form

    @property
    def shown(self) -> str:
        """The path relative to the named folder."""
        return shown_path(self.path, self.root)


@dataclass(slots=True)
class Scan:
    """The result of a walk; `ignored` counts entries by reason."""

    found: list[Found] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)


def found_again(family: str, path: str, *, by_line: bool) -> Found | None:
    """Recognise a file again, without a walk; None if it does not exist or is of no family."""
    adapter = adapters().get(family)
    if adapter is not None and is_url(path):
        of_server = server_kind(adapter)
        return None if of_server is None else Found(adapter, of_server, path, path)
    if adapter is None or not os.path.isfile(path):  # noqa: PTH113 - paths are text here
        return None
    folder, _, name = path.rpartition("/")
    parts = folder.split("/")
    form = "lines" if by_line else "whole"
    # Which of the folders above it was the named one is not known: take the nearest that will do.
    for depth in range(len(parts) + 1):
        place = Place(name.lower(), tuple(parts[len(parts) - depth :]))
        try:
            kind = adapter.recognise(place)
        except ArtifactError:
            return None
        if kind is not None and kind.form == form:
            return Found(adapter, kind, path, _reach_of(kind, parts))
    return None


def _reach_of(kind: Kind, parts: Sequence[str]) -> str:
    """Return the folder that a file and its companions lie in, however far above."""
    above = max((name.split("/").count("..") for name in kind.companions), default=0)
    return "/".join(parts[: max(1, len(parts) - above)]) or "/"
