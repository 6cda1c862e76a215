"""A collector in a process of its own, to be killed: `python collector_process.py HOME`.

It prints its URL when it listens, and ends when its input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

if __name__ == "__main__":
    with Journal(Path(sys.argv[1])) as journal, CollectorServer(journal, port=0) as server:
        print(server.url, flush=True)
        sys.stdin.read()
