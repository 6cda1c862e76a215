"""Inference logs: files of rows, one for each request that a model service answered.

No event comes of a row, so nothing is made a record of here: `observe.logs` reads these files. Any
file of rows may be one; what it holds, and whether it is read where the folder was not named for
logs, its first rows say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.records import Record

ROWS: Final = Kind("file", form="rows")

# Also such as `log.jsonl.1` and `log.jsonl.2.gz`, which rotating makes.
_NAME: Final = re.compile(
    r".*\.(?:parquet|csv(?:\.gz)?|(?:jsonl|ndjson|log)(?:\.\d+)?(?:\.gz)?)", re.DOTALL
)


class InferenceLogs:
    """The adapter of inference logs, and of files with the labels of their requests."""

    api = API
    name = "logs"
    title = "Inference logs and labels (JSON lines, parquet, CSV)"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        """Recognise a file of rows by its name."""
        return ROWS if _NAME.fullmatch(place.name) and not place.is_folder else None

    def read(self, artifact: Artifact) -> Iterable[Record | Problem]:
        """Make no record: rows are no artifacts of their own."""
        del artifact
        return ()


ADAPTER = InferenceLogs()
