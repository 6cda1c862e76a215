"""Tell what is wrong with the files of a home, and give advice."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from stat import S_ISREG
from typing import Final

from lineage_bridge.errors import DamagedError, JournalError

WAY_OUT = (
    "`lineage-bridge journal export --salvage FILE` writes the events that can still be read, "
    "`lineage-bridge journal import FILE --home NEW` makes a new home of them."
)
DAMAGE_ADVICE = f"The file is damaged; `lineage-bridge journal verify` says where. {WAY_OUT}"
WRITER_ADVICE = (
    "This command has to write there, if only to bring up to date what is derived from the "
    "journal. If the folder is meant to be read-only, copy it and name the copy with `--home`."
)
READER_ADVICE = (
    "If the folder is read-only: what was written last still stands in `journal.db-wal`, which "
    "cannot be read there. Copy the folder and name the copy with `--home`."
)

EMPTY_ADVICE = (
    "It was never filled, or its log (`journal.db-wal`) was lost. `lineage-bridge backfill` fills "
    f"it; if events were in it, put a copy of the home back. {WAY_OUT}"
)
FOLDER_ADVICE = "A home is a folder; name one with `--home`."
REBUILD_ADVICE = "`lineage-bridge journal rebuild` makes it again."

NO_BODY: Final = "its row has no body"  # as when zeros were written over it
# SQLite's log needs memory that all who use it share, which the hosts of a network do not have.
_NETWORKS: Final = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "lustre"}
    | {"nfs", "nfs4", "smb3", "smbfs"}
)
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_NO_EVENTS: Final = "no such table: events"
# What SQLite says of some broken headers, under a code that stands for many other errors.
_DAMAGE_TEXTS: Final = (
    _NO_EVENTS,
    NO_BODY,
    "unsupported file format",
    "must use the same text encoding",
)
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


def check_files(journal: Path) -> None:
    """Refuse a journal that SQLite would take for a new one, and whose log it would delete.

    Args:
        journal: the path of its file.

    Raises:
        DamagedError: the file is empty or gone and something else tells that it had events, or a
            folder stands in the place of a file.
    """
    log = journal.with_name(f"{journal.name}-wal")
    for path in (journal, log):
        if path.is_dir():
            reason = f"`{path.name}` is a folder, and should be a file"
            raise DamagedError(
                f"Cannot open the journal `{journal}`: {reason}. Move it away.", reason
            )
    # In this order: whoever makes a new home writes the journal's first page before its log.
    if size_of(log):
        reason = "the file is empty, and its log is not"
    elif journal.exists() and size_of(journal.with_name("models.db")):
        reason = "the file is empty, though events were derived from it"
    else:
        return
    if not size_of(journal):
        raise damaged(journal, "open", reason)


def size_of(path: Path) -> int:
    """Return the size of a file, 0 if there is none: a log goes whenever its last user goes."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size if S_ISREG(found.st_mode) else 0


def damaged(journal: Path, verb: str, reason: str) -> DamagedError:
    """Make the error for a damaged journal."""
    advice = EMPTY_ADVICE if reason == _NO_EVENTS else DAMAGE_ADVICE
    return DamagedError(f"Cannot {verb} the journal `{journal}`: {reason}. {advice}", reason)


def derived_is_damaged(reason: object) -> JournalError:
    """Make the error for damage in what is derived, beside a sound journal."""
    return JournalError(f"What is derived from the journal is damaged: {reason}. {REBUILD_ADVICE}")


def is_sound(connection: sqlite3.Connection, file: str = "main") -> bool:
    """Return whether SQLite finds nothing wrong with one of the files that a connection reads."""
    try:
        return connection.execute(f"PRAGMA {file}.integrity_check(1)").fetchall() == [("ok",)]
    except sqlite3.Error:
        return False


def network_of(home: Path, mounts: str) -> str | None:
    """Return the network file system that a home is on, as far as Linux tells; None if on none.

    Args:
        home: the data folder; it need not be there yet.
        mounts: the content of `/proc/self/mountinfo` (proc(5) says what it has).
    """
    place = home.resolve()
    nearest, found = 0, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), before.split()[4]))
        if place.is_relative_to(point) and len(point.parts) >= nearest:
            nearest, found = len(point.parts), after.split()[0]
    return found if found in _NETWORKS else None


def no_journal(home: Path) -> JournalError:
    """Make the error for a folder that was named as a home, and is none."""
    return JournalError(
        f"There is no journal in `{home}`. Run `lineage-bridge backfill` first, "
        "or name another data folder with `--home`."
    )


def advice_on(exc: Exception, *, readonly: bool) -> str:
    """Return advice for the user on an error of a database file that is not damaged."""
    if isinstance(exc, FileExistsError | NotADirectoryError):
        return FOLDER_ADVICE
    if is_unwritable(exc):
        return READER_ADVICE if readonly else WRITER_ADVICE
    return "Check that the folder can be written and that the disk has room."


def is_damage(exc: BaseException | None) -> bool:
    """Return whether an error means that the file itself is broken."""
    return _primary_code(exc) in _DAMAGE or any(text in str(exc) for text in _DAMAGE_TEXTS)


def is_unwritable(exc: BaseException | None) -> bool:
    """Return whether an error means that the file or its folder does not permit the operation."""
    return isinstance(exc, OSError) or _primary_code(exc) in _UNWRITABLE


def _primary_code(exc: BaseException | None) -> int | None:
    code = getattr(exc, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the other bits are details of the same error
