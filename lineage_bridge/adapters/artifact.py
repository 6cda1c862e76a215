"""An artifact as an adapter gets it: a file, or one line of it, with what may be read beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from posixpath import normpath
from typing import BinaryIO

from lineage_bridge.adapters import files
from lineage_bridge.adapters.api import Kind
from lineage_bridge.adapters.servers import Login, Server
from lineage_bridge.records import Source


@dataclass(slots=True)
class Artifact:
    """A file that was recognised, or one line of it.

    Attributes:
        family: the adapter's name.
        kind: what it was recognised as.
        path: of the file, absolute; of a server its URL.
        root: the folder that the user named; nothing outside of it can be read.
        line: counted from 1, of a file that is read by lines.
        text: the line, without its end.
    """

    family: str
    kind: Kind
    path: str
    root: str
    line: int | None = None
    text: bytes = b""
    _sha256: str | None = field(default=None, init=False)
    _seen: os.stat_result | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders that it lies in, the innermost last."""
        return tuple(part for part in self.path.split("/")[:-1] if part)

    @property
    def shown(self) -> str:
        """The path relative to the named folder."""
        return shown_path(self.path, self.root)

    @property
    def source(self) -> Source:
        """Where its records were found, with the hash of its content if that was read."""
        return Source(self.family, self.path, self.shown, self._sha256, self.line)

    def content(self, *, max_bytes: int = files.MAX_BYTES) -> bytes:
        """Read the whole file, or return the line.

        Raises:
            ArtifactError: it cannot be read, or is too large.
        """
        if self.line is not None:
            return self.text
        with self.opened() as file:
            content = files.read_bounded(file, max_bytes)
        self._sha256 = sha256(content).hexdigest()
        return content

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file, for a format that is read in parts.

        Raises:
            ArtifactError: it is no regular file, or cannot be opened.
        """
        with files.open_file(self.path, self.root) as file:
            self._seen = os.fstat(file.fileno())
            yield file

    @property
    def size(self) -> int:
        """The file's bytes, as of its last opening."""
        return self._stat().st_size

    @property
    def modified(self) -> datetime:
        """The file's own time, as of its last opening."""
        return datetime.fromtimestamp(self._stat().st_mtime, tz=UTC)

    def companion(self, name: str, *, max_bytes: int = files.MAX_BYTES) -> bytes | None:
        """Read a file that lies beside this one, or in a folder beside it; None if it is not there.

        Raises:
            ArtifactError: it is no regular file, cannot be read, or is too large.
        """
        return files.read_if_there(self._beside(name), self.root, max_bytes=max_bytes)

    def server(self, login: Login) -> Server:
        """Return the server that it is, to be asked within a `with`."""
        return Server(self.path, login)

    def folder(self, name: str, *, max_bytes: int = files.MAX_BYTES) -> list[files.Inside]:
        """Read all files in a folder beside this one and below it; none if it is not there.

        Raises:
            ArtifactError: it is no folder, holds too much, or cannot be listed.
        """
        return files.read_folder(self._beside(name), self.root, max_bytes=max_bytes)

    def folders_in(self, folder: str) -> list[str]:
        """List the names of the folders in a folder beside this one; none if it is not there.

        Raises:
            ArtifactError: it is no folder, or cannot be listed.
        """
        return files.list_folders(self._beside(folder), self.root)

    def companions(self, folder: str) -> list[str]:
        """List the files in a folder beside this one, as names for `companion`.

        Raises:
            ArtifactError: it is no folder, or cannot be listed.
        """
        inside = folder.rstrip("/")
        return [f"{inside}/{name}" for name in files.list_files(self._beside(inside), self.root)]

    def _beside(self, name: str) -> str:
        return _beside(self.path, name)

    def _stat(self) -> os.stat_result:
        if self._seen is None:
            with self.opened():
                pass
        assert self._seen is not None
        return self._seen


def shown_path(path: str, root: str) -> str:
    """Return a path relative to the folder that was named."""
    return path.removeprefix(root.rstrip("/") + "/")


def places(path: str, kind: Kind) -> list[str]:
    """List the files, and folders of files, that are read together."""
    return [path, *(_beside(path, name) for name in kind.companions)]


def _beside(path: str, name: str) -> str:
    """Return the path of a companion; `..` in it goes up, and the door says how far it may."""
    return normpath(f"{path.rpartition('/')[0]}/{name}")


def fingerprint(path: str, kind: Kind, seen: os.stat_result | None = None) -> str:
    """Return size, time of change and inode of all files that are read together."""
    own = files.mark_of_stat(seen) if seen is not None else files.mark_of(path)
    if not kind.companions:
        return own
    folder = path.rpartition("/")[0]
    marks = (_companion_mark(f"{folder}/{name}") for name in kind.companions)
    return "|".join((own, *marks))


def _companion_mark(path: str) -> str:
    if not path.endswith("/"):
        return files.mark_of(path)
    try:
        with os.scandir(path) as entries:
            found = sorted(
                (e.name, files.mark_of_stat(e.stat(follow_symlinks=False))) for e in entries
            )
    except OSError:
        return "-"
    return sha256(repr(found).encode("utf-8", "surrogateescape")).hexdigest()[:16]
