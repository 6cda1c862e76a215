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

from lineage_bridge.adapters.api import Adapter, Kind, Place
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


class Walk:
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

    def run_some(self, changed: Collection[str]) -> None:
        """Find the files among those that changed, and the main files of companions among them."""
        if not os.path.isdir(self._root):  # noqa: PTH112 - paths are text here
            if self._root in changed:
                self.run()
            return
        for path in sorted(changed):
            names = self._names_of(path)
            if names is None:
                continue
            if os.path.isdir(path):  # noqa: PTH112
                self._folders(path, names)
            else:
                with suppress(FileNotFoundError):  # it is gone again
                    self._take_one(path, names)
            if names:
                self._take_mains(path, names[:-1])

    def _names_of(self, path: str) -> tuple[str, ...] | None:
        """Return the names from the root to a path; None if a walk would not come there."""
        root = self._root.rstrip("/")
        if path == self._root:
            return ()
        if not path.startswith(f"{root}/") or os.path.realpath(path) != path:
            return None
        names = tuple(path[len(root) + 1 :].split("/"))
        folders = names if os.path.isdir(path) else names[:-1]  # noqa: PTH112
        if any(map(_is_passing, names)) or any(map(_OF_TOOLS.fullmatch, folders)):
            return None
        return names

    def _take_one(self, path: str, names: Sequence[str]) -> None:
        stat = os.lstat(path)
        if S_ISREG(stat.st_mode):
            self._take(path, Place(names[-1].lower(), tuple(names[:-1])), stat)

    def _take_mains(self, path: str, names: tuple[str, ...]) -> None:
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
                        self._take_main(entry, above, path)

    def _take_main(self, entry: os.DirEntry[str], names: tuple[str, ...], path: str) -> None:
        place = Place(entry.name.lower(), names)
        kinds = [
            (adapter, kind)
            for adapter, kind in self._recognised(place)
            if any(_is_companion(entry.path, name, path) for name in kind.companions)
        ]
        if kinds:
            self._take(entry.path, place, entry)

    def _folders(self, start: str | None = None, names: tuple[str, ...] = ()) -> None:
        pending: list[tuple[str, tuple[str, ...]]] = [(start or self._root, names)]
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
