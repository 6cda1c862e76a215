"""A collector that keeps what a producer sends, as a file that tests replay."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_bridge.care.archive import export_events
from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

RECORDINGS = Path(__file__).parents[1] / "data" / "producers"


@contextmanager
def recording(name: str) -> Iterator[tuple[str, Path]]:
    """The URL of a collector and an empty folder; at the end its events are the recording."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with Journal(home) as journal, CollectorServer(journal, port=0) as server:
            yield server.url, Path(folder)
            RECORDINGS.mkdir(parents=True, exist_ok=True)
            written = export_events(journal, str(RECORDINGS / f"{name}.ndjson.gz"))
    print(f"{written} events of {name} recorded")
