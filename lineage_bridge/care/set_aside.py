"""Lines of an import that are no events: kept as they are in one file, with the reasons in another.

The first file can be mended and imported. Both appear with the first such line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

import orjson

from lineage_bridge.errors import ArtifactError

REASONS = ".reasons"  # ends the name of the file with the line numbers and reasons, one JSON a line
SHOWN = 10


class SetAside:
    """Sets lines aside. Close it when done.

    Args:
        paths: where the lines may go: into the first of these files that is not there yet.

    Attributes:
        path: the file; None as long as it has no line.
        count: how many lines it has.
        problems: the first of the reasons, each with its line's number.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.path: Path | None = None
        self.count = 0
        self.problems: list[str] = []
        self._paths = paths
        self._lines: BinaryIO | None = None
        self._reasons: BinaryIO | None = None
        self._files = ExitStack()

    def put(self, number: int, reason: str, parts: Iterable[bytes]) -> None:
        """Set a line aside.

        Args:
            number: of the line, from 1.
            reason: why it is no event.
            parts: the line without its end, which may be too long for memory.

        Raises:
            ArtifactError: a file cannot be written, or each of the paths is in use.
        """
        try:
            self._write(number, reason, parts)
        except OSError as exc:
            place = self.path or "the lines that are no events"
            raise ArtifactError(f"Cannot write `{place}`: {exc.strerror or exc}.") from exc
        self.count += 1
        if len(self.problems) < SHOWN:
            self.problems.append(f"line {number}: {reason}")

    def _write(self, number: int, reason: str, parts: Iterable[bytes]) -> None:
        if self._lines is None or self._reasons is None:
            self._lines, self._reasons = self._opened()
        for part in parts:
            self._lines.write(part)
        self._lines.write(b"\n")
        self._reasons.write(orjson.dumps({"line": number, "reason": reason}) + b"\n")

    def _opened(self) -> tuple[BinaryIO, BinaryIO]:
        for path in self._paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lines = self._files.enter_context(path.open("xb"))
            except FileExistsError:
                continue
            self.path = path
            reasons = path.with_name(path.name + REASONS)
            return lines, self._files.enter_context(reasons.open("wb"))
        raise ArtifactError(
            "The file for lines that are no events is there already; it may hold those of an "
            "earlier import. Name another one with `--rejected`."
        )

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_paths(folder: Path, name: str) -> Iterator[Path]:
    """Yield paths for a file in a folder: with its name, then with a number behind it."""
    path = folder / name
    yield path
    number = 1
    while True:
        number += 1
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")
