"""Going on from the journal, killed at any statement: it ends as if it had not been."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from windows import a_line, a_start, file_of, ingest, standing, write

from lineage_bridge.journal import Journal

HERE = Path(__file__).parent
POINTS = (*range(1, 60, 7), *range(60, 260, 25))
STARTS = (a_start(-1),)
DIES = """
import sqlite3, sys
from pathlib import Path
from dying_command import dying
from lineage_bridge.journal import Journal
from lineage_bridge.observe.serving import windows as module
from windows import a_start, ingest

module.BATCH_WINDOWS = 20
sqlite3.connect = dying(int(sys.argv[1]))
with Journal(Path(sys.argv[2])) as journal:
    ingest(journal, Path(sys.argv[3]), starts=[a_start(-1)])
"""


def forget_all(journal: Journal) -> None:
    with journal.transaction() as tx:
        for table in ("serving_slots", "serving_starts", "window_lines", "scanned_files"):
            tx.connection.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("point", POINTS)
def test_going_on_from_the_journal_that_is_killed_ends_as_if_it_was_not(tmp_path, point):
    root, home = tmp_path / "p5", tmp_path / "home"
    write(root, *(a_line(minute) for minute in range(60)))
    with Journal(home) as journal:
        ingest(journal, root, starts=STARTS)
        forget_all(journal)
    kept = {path: path.read_bytes() for path in root.rglob("*.jsonl")}
    for minute in range(0, 20, 2):
        file_of(root, minute).unlink()
    write(root, *(a_line(minute, 30, failure_count=20) for minute in range(60, 90)))

    command = [sys.executable, "-c", DIES, str(point), str(home), str(root)]
    path = {"PYTHONPATH": ":".join([str(HERE), str(HERE.parent), *sys.path])}
    done = subprocess.run(command, env=path, check=False, capture_output=True)
    assert done.returncode in {0, 9}, done.stderr.decode()

    with Journal(home) as journal:
        ingest(journal, root, starts=STARTS)
        told = standing(journal)
        assert ingest(journal, root, starts=STARTS).events == 0
    for path, body in kept.items():
        path.write_bytes(body)
    with Journal(tmp_path / "whole") as journal:
        ingest(journal, files=sorted(kept), starts=STARTS)
        ingest(journal, root, starts=STARTS)
        assert told == standing(journal)
