"""How long the footer of a parquet file is: it is as long as its writer wants, and parsed whole."""

from __future__ import annotations

import os
from typing import BinaryIO, Final

from lineage_bridge.errors import ArtifactError

MOST_BYTES: Final = 16 * 1024 * 1024
TAIL_BYTES: Final = 8  # the length of the footer, and the magic
_MAGIC: Final = b"PAR1"


def footer_bytes(file: BinaryIO) -> int:
    """Return the length of a footer without its tail; what is no parquet file has none.

    Raises:
        ArtifactError: it is longer than what is read.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length >= size:
        return 0
    if length > MOST_BYTES:
        raise ArtifactError(
            f"its footer has {length // 2**20} MiB, expected at most {MOST_BYTES // 2**20} MiB; "
            "write it with fewer row groups or less metadata"
        )
    return length
