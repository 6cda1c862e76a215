"""The footer of a parquet file: schema, metadata, counts and statistics, never its rows.

All of it is bounded before it is parsed: a footer is as large as its writer wants.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import MAX_TEXT_CHARACTERS, check_lengths, check_number
from lineage_bridge.errors import ArtifactError
from lineage_bridge.profiles.footers import TAIL_BYTES, footer_bytes
from lineage_bridge.records import Column

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MAX_METADATA_KEYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Footer:
    """What a parquet file says of itself.

    Attributes:
        parsed: as pyarrow has it.
        schema: the schema in Arrow's types.
        metadata: the texts by key, of those keys that are wanted.
        not_utf8: keys whose values are no text; they are empty in `metadata`.
        sha256: over the footer and the file's size.
    """

    parsed: pq.FileMetaData
    schema: Any
    metadata: Mapping[str, str]
    not_utf8: tuple[str, ...]
    sha256: str

    @property
    def rows(self) -> int:
        """The number of rows."""
        count: int = self.parsed.num_rows
        return count

    def columns(self) -> tuple[Column, ...]:
        """List the columns with their null counts; of several of one name the first.

        Raises:
            ArtifactError: there are too many, or a name is too long.
        """
        from pyarrow.types import is_nested

        check_number("columns", len(self.schema.names))
        check_lengths({"schema": max(self.schema.names, key=len, default="")})
        nulls = self._null_counts()
        flat = self.parsed.num_columns == len(self.schema.names)
        seen: dict[str, Column] = {}
        for index, field in enumerate(self.schema):
            # Of a list, the statistics count what is null or nothing in the lists.
            count = nulls[index] if flat and not is_nested(field.type) else None
            seen.setdefault(field.name, Column(field.name, _type_name(field.type), count))
        return tuple(seen.values())

    def _null_counts(self) -> list[int | None]:
        counts: list[int | None] = [0] * self.parsed.num_columns
        for group in range(self.parsed.num_row_groups):
            chunks = self.parsed.row_group(group)
            for index in range(self.parsed.num_columns):
                statistics = chunks.column(index).statistics
                before = counts[index]
                if before is None or statistics is None or not statistics.has_null_count:
                    counts[index] = None
                else:
                    counts[index] = before + statistics.null_count
        return counts


def read_footer(artifact: Artifact, wanted: frozenset[str]) -> Footer:
    """Read the footer of a parquet file.

    Args:
        artifact: the file.
        wanted: the keys of the metadata that are read; the others may have any length.

    Raises:
        ArtifactError: the file is no parquet file, or its footer is beyond a bound.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with artifact.opened() as file:
        try:
            sha256 = _hash_footer(file)
            file.seek(0)
            parsed = pq.read_metadata(file)
            schema = parsed.schema.to_arrow_schema()
            raw = parsed.metadata or {}
        except ArtifactError:
            raise
        except (pa.ArrowException, OSError, ValueError) as exc:
            why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise ArtifactError(f"is no parquet file: {(why.splitlines() or [''])[0]}") from exc
    metadata, not_utf8 = _texts(raw, wanted)
    return Footer(parsed, schema, metadata, not_utf8, sha256)


def _hash_footer(file: BinaryIO) -> str:
    # The footer lists every column chunk with its sizes and statistics, so together with the
    # file's size it identifies the content without reading it.
    length = footer_bytes(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES - length))
    return hashlib.sha256(file.read(length + TAIL_BYTES) + str(size).encode()).hexdigest()


def _texts(
    raw: Mapping[bytes, bytes], wanted: frozenset[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    if len(raw) > MAX_METADATA_KEYS:
        reason = f"has {len(raw):,} keys, expected at most {MAX_METADATA_KEYS:,}"
        raise ArtifactError(reason, field="metadata")
    texts: dict[str, str] = {}
    not_utf8: list[str] = []
    for key, value in raw.items():
        name = key.decode("utf-8", "replace")
        if name not in wanted:
            continue
        _check_length(name, value)
        try:
            texts[name] = value.decode()
        except UnicodeDecodeError:
            texts[name] = ""
            not_utf8.append(name)
    return texts, tuple(not_utf8)


def _check_length(name: str, value: bytes) -> None:
    if len(value) > 4 * MAX_TEXT_CHARACTERS:
        reason = f"has {len(value):,} bytes, expected at most {MAX_TEXT_CHARACTERS:,} characters"
        raise ArtifactError(reason, field=name)
    check_lengths({name: value.decode("utf-8", "replace")})


def _type_name(kind: Any) -> str:
    name = str(kind)
    if len(name) > MAX_TEXT_CHARACTERS:
        name = f"{name[:MAX_TEXT_CHARACTERS]}…"
    return name
