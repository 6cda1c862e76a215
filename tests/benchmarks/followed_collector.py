"""A collector that leaves folding to another process, as `up` does.

    python followed_collector.py HOME MODEL...

It prints its URL when it listens, and ends when its input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal
from lineage_bridge.serve.follower_process import FollowerProcess


def main(home: Path, *models: str) -> None:
    follow = [sys.executable, "-m", "lineage_bridge.cli.follow", str(home), *models]
    with (
        Journal(home) as journal,
        CollectorServer(journal, port=0, make_follower=lambda: FollowerProcess(follow)) as server,
    ):
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
