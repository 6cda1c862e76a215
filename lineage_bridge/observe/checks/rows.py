"""What only the rows of a file tell: keys that repeat, times that differ, rows of another file."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.parquet_footer import Footer
from lineage_bridge.assess.checks.facts import RowFacts, Version
from lineage_bridge.errors import ArtifactError

if TYPE_CHECKING:
    from lineage_bridge.profiles.profile import Profile

MOST_KEYED_ROWS: Final = 5_000_000  # whose keys are held in memory, to find those that repeat
_BITE_ROWS: Final = 32_768


def row_facts(path: str, version: Version) -> RowFacts:
    """Count what is to be seen in rows only; None of what cannot be compared.

    Raises:
        ArtifactError: the file cannot be read.
    """
    if (version.rows or 0) > MOST_KEYED_ROWS:
        return RowFacts()
    entity, time, *_ = version.roles
    is_named = entity is not None and time is not None
    return _keyed(path, version)._replace(same=None if is_named else _same_rows(path, version))


def _keyed(path: str, version: Version) -> RowFacts:
    """Count by the columns that name a row, and say as of when it is."""
    entity, time, _, cutoff = version.roles
    wanted = list(dict.fromkeys(name for name in (entity, time, cutoff) if name is not None))
    if time is None or len(wanted) < 2:
        return RowFacts()
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with open_file(path) as file:
        try:
            table = pq.read_table(file, columns=wanted, use_threads=False)
            repeated = off = None
            if entity is not None:
                keys = table.group_by([entity, time], use_threads=False).aggregate([])
                repeated = table.num_rows - keys.num_rows
            if cutoff is not None:
                same = pc.equal(table[time], table[cutoff]).fill_null(False)  # noqa: FBT003
                off = table.num_rows - (pc.sum(same).as_py() or 0)
        except (pa.ArrowException, ValueError, KeyError):
            return RowFacts()
        except OSError as exc:
            raise ArtifactError(f"cannot be read: {exc.strerror or exc}") from exc
    return RowFacts(repeated, off)


def _same_rows(path: str, version: Version) -> int | None:
    """Count rows that repeat a whole row; None if their values cannot be compared.

    Raises:
        ArtifactError: the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lineage_bridge.profiles.repeats import count_repeats, hashes_of

    if version.twice or not version.columns:
        return None
    hashes = []
    with open_file(path) as file:
        try:
            for batch in pq.ParquetFile(file).iter_batches(_BITE_ROWS, use_threads=False):
                of_bite = hashes_of(dict(zip(batch.schema.names, batch.columns, strict=True)))
                if of_bite is None:
                    return None
                hashes.append(of_bite)
        except (pa.ArrowException, ValueError):
            return None
        except OSError as exc:
            raise ArtifactError(f"cannot be read: {exc.strerror or exc}") from exc
    return count_repeats(hashes)


def hash_of_values(profile: Profile) -> str:
    """Hash the counts of all values in all columns; in which order the rows came does not count."""
    digest = hashlib.sha256(profile.blocks.hashes.tobytes() if profile.blocks is not None else b"")
    for name, column in sorted(profile.whole.columns.items()):
        labels = sorted(column.labels.counts.items())
        counts = (column.values, column.nans, column.others, column.labels.overflows)
        said = repr((name, sorted(column.types), counts, labels))
        digest.update(said.encode("utf-8", "backslashreplace"))
        for points in (column.numbers, column.instants):
            digest.update(points.firsts.tobytes() + points.counts.tobytes())
    return digest.hexdigest()


def chunks_of(footer: Footer) -> str:
    """Return a fingerprint of the column chunks: their names, places and sizes."""
    digest = hashlib.sha256()
    parsed = footer.parsed
    for number in range(parsed.num_row_groups):
        group = parsed.row_group(number)
        for index in range(group.num_columns):
            chunk = group.column(index)
            sizes = (chunk.num_values, chunk.total_compressed_size, chunk.total_uncompressed_size)
            said = (chunk.path_in_schema, chunk.data_page_offset, *sizes)
            digest.update(repr(said).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def told_apart(versions: Iterable[Version]) -> list[Version]:
    """Replace equal fingerprints of chunks by a hash of the chunks themselves.

    Two files may have equal footers and other values, where these are not compressed.
    """
    listed = list(versions)
    counts = Counter(version.same_bytes for version in listed)
    return [
        replace(version, same_bytes=hash_of_chunks(version.name))
        if version.same_bytes is not None and counts[version.same_bytes] > 1
        else version
        for version in listed
    ]


def hash_of_chunks(path: str) -> str | None:
    """Hash a parquet file up to its footer; None if it cannot be read any more."""
    try:
        with open_file(os.path.realpath(path)) as file:
            end = file.seek(-8, os.SEEK_END)
            left = end - int.from_bytes(file.read(4), "little")
            file.seek(0)
            digest = hashlib.sha256()
            while left > 0 and (part := file.read(min(left, 2**20))):
                digest.update(part)
                left -= len(part)
    except (ArtifactError, OSError):
        return None
    return digest.hexdigest()
