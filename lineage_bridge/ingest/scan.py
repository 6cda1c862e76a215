"""Walk the named folders, and recognise each file by its name and place.

Links are not followed, so nothing outside of a named folder is found and no loop is walked. Hidden
files, what editors and tools leave while they work, and entries that are neither file nor folder (a
pipe, a socket, a device) are no artifacts: they are counted as ignored, as files of no family are.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineage_bridge.adapters.api import Adapter, Form, Kind, Place
from lineage_bridge.adapters.artifact import shown_path
from lineage_bridge.adapters.registry import adapters
from lineage_bridge.errors import ArtifactError, SettingsError
from lineage_bridge.observe.quarantine import Rejected, rejected

# Of Python, Node, MLflow (its own store), macOS (in archives), Spark and Delta.
_OF_TOOLS: Final = re.compile(
    r"__pycache__|node_modules|mlruns.*|__MACOSX|_temporary|_delta_log|_spark_metadata"
)
_PASSING: Final = re.compile(
    r".*~|~\$.*|#.*#|.*\.(?:swp|swo|tmp|part|crdownload)|_SUCCESS", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be an artifact.

    Attributes:
        adapter: of its family.
        sort: what its adapter recognised it as.
        path: absolute and real.
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


def scan(roots: Mapping[str, Sequence[Path]]) -> Scan:
    """Walk every root, each once; a root may be given for several families, by their names.

    Raises:
        SettingsError: a root does not exist.
    """
    result = Scan()
    families_of: dict[str, list[str]] = {}
    for family, paths in roots.items():
        for path in paths:
            if not path.exists():
                raise SettingsError(f"The folder `{path}` (--{family}) does not exist.")
            families_of.setdefault(os.path.realpath(path), []).append(family)
    known = adapters()
    for root, families in sorted(families_of.items()):
        _Walk(root, [known[family] for family in dict.fromkeys(families)], result).run()
    return _once(result)


def found_again(family: str, path: str, *, by_line: bool) -> Found | None:
    """Recognise a file again, without a walk; None if it does not exist or is of no family."""
    adapter = adapters().get(family)
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


def _once(result: Scan) -> Scan:
    # A walk may reach the same file from a folder and from its parent.
    unique = {(f.family, f.path): f for f in reversed(result.found)}
    result.found = [unique[key] for key in sorted(unique)]
    return result


class _Walk:
    """One root, walked for some families."""

    def __init__(self, root: str, families: Sequence[Adapter], result: Scan) -> None:
        self._root = root
        self._families = list(families)
        self._result = result

    def run(self) -> None:
        """Find every file below the root, or the one file that was named."""
        if os.path.isdir(self._root):  # noqa: PTH112 - paths are text here
            self._folders()
        elif os.path.isfile(self._root):  # noqa: PTH113 - same
            path, self._root = self._root, os.path.dirname(self._root)  # noqa: PTH120 - same
            name = path.rpartition("/")[2]
            self._take(path, Place(name.lower()), os.lstat(path))
        else:
            self._result.ignored["special file"] += 1

    def _folders(self) -> None:
        pending: list[tuple[str, tuple[str, ...]]] = [(self._root, ())]
        while pending:
            folder, names = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    pending += self._entries(entries, names)
            except OSError as exc:
                reason = f"cannot be listed: {exc.strerror or exc}"
                self._reject(folder, "folder", reason)

    def _entries(
        self, entries: Iterator[os.DirEntry[str]], names: tuple[str, ...]
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Take the files of a folder; return its folders."""
        ignored, folders = self._result.ignored, []
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                ignored["hidden"] += 1
            elif entry.is_symlink():
                ignored["link"] += 1
            elif _PASSING.fullmatch(name):
                ignored["temporary"] += 1
            elif entry.is_file(follow_symlinks=False):
                self._take_entry(entry, names)
            elif not entry.is_dir(follow_symlinks=False):
                ignored["special file"] += 1
            elif _OF_TOOLS.fullmatch(name):
                ignored["folder of another tool"] += 1
            else:
                if "." in name:
                    self._reject_folder(entry.path, Place(name.lower(), names, is_folder=True))
                folders.append((entry.path, (*names, name)))
        return folders

    def _take_entry(self, entry: os.DirEntry[str], names: tuple[str, ...]) -> None:
        try:
            self._take(entry.path, Place(entry.name.lower(), names), entry)
        except FileNotFoundError:
            return  # it was deleted during the walk

    def _take(self, path: str, place: Place, seen: os.DirEntry[str] | os.stat_result) -> None:
        kinds = self._recognised(place)
        if not kinds:
            self._result.ignored["of no family"] += 1
            return
        if not path.isprintable() and not _is_text(path):
            shown = path.encode("utf-8", "backslashreplace").decode()
            for adapter, _ in kinds:
                self._reject(shown, adapter.name, "its name is not UTF-8; rename it")
            return
        stat = seen if isinstance(seen, os.stat_result) else seen.stat(follow_symlinks=False)
        for adapter, kind in kinds:
            self._result.found.append(Found(adapter, kind, path, self._root, stat))

    def _reject_folder(self, path: str, place: Place) -> None:
        kinds = self._recognised(place)
        if kinds and not _holds_parts(path):
            for adapter, _ in kinds:
                self._reject(path, adapter.name, "is a folder, expected a file")

    def _recognised(self, place: Place) -> list[tuple[Adapter, Kind]]:
        kinds = []
        for adapter in self._families:
            try:
                kind = adapter.recognise(place)
            except ArtifactError as exc:
                # It would fail at every file: say so once, and go on without it.
                self._result.rejected.append(rejected(self._root, adapter.name, exc))
                self._families = [a for a in self._families if a is not adapter]
                continue
            if kind is not None:
                kinds.append((adapter, kind))
        return kinds

    def _reject(self, path: str, family: str, reason: str) -> None:
        self._result.rejected.append(Rejected(path, family, 0, None, reason))


def _is_text(path: str) -> bool:
    # No database or answer can contain a name that is not UTF-8.
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _holds_parts(folder: str) -> bool:
    # Many engines write one table as `x.parquet/part-0.parquet`.
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.lower().endswith(".parquet") for entry in entries)
    except OSError:
        return False
