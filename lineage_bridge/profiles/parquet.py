"""Parquet as a source: a row group at a time or less, never a whole column of a large file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from lineage_bridge.errors import ArtifactError
from lineage_bridge.profiles.footers import footer_bytes
from lineage_bridge.profiles.sources import rows_a_bite

_BUFFER_BYTES: Final = 2**20  # of a column that is being read; else a whole row group of it


class ParquetSource:
    """The rows of a parquet file.

    Args:
        file: at any place; it stays open.

    Raises:
        ArtifactError: it is no parquet file, or its footer cannot be read or is too long.
    """

    def __init__(self, file: BinaryIO) -> None:
        footer_bytes(file)
        file.seek(0)
        with _readable("is no parquet file"):
            metadata = pq.read_metadata(file)
            schema = metadata.schema.to_arrow_schema()
            file.seek(0)
            self._file = pq.ParquetFile(
                file,
                metadata=metadata,
                pre_buffer=False,
                buffer_size=_BUFFER_BYTES,
                # A text that is stored once stays one, however many rows have it.
                read_dictionary=[field.name for field in schema if _is_text(field.type)],
                # Without this, dates of int96 beyond the year 2262 wrap around.
                coerce_int96_timestamp_unit="us",
            )
            schema = self._file.schema_arrow
        self.types: dict[str, Any] = {}
        twice: set[str] = set()
        for field in schema:
            if field.name in self.types:
                twice.add(field.name)
            self.types.setdefault(field.name, field.type)
        self.notes = frozenset(
            f"`{name}` names several columns; the first is read" for name in twice
        )
        self._rows_a_bite = rows_a_bite(len(self.types), _bytes_a_row(metadata))

    def bites(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read some rows at a time.

        Raises:
            ArtifactError: a part of the file is damaged, or encoded in a way that is not known.
        """
        batches = self._file.iter_batches(batch_size=self._rows_a_bite)
        while True:
            with _readable("cannot be read to its end"):
                batch = next(batches, None)
            if batch is None:
                return
            columns: dict[str, Any] = {}
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                columns.setdefault(name, column)
            yield batch.num_rows, columns


def _bytes_a_row(metadata: pq.FileMetaData) -> int:
    """Return how many bytes a row has in the row group where they are most."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    return max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)


def _is_text(kind: Any) -> bool:
    return any(is_one(kind) for is_one in (types.is_string, types.is_binary))


@contextmanager
def _readable(what: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise ArtifactError(f"{what}: {(why.splitlines() or [''])[0]}") from exc
