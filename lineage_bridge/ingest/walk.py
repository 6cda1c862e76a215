"""One walk below a named folder, or to what changed below it.

Links are not followed, so nothing outside of a named folder is found and no loop is walked. Hidden
files, what editors and tools leave while they work, and entries that are neither file nor folder (a
pipe, a socket, a device) are no artifacts: they are counted as ignored, as files of no family are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from stat import S_ISREG
from typing import Final

from lineage_bridge.adapters.api import Adapter, Kind, Place, enters
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest.found import Found, Scan
from lineage_bridge.observe.quarantine import Rejected, rejected

# Of Python, Node, MLflow (its own store), macOS (in archives), Spark and Delta.
_OF_TOOLS: Final = re.compile(
    r"__pycache__|node_modules|mlruns.*|__MACOSX|_temporary|_delta_log|_spark_metadata"
)
_PASSING: Final = re.compile(
    r".*~|~\$.*|#.*#|.*\.(?:swp|swo|tmp|part|crdownload)|_SUCCESS", re.DOTALL | re.IGNORECASE
)


_Families = list[Adapter]
_Folder = tuple[str, tuple[str, ...], _Families]  # its path, the names down to it, who looks there


class Walk:
    """One root, walked for some families."""

    def __init__(self, root: str, families: Sequence[Adapter], result: Scan) -> None:
        self._root = root
        self._families = list(families)
        self._failed: set[str] = set()
        self._result = result

    def run(self) -> None:
        """Find every file below the root, or the one file that was named."""
        if os.path.isdir(self._root):  # noqa: PTH112 - paths are text here
            self._folders((self._root, (), self._families))
        elif os.path.isfile(self._root):  # noqa: PTH113 - same
            path, self._root = self._root, os.path.dirname(self._root)  # noqa: PTH120 - same
            name = path.rpartition("/")[2]
            self._take(path, Place(name.lower()), os.lstat(path), self._families)
        else:
            self._result.ignored["special file"] += 1

    def run_some(self, changed: Collection[str]) -> None:
        """Find the files among those that changed, and the main files of companions among them."""
        if not os.path.isdir(self._root):  # noqa: PTH112 - paths are text here
            if self._root in changed:
                self.run()
            return
        for path in sorted(changed):
            names = self._names_of(path)
            families = None if names is None else self._lookers(path, names)
            if names is None or not families:
                continue
            if self._take_enclosing(names, families):
                continue
            if os.path.isdir(path):  # noqa: PTH112
                self._folders((path, names, families))
            else:
                with suppress(FileNotFoundError):  # it is gone again
                    self._take_one(path, names, families)
            if names:
                self._take_mains(path, names[:-1], families)

    def _names_of(self, path: str) -> tuple[str, ...] | None:
        """Return the names from the root to a path; None if a walk would not come there."""
        root = self._root.rstrip("/")
        if path == self._root:
            return ()
        if not path.startswith(f"{root}/") or os.path.realpath(path) != path:
            return None
        return tuple(path[len(root) + 1 :].split("/"))

    def _lookers(self, path: str, names: Sequence[str]) -> _Families:
        """Return the families whose walk would come to a path."""
        families = self._families
        folders = names if os.path.isdir(path) else names[:-1]  # noqa: PTH112
        for name in folders:
            families = self._entering(name, families) if _is_of_tool(name) else families
            if _PASSING.fullmatch(name):
                return []
        if len(folders) < len(names) and _is_passing(names[-1]):
            return []
        return families

    def _take_enclosing(self, names: Sequence[str], families: _Families) -> bool:
        """Take the file that encloses what has these names from the root, if one does."""
        folder = self._root.rstrip("/")
        for depth in range(len(names)):
            found = self._enclosing(folder, tuple(names[:depth]), families)
            for entry, place in found:
                with suppress(FileNotFoundError):
                    self._take(entry.path, place, entry, families)
            if found:
                return True
            folder = f"{folder}/{names[depth]}"
        return False

    def _enclosing(
        self, folder: str, names: tuple[str, ...], families: _Families
    ) -> list[tuple[os.DirEntry[str], Place]]:
        found = []
        with suppress(OSError), os.scandir(folder or "/") as entries:
            for entry in entries:
                if _is_passing(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                place = Place(entry.name.lower(), names)
                if any(kind.encloses for _, kind in self._recognised(place, families)):
                    found.append((entry, place))
        return found

    def _take_one(self, path: str, names: Sequence[str], families: _Families) -> None:
        stat = os.lstat(path)
        if S_ISREG(stat.st_mode):
            self._take(path, Place(names[-1].lower(), tuple(names[:-1])), stat, families)

    def _take_mains(self, path: str, names: tuple[str, ...], families: _Families) -> None:
        """Take the files that a file is read together with; they lie in a folder near to it."""
        folder = path.rpartition("/")[0]
        near = [(folder, names)]
        if names:
            near.append((folder.rpartition("/")[0], names[:-1]))
        with suppress(OSError), os.scandir(folder) as entries:
            near += [(e.path, (*names, e.name)) for e in entries if e.is_dir(follow_symlinks=False)]
        for place, above in near:
            with suppress(OSError), os.scandir(place) as entries:
                for entry in entries:
                    if entry.path != path and entry.is_file(follow_symlinks=False):
                        self._take_main(entry, above, path, families)

    def _take_main(
        self, entry: os.DirEntry[str], names: tuple[str, ...], path: str, families: _Families
    ) -> None:
        place = Place(entry.name.lower(), names)
        kinds = [
            (adapter, kind)
            for adapter, kind in self._recognised(place, families)
            if any(_is_companion(entry.path, name, path) for name in kind.companions)
        ]
        if kinds:
            self._take(entry.path, place, entry, families)

    def _folders(self, start: _Folder) -> None:
        pending: list[_Folder] = [start]
        while pending:
            folder, names, families = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    pending += self._entries(entries, names, families)
            except OSError as exc:
                reason = f"cannot be listed: {exc.strerror or exc}"
                self._reject(folder, "folder", reason)

    def _entries(
        self, entries: Iterator[os.DirEntry[str]], names: tuple[str, ...], families: _Families
    ) -> list[_Folder]:
        """Take the files of a folder; return its folders, unless a file of it encloses them."""
        ignored, folders, before = self._result.ignored, [], len(self._result.found)
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                inside = self._inside(entry, names, families)
                folders += [(entry.path, (*names, name), inside)] if inside else []
            elif name[0] == ".":
                ignored["hidden"] += 1
            elif entry.is_symlink():
                ignored["link"] += 1
            elif _PASSING.fullmatch(name):
                ignored["temporary"] += 1
            elif entry.is_file(follow_symlinks=False):
                self._take_entry(entry, names, families)
            else:
                ignored["special file"] += 1
        enclosing = [one for one in self._result.found[before:] if one.sort.encloses]
        if enclosing:
            self._result.found[before:] = enclosing
            return []
        return folders

    def _inside(
        self, folder: os.DirEntry[str], names: tuple[str, ...], families: _Families
    ) -> _Families:
        """Return the families that look into a folder; it is ignored if none does."""
        name, ignored = folder.name, self._result.ignored
        if _is_of_tool(name):
            inside = self._entering(name, families)
            if not inside:
                ignored["hidden" if name[0] == "." else "folder of another tool"] += 1
            return inside
        if _PASSING.fullmatch(name):
            ignored["temporary"] += 1
            return []
        if "." in name:
            place = Place(name.lower(), names, is_folder=True)
            self._reject_folder(folder.path, place, families)
        return families

    def _take_entry(
        self, entry: os.DirEntry[str], names: tuple[str, ...], families: _Families
    ) -> None:
        try:
            self._take(entry.path, Place(entry.name.lower(), names), entry, families)
        except FileNotFoundError:
            return  # it was deleted during the walk

    def _take(
        self,
        path: str,
        place: Place,
        seen: os.DirEntry[str] | os.stat_result,
        families: _Families,
    ) -> None:
        kinds = self._recognised(place, families)
        if not kinds:
            self._result.ignored["of no family"] += 1
            return
        if not path.isprintable() and not _is_text(path):
            self._reject_name(path, kinds)
            return
        stat = seen if isinstance(seen, os.stat_result) else seen.stat(follow_symlinks=False)
        for adapter, kind in kinds:
            self._result.found.append(Found(adapter, kind, path, self._root, stat))

    def _reject_name(self, path: str, kinds: list[tuple[Adapter, Kind]]) -> None:
        """Reject a file whose name nothing can hold; one of rows may be anybody's."""
        shown = path.encode("utf-8", "backslashreplace").decode()
        is_alone = len(self._families) == 1
        families = [adapter.name for adapter, kind in kinds if kind.form != "rows" or is_alone]
        for family in families:
            self._reject(shown, family, "its name is not UTF-8; rename it")
        if not families:
            self._result.ignored["of no family"] += 1

    def _reject_folder(self, path: str, place: Place, families: _Families) -> None:
        kinds = self._recognised(place, families)
        if kinds and not _holds_parts(path):
            for adapter, _ in kinds:
                self._reject(path, adapter.name, "is a folder, expected a file")

    def _recognised(self, place: Place, families: _Families) -> list[tuple[Adapter, Kind]]:
        kinds = []
        for adapter in families:
            if adapter.name in self._failed:
                continue
            try:
                kind = adapter.recognise(place)
            except ArtifactError as exc:
                self._fail(adapter, exc)
                continue
            if kind is not None:
                kinds.append((adapter, kind))
        return kinds

    def _entering(self, folder: str, families: _Families) -> _Families:
        """Return the families that look into a folder of a tool's."""
        found = []
        for adapter in families:
            try:
                if adapter.name not in self._failed and enters(adapter, folder):
                    found.append(adapter)
            except ArtifactError as exc:
                self._fail(adapter, exc)
        return found

    def _fail(self, adapter: Adapter, exc: ArtifactError) -> None:
        """Go on without an adapter: it would fail at every file, and is said once."""
        self._result.rejected.append(rejected(self._root, adapter.name, exc))
        self._failed.add(adapter.name)

    def _reject(self, path: str, family: str, reason: str) -> None:
        self._result.rejected.append(Rejected(path, family, 0, None, reason))


def _is_of_tool(name: str) -> bool:
    return name.startswith(".") or _OF_TOOLS.fullmatch(name) is not None


def _is_passing(name: str) -> bool:
    return name.startswith(".") or _PASSING.fullmatch(name) is not None


def _is_companion(main: str, name: str, path: str) -> bool:
    """Tell whether a path is a companion of a file, or lies in a folder of companions."""
    of_main = os.path.normpath(f"{main.rpartition('/')[0]}/{name}")
    return path == of_main or (name.endswith("/") and path.startswith(f"{of_main}/"))


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
