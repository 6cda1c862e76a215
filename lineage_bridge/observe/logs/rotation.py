"""Files that were renamed since they were read: what was read of them goes with them.

Whoever rotates a log gives its file another name and begins a new one under the old name. Such a
file is known by its inode, and by the bytes up to where it was read.
"""

from __future__ import annotations

from collections.abc import Sequence

from lineage_bridge.adapters.files import mark_of, open_file
from lineage_bridge.errors import ArtifactError
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors
from lineage_bridge.observe.logs.log_files import (
    KnownFile,
    add_files,
    list_files,
    rename_file,
)


def take_over(
    journal: Journal, files: Sequence[KnownFile], changed: Sequence[KnownFile]
) -> list[KnownFile]:
    """Give what was read of renamed files to their new names; return the files to read, in order.

    Files that grew come first, then new ones, oldest first: the one whose rows are older has a
    request that two of them hold.

    Args:
        journal: of the home.
        files: all that are known.
        changed: those that are not as they were read.
    """
    by_inode = {_inode(file): file for file in files if file.state.mark}
    renames = {}
    for file in changed:
        former = None if file.state.kind else by_inode.get(_inode_of(mark_of(file.path)))
        if former is not None and _is_renamed(former, file.path):
            renames[file.path] = former
    if not renames:
        return sorted(changed, key=_order)
    with journal.transaction() as tx:
        for path, former in renames.items():
            rename_file(tx.connection, former.number, path)
        add_files(tx.connection, [(f.path, f.state.cause) for f in renames.values()])
        now = list_files(tx.connection)
    asked = {file.path: file.state.asked for file in changed}
    again = [file for file in now if file.path in asked and file.state.mark != mark_of(file.path)]
    for file in again:
        file.state.asked = asked[file.path]
    return sorted(again, key=_order)


def _order(file: KnownFile) -> tuple[bool, int, str]:
    parts = mark_of(file.path).split(":")
    return file.state.kind is None, int(parts[1]) if len(parts) > 1 else 0, file.path


def _inode(file: KnownFile) -> str:
    """Return the inode that a file had when it was read."""
    cursor = file.state.cursor
    return str(cursor.inode) if cursor is not None else _inode_of(file.state.mark)


def _inode_of(mark: str) -> str:
    return mark.rpartition(":")[2]


def _is_renamed(former: KnownFile, path: str) -> bool:
    """Return whether a file is what was read under its former name."""
    if _inode_of(mark_of(former.path)) == _inode_of(mark_of(path)):
        return False  # it has both names
    cursor = former.state.cursor
    if cursor is None:
        return former.state.mark == mark_of(path)
    try:
        with open_file(path) as opened:
            return cursors.fingerprint(opened, cursor.offset) == cursor.fingerprint
    except ArtifactError:
        return False
