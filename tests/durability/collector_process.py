"""A collector in a process of its own, to be killed: `python collector_process.py HOME [POINT]`.

It prints its URL when it listens, and ends when its input ends. With a POINT it ends as if killed
at that statement of what writes its two files, counted from the first event.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal


def die_at(journal: Journal, point: int) -> None:
    statements = itertools.count(1)

    def count(_: str) -> None:
        if next(statements) == point:
            os._exit(9)

    for database in (journal._database, journal.derived._current()):
        database._connection.set_trace_callback(count)


if __name__ == "__main__":
    with Journal(Path(sys.argv[1])) as journal, CollectorServer(journal, port=0) as server:
        if len(sys.argv) > 2:
            die_at(journal, int(sys.argv[2]))
        print(server.url, flush=True)
        sys.stdin.read()
