"""Which window files, and which of their lines, have windows of which deployments.

To judge a deployment anew, only these are read. Each deployment has a number, and each file a bit
for each number. A file that was read before this was kept has none, and may have windows of any
deployment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving.state import Saving

_FILES = (
    "SELECT f.path, w.slots FROM scanned_files f LEFT JOIN window_files w ON w.path = f.path"
    " ORDER BY f.path"
)


_MOST_NAMES = 8  # to look for more of them in a line takes longer than to decode it


class FileSlots:
    """The deployments of each file that is read; they are saved with its cursor."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._numbers = _load_numbers(connection)
        self._new: list[tuple[int, str, str, str]] = []
        self._files: dict[str, int] = {}

    def put(self, path: str, slots: Iterable[Slot], before: int = 0) -> None:
        """Note the deployments of a file, besides those that it was known to have."""
        bits = before
        for slot in slots:
            bits |= 1 << self._number(slot)
        self._files[path] = bits

    def _number(self, slot: Slot) -> int:
        number = self._numbers.get(slot)
        if number is None:
            number = self._numbers[slot] = len(self._numbers)
            self._new.append((number, slot.service, slot.environment, slot.deployment))
        return number

    def saving(self) -> Saving | None:
        """Return a function that saves what was noted since the last call; None if nothing was."""
        if not self._files:
            return None
        files = [(path, _bytes_of(bits)) for path, bits in self._files.items()]
        save = partial(_save, slots=self._new, files=files)
        self._new, self._files = [], {}
        return save


class LineFilter:
    """Finds the lines that may be windows of some deployments.

    JSON may spell any character of a name with a backslash: a line that has one may be of any.
    """

    def __init__(self, slots: Collection[Slot]) -> None:
        names = {slot.deployment.encode() for slot in slots}
        self._names = None if len(names) > _MOST_NAMES else tuple(names)

    def may_be(self, line: bytes) -> bool:
        """Return whether a line may be a window of one of the deployments."""
        names = self._names
        if names is None or b"\\" in line:
            return True
        for name in names:  # noqa: SIM110 - `any` costs more than looking
            if name in line:
                return True
        return False


def bits_of(connection: sqlite3.Connection, path: str) -> int | None:
    """Return the deployments of a file; None if they are not known."""
    query = "SELECT slots FROM window_files WHERE path = ?"
    row = connection.execute(query, (path,)).fetchone()
    return None if row is None else int.from_bytes(row[0], "little")


def files_of(
    connection: sqlite3.Connection, slots: Collection[Slot]
) -> Mapping[str, Collection[Slot] | None]:
    """Return the files that were read and have windows of deployments, with these deployments.

    Of a file whose deployments are not known, the value is None.
    """
    numbers = _load_numbers(connection)
    bits = {slot: 1 << numbers[slot] for slot in slots if slot in numbers}
    wanted = sum(bits.values())
    found: dict[str, Collection[Slot] | None] = {}
    for path, known in connection.execute(_FILES):
        if known is None:
            found[path] = None
            continue
        held = int.from_bytes(known, "little")
        if held & wanted:
            found[path] = [slot for slot, bit in bits.items() if held & bit]
    return found


def _load_numbers(connection: sqlite3.Connection) -> dict[Slot, int]:
    rows = connection.execute("SELECT number, service, environment, deployment FROM window_slots")
    return {Slot(*names): number for number, *names in rows}


def _bytes_of(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def _save(
    connection: sqlite3.Connection,
    slots: Iterable[tuple[int, str, str, str]],
    files: Iterable[tuple[str, bytes]],
) -> None:
    connection.executemany("INSERT OR REPLACE INTO window_slots VALUES (?, ?, ?, ?)", slots)
    connection.executemany("INSERT OR REPLACE INTO window_files VALUES (?, ?)", files)
