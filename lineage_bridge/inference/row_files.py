"""Files of rows, read one row at a time: JSON lines, compressed or not, and parquet."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final, Protocol, cast

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lineage_bridge.adapters.documents import parse_object
from lineage_bridge.adapters.lines import HEAD_BYTES, MAX_LINE_BYTES, LineReader, format_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.profiles.parquet import ParquetSource

_BOM: Final = b"\xef\xbb\xbf"
MOST_LISTED: Final = 1_000  # rejected rows of one file; all are counted


class Rejections:
    """Rows that cannot be read: all are counted, the first ones are listed."""

    def __init__(self) -> None:
        self._listed: list[ArtifactError] = []
        self.by_field: Counter[str] = Counter()

    def add(self, error: ArtifactError, line: int | None) -> None:
        """Reject the row on a line."""
        self.by_field[error.field or "row"] += 1
        if len(self._listed) < MOST_LISTED:
            self._listed.append(ArtifactError(error.reason, field=error.field, line=line))

    def in_order(self) -> list[ArtifactError]:
        """List those that are listed, by their lines."""
        return sorted(self._listed, key=lambda error: error.line or 0)

    def take(self) -> Rejections:
        """Return all of them, and forget them."""
        taken = Rejections()
        taken._listed, self._listed = self._listed, []
        taken.by_field, self.by_field = self.by_field, Counter()
        return taken

    @property
    def total(self) -> int:
        """How many there are."""
        return self.by_field.total()


class RowFile(Protocol):
    """A file of rows, each of which has a number from 1."""

    def rows(
        self, rejected: Rejections, members: Collection[str] | None = None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read all rows from the first one.

        Args:
            rejected: takes what is no row.
            members: names of the members that are needed; None: all are.

        Raises:
            ArtifactError: the file as a whole cannot be read.
        """
        ...

    def reject(self) -> None:
        """Note that one of the last rows is rejected: it is looked at again if the file grows."""
        ...


def row_file(file: BinaryIO, *, may_be_csv: bool = False) -> RowFile:
    """Return the rows of an open file, by what it is.

    Args:
        file: stays open.
        may_be_csv: whether text that is no JSON lines is read as CSV with a header.

    Raises:
        ArtifactError: it is damaged as a compressed file.
    """
    if is_parquet(file):
        return ParquetRows(file)
    is_csv = may_be_csv and not is_json_rows(file)
    stream = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if is_packed(file) else file
    return CsvRows(stream) if is_csv else JsonRows(stream)


def is_packed(file: BinaryIO) -> bool:
    """Return whether an open file is compressed, by its first bytes."""
    return _kind(file) == "gzip"


def is_parquet(file: BinaryIO) -> bool:
    """Return whether an open file is parquet, by its first bytes."""
    return _kind(file) == "Parquet"


def is_json_rows(file: BinaryIO) -> bool:
    """Return whether an open file has JSON lines in it, by its first bytes."""
    if is_packed(file):
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                head = stream.read(HEAD_BYTES)
        except _DAMAGED as exc:
            raise _damaged(exc) from exc
    else:
        file.seek(0)
        head = file.read(HEAD_BYTES)
    file.seek(0)
    return head.removeprefix(_BOM).lstrip().startswith(b"{")


def head_of(file: RowFile, count: int, values: int) -> list[dict[str, Any]]:
    """Read the first rows, as many as together have no more than so many values; at least one."""
    head: list[dict[str, Any]] = []
    for _, row in islice(file.rows(Rejections()), count):
        values -= values_in(row)
        if head and values < 0:
            break
        head.append(row)
    return head


def values_in(row: dict[str, Any]) -> int:
    """Count the members of a row, and those of the objects in it."""
    return len(row) + sum(len(value) for value in row.values() if isinstance(value, dict))


