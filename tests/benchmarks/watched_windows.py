"""Memory and processor time of a watcher while millions of windows come and go.

    python tests/benchmarks/watched_windows.py [--millions 10] [--deployments 1000]

Files are written a few hundred minutes at a time, read by a watcher in this process, and removed,
as a service with short retention does. A line is printed every million.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import shutil
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving import minute_at
from windows import a_record, file_of

from lineage_bridge.ingest.sources import named, remember
from lineage_bridge.ingest.watch import Watcher
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time

MILLION = 1_000_000
MINUTES = 100  # written before each look


def write_minute(root: Path, minute: int, deployments: int) -> None:
    """Write the windows of one minute; in one of ten deployments some requests fail."""
    times = {"window_start": "START", "window_end": "END", "heartbeat_emitted_at": "END"}
    template = json.dumps(a_record(0, deployment="DEPLOYMENT", **times))
    template = template.replace("START", format_time(minute_at(minute)))
    template = template.replace("END", format_time(minute_at(minute + 1)))
    sick = template.replace('"failure_count": 0', f'"failure_count": {2 + minute % 7}')
    lines = (
        (template if number % 10 else sick).replace("DEPLOYMENT", f"dep-{number:05}")
        for number in range(deployments)
    )
    file_of(root, minute).write_text("\n".join(lines) + "\n")


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--millions", type=int, default=10)
    parser.add_argument("--deployments", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "home") as journal:
        root = Path(folder) / "p5"
        root.mkdir()
        remember(journal, named([root]), datetime.now(UTC))
        watcher = Watcher(journal, Settings(home=journal.home), threading.Event(), observes=False)
        minutes = itertools.count()
        read, spent = 0, 0.0
        while read < args.millions * MILLION:
            for minute in itertools.islice(minutes, MINUTES):
                write_minute(root, minute, args.deployments)
            before = time.process_time()
            watcher.run([None])
            spent += time.process_time() - before
            shutil.rmtree(root)
            root.mkdir()
            read += MINUTES * args.deployments
            if read % MILLION < MINUTES * args.deployments:
                size = (journal.home / "journal.db").stat().st_size / 2**20
                print(
                    f"{read:>12,} windows  {resident_mib():6.0f} MiB resident  {spent:7.1f} s of "
                    f"processor ({spent / read * 1e6:.1f} us a window)  journal {size:,.0f} MiB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
