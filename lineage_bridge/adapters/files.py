"""The one door to files: whatever is read of an artifact was opened here.

The folder that the user named may be a link. Below it no link is followed, neither a file nor a
folder on the way, so nothing outside of the named folder is read. Only a regular file is opened,
and what was opened is looked at once more, so what is read is what was checked, whoever swaps files
meanwhile. Opening never waits: a pipe without a writer is refused like any other special file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from lineage_bridge.errors import ArtifactError

MAX_BYTES: Final = 16 * 1024 * 1024  # of a file that is read as a whole
MAX_ENTRIES: Final = 10_000  # of a folder that is read together with a file
MAX_DEPTH: Final = 10  # of folders in such a folder

_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
# Where the system has it, a folder is passed through without the right to list it.
_NAMED_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER: Final = _NAMED_FOLDER | os.O_NOFOLLOW
_KINDS: Final = (
    (stat.S_ISLNK, "is a link, which is not followed: name the folder that it leads to"),
    (stat.S_ISDIR, "is a folder, expected a file"),
    (stat.S_ISFIFO, "is a pipe, expected a file"),
    (stat.S_ISSOCK, "is a socket, expected a file"),
)


def open_file(path: str, root: str = "/") -> BinaryIO:
    """Open a regular file for reading bytes.

    Args:
        path: absolute, below the root.
        root: a folder that may be reached by links; below it none is followed.

    Raises:
        ArtifactError: it is no regular file, lies behind a link, or cannot be opened.
    """
    try:
        return _opened(path, root)
    except OSError as exc:
        raise unreadable(exc) from exc


def read_file(path: str, root: str = "/", *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a whole file.

    Raises:
        ArtifactError: as `open_file`, or the file is too large.
    """
    with open_file(path, root) as file:
        return read_bounded(file, max_bytes)


def read_if_there(path: str, root: str, *, max_bytes: int = MAX_BYTES) -> bytes | None:
    """Read a whole file, as `read_file`; None if there is nothing of that name."""
    try:
        file = _opened(path, root)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise unreadable(exc) from exc
    with file:
        return read_bounded(file, max_bytes)


def read_bounded(file: BinaryIO, max_bytes: int) -> bytes:
    """Read an open file to its end.

    Raises:
        ArtifactError: it cannot be read, or has more bytes than that.
    """
    try:
        content = file.read(max_bytes + 1)
    except OSError as exc:
        raise unreadable(exc) from exc
    if len(content) > max_bytes:
        raise ArtifactError(f"is larger than {_size(max_bytes)}, expected a small one")
    return content


def list_files(folder: str, root: str = "/") -> list[str]:
    """List the names of the regular files in a folder, sorted; none if there is no such folder.

    Raises:
        ArtifactError: it is no folder, lies behind a link, holds too much, or cannot be listed.
    """
    return _listed(folder, root, lambda entry: entry.is_file(follow_symlinks=False))


def list_folders(folder: str, root: str = "/") -> list[str]:
    """List the names of the folders in a folder; as `list_files`."""
    return _listed(folder, root, lambda entry: entry.is_dir(follow_symlinks=False))


def _listed(folder: str, root: str, wanted: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    try:
        opened = _folder_of(f"{folder}/.", root)
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise unreadable(exc) from exc
    try:
        listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=opened)
        try:
            with os.scandir(listing) as entries:
                found = (e.name for e in entries if wanted(e))
                names = list(islice(found, MAX_ENTRIES + 1))
        finally:
            os.close(listing)
    except OSError as exc:
        raise unreadable(exc) from exc
    finally:
        os.close(opened)
    if len(names) > MAX_ENTRIES:
        raise ArtifactError(f"holds more than {MAX_ENTRIES:,} files")
    return sorted(names)


class Inside(NamedTuple):
    """A file in a folder that is read as a whole.

    Attributes:
        name: from the folder on, with `/` between names.
        content: its bytes, or why they cannot be read.
    """

    name: str
    content: bytes | ArtifactError


