"""The files of one instance: lines that are there as a whole, or not at all.

Each instance has a folder of its own, laid out as the serving layer (P5) lays out its own, so no
two processes write one file.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from io import FileIO
from pathlib import Path


class InstanceFiles:
    """Where an instance writes.

    Args:
        root: of the service; each instance has a folder in it.
        instance: its id.
    """

    def __init__(self, root: Path, instance: str) -> None:
        self._root = root / instance

    def windows(self, start: datetime) -> Path:
        """The file of the windows of a minute."""
        return self._root / f"metrics/{start:%Y-%m-%d}/{start:%H}/metrics_{start:%M}.jsonl"

    def events(self, at: datetime) -> Path:
        """The file of the starts of a day."""
        return self._root / f"events/{at:%Y-%m-%d}/deployment_events.jsonl"

    def log(self, at: datetime) -> Path:
        """The inference log of an hour."""
        return self._root / f"inference_log/{at:%Y-%m-%d}/inference_{at:%H}.jsonl"


def append(path: Path, lines: bytes) -> None:
    """Append lines; a file of which only a part could be written is cut back.

    Raises:
        OSError: they are not in the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and _last_byte(file) != b"\n":
            lines = b"\n" + lines  # a process of this id was killed while it wrote
        try:
            _write_all(file, lines)
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            raise


def _last_byte(file: FileIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _write_all(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