class JsonRows:
    """One JSON object on each line.

    Attributes:
        reader: of the lines, which knows how far they were read.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.reader = LineReader(stream)
        self._next: LineReader | None = None

    def go_on_with(self, reader: LineReader) -> None:
        """Let the next reading begin elsewhere than at the first line."""
        self._next = reader

    def reject(self) -> None:
        """Note that the last row is rejected."""
        self.reader.reject()

    def rows(
        self,
        rejected: Rejections,
        members: Collection[str] | None = None,  # noqa: ARG002 - a line is read as a whole
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read all rows; a last line that is not finished is rejected as such."""
        reader = self.reader = self._next or LineReader(self._stream)
        self._next = None
        lines = iter(reader)
        while True:
            try:
                number, text = next(lines, (0, b""))
            except _DAMAGED as exc:
                raise _damaged(exc) from exc
            if not number:
                break
            if text:
                try:
                    yield number, _object(text)
                except ArtifactError as exc:
                    rejected.add(exc, number)
                    reader.reject()
        for problem in reader.problems:
            rejected.add(problem, problem.line)


class CsvRows:
    """Comma-separated text, of which the first line names the columns; an empty cell is null."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def reject(self) -> None:
        """Do nothing: the file is never read on."""

    def rows(
        self,
        rejected: Rejections,
        members: Collection[str] | None = None,  # noqa: ARG002 - a line is read as a whole
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read all rows; one that has not a cell for each column is rejected."""
        self._stream.seek(0)
        header: list[str] | None = None
        lines = csv.reader(self._text(), strict=True)
        while True:
            try:
                cells = next(lines, None)
            except csv.Error as exc:
                rejected.add(ArtifactError(f"is not CSV: {exc}"), lines.line_num)
                continue
            except _DAMAGED as exc:
                raise _damaged(exc) from exc
            if cells is None:
                return
            if header is None:
                header = cells
            elif len(cells) == len(header):
                row = dict(zip(header, cells, strict=True))
                yield lines.line_num, row if all(cells) else {n: c for n, c in row.items() if c}
            elif cells:
                reason = f"expected {len(header)} cells, found {len(cells)}"
                rejected.add(ArtifactError(reason), lines.line_num)

    def _text(self) -> Iterator[str]:
        while line := self._stream.readline(MAX_LINE_BYTES):
            yield line.removeprefix(_BOM).decode("utf-8", "backslashreplace").replace("\0", "\\0")


class ParquetRows:
    """The rows of a parquet file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def reject(self) -> None:
        """Do nothing: the file is never read on."""

    def rows(
        self,
        rejected: Rejections,  # noqa: ARG002 - what is in a parquet file is a row
        members: Collection[str] | None = None,
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read all rows, of which the numbers are their places in the file."""
        self._file.seek(0)
        number = 0
        for count, columns in ParquetSource(self._file).bites():
            needed = {n: c for n, c in columns.items() if members is None or n in members}
            values = [_values(_plain(column)) for column in needed.values()]
            names = [*needed]
            if not names:
                yield from ((number + row, {}) for row in range(1, count + 1))
            for row, of_row in enumerate(zip(*values, strict=True), number + 1):
                yield row, dict(zip(names, of_row, strict=True))
            number += count


def _plain(column: Any) -> Any:
    """Make nanoseconds microseconds, which is what Python's times can hold."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)
    return column


def _values(column: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):  # a time that no calendar of Python has
        values = [_value(scalar) for scalar in column]
    return values


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return f"beyond the years 1 to 9999: {scalar.value} ({scalar.type})"


def _object(text: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        # Python writes NaN and Infinity, which JSON does not know.
        if b"NaN" not in text and b"Infinity" not in text:
            raise ArtifactError(f"is not JSON: {exc.msg}") from exc
        return parse_object(text)
    if not isinstance(row, dict):
        raise ArtifactError("expected a JSON object")
    return row


def _kind(file: BinaryIO) -> str | None:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return format_of(head)


_DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error)


def _damaged(error: Exception) -> ArtifactError:
    return ArtifactError(f"is damaged, or not finished, as a gzip file: {error}")