def read_folder(folder: str, root: str = "/", *, max_bytes: int = MAX_BYTES) -> list[Inside]:
    """Read all regular files in a folder and in the folders of it, each folder in no order.

    Links, hidden files, and what is neither file nor folder are passed over.

    Args:
        folder: absolute, below the root; nothing comes of one that is not there.
        root: as for `open_file`.
        max_bytes: of one file.

    Raises:
        ArtifactError: it is no folder, lies behind a link, holds too much, or cannot be listed.
    """
    try:
        opened = _folder_of(f"{folder}/.", root)
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise unreadable(exc) from exc
    try:
        return _inside(opened, "", max_bytes, MAX_ENTRIES, MAX_DEPTH)
    except OSError as exc:
        raise unreadable(exc) from exc
    finally:
        os.close(opened)


def _inside(folder: int, above: str, max_bytes: int, left: int, depth: int) -> list[Inside]:
    listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    found, folders = [], []
    try:
        with os.scandir(listing) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    continue
                if entry.is_file(follow_symlinks=False):
                    content = _content_in(listing, name, max_bytes)
                    if content is not None:
                        found.append(Inside(above + name, content))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                if len(found) + len(folders) > left:
                    raise ArtifactError(f"holds more than {MAX_ENTRIES:,} files")
        for name in folders if depth else ():
            inner = os.open(name, _FOLDER, dir_fd=listing)
            try:
                inside = f"{above}{name}/"
                found += _inside(inner, inside, max_bytes, left - len(found), depth - 1)
            finally:
                os.close(inner)
    finally:
        os.close(listing)
    return found


def _content_in(folder: int, name: str, max_bytes: int) -> bytes | ArtifactError | None:
    """Read a file of an open folder; None if it is gone by now."""
    try:
        opened = os.open(name, _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as exc:
        return unreadable(exc)
    try:
        seen = os.fstat(opened)
        if not stat.S_ISREG(seen.st_mode):
            _check(seen)
        if seen.st_size > max_bytes:
            return ArtifactError(f"is larger than {_size(max_bytes)}, expected a small one")
        return os.read(opened, seen.st_size)
    except ArtifactError as exc:
        return exc
    except OSError as exc:
        return unreadable(exc)
    finally:
        os.close(opened)


def mark_of(path: str) -> str:
    """Return size, time of change and inode of whatever has the name, `-` if nothing has."""
    try:
        return mark_of_stat(os.lstat(path))
    except OSError:
        return "-"


def mark_of_stat(found: os.stat_result) -> str:
    """Return a file's size, time of change and inode: they change when its content does."""
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def unreadable(error: OSError) -> ArtifactError:
    """Explain why the system does not let a file be read."""
    return ArtifactError(f"cannot be read: {error.strerror or error}")


def _opened(path: str, root: str) -> BinaryIO:
    folder = _folder_of(path, root)
    try:
        name = path.rpartition("/")[2]
        # Opening a device may already do something, so it is looked at before.
        _check(os.stat(name, dir_fd=folder, follow_symlinks=False))
        opened = os.open(name, _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _check(os.fstat(opened))
        return os.fdopen(opened, "rb")
    except BaseException:
        os.close(opened)
        raise


def _check(found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    reasons = (reason for is_kind, reason in _KINDS if is_kind(found.st_mode))
    raise ArtifactError(next(reasons, "is a device, expected a file"))


def _folder_of(path: str, root: str) -> int:
    """Open the folder that a file lies in, step by step from the root."""
    below = path.removeprefix(root.rstrip("/") + "/")
    *folders, name = below.split("/")
    if below == path or ".." in (*folders, name):
        raise ArtifactError("lies outside of the folder that was named")
    current = os.open(root, _NAMED_FOLDER)
    try:
        for name in folders:
            if name:
                inner = _entered(name, current)
                os.close(current)
                current = inner
    except BaseException:
        os.close(current)
        raise
    return current


def _entered(name: str, folder: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        if not stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise
        reason = f"lies behind the link {Path(name).name!r}, which is not followed"
        raise ArtifactError(f"{reason}: name the folder that it leads to") from None


def _size(count: int) -> str:
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count:,} bytes"
