"""Tell what is wrong with a database file, and give advice."""

from __future__ import annotations

import sqlite3

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

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


def advice_on(exc: Exception, *, readonly: bool) -> str:
    """Return advice for the user on an error of a database file."""
    if is_damage(exc):
        return DAMAGE_ADVICE
    if is_unwritable(exc):
        return READER_ADVICE if readonly else WRITER_ADVICE
    return "Check that the folder can be written and that the disk has room."


def is_damage(exc: BaseException | None) -> bool:
    """Return whether an error means that the file itself is broken."""
    return _primary_code(exc) in _DAMAGE


def is_unwritable(exc: BaseException | None) -> bool:
    """Return whether an error means that the file or its folder does not permit the operation."""
    return isinstance(exc, OSError) or _primary_code(exc) in _UNWRITABLE


def _primary_code(exc: BaseException | None) -> int | None:
    code = getattr(exc, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the other bits are details of the same error
