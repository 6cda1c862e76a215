"""Reading inference logs, killed at any statement: it ends as if it had not been."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import run_command
from inference_logs import nested, request, write_lines, write_parquet

from lineage_bridge.journal import Journal

HERE = Path(__file__).parent
DIES = """
import sqlite3, sys
from dying_command import dying
from lineage_bridge.observe.logs import reading
from lineage_bridge.cli.main import main

reading.ROWS_A_SAVING = 20
sqlite3.connect = dying(int(sys.argv[1]))
main(sys.argv[2:])
"""


def rows(first: int, last: int) -> list[dict]:
    more = {"environment": "prod", "service": "s"}
    return [nested(request(number)) | more for number in range(first, last)]


def kept(home: Path) -> tuple[list, list]:
    """The rows of each hour, and what is said of the log; no event is in it twice."""
    with Journal(home, readonly=True) as journal:
        with journal.reading() as connection:
            query = "SELECT begin_us, sum(rows) FROM log_hours GROUP BY begin_us ORDER BY begin_us"
            hours = connection.execute(query).fetchall()
        events = [json.loads(stored.body) for stored in journal.read(limit=10_000)]
    own = [event["run"]["facets"]["lineageBridge_event"] for event in events]
    gone = {one.get("supersedes") for one in own}
    return hours, sorted(
        json.dumps([event["job"]["name"], event["eventTime"], event["outputs"], event["inputs"]])
        for event, one in zip(events, own, strict=True)
        if one["id"] not in gone
    )


@pytest.mark.parametrize("point", [20, 45, *range(60, 400, 25)])
def test_a_backfill_of_logs_that_is_killed_is_finished_by_the_next(point, tmp_path):
    logs, home = tmp_path / "logs", tmp_path / "home"
    logs.mkdir()
    write_lines(logs / "a.jsonl", rows(0, 90))
    write_parquet(logs / "b.parquet", rows(70, 150))
    write_lines(logs / "labels.jsonl", [
        {"request_id": f"r-{n}", "label": n % 2, "observed_at": "2026-05-02T00:00:00Z"}
        for n in range(0, 150, 3)
    ])  # fmt: skip
    command = ["backfill", "--logs", str(logs), "--home", str(home)]
    path = {"PYTHONPATH": ":".join([str(HERE), str(HERE.parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(point), *command],
        env=path, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode in {0, 9}, done.stderr.decode()
    write_lines(logs / "c.jsonl", rows(150, 160))
    assert run_command(*command).code == 0
    assert run_command(*command[:-1], tmp_path / "whole").code == 0
    assert kept(home) == kept(tmp_path / "whole")
    assert sum(count for _, count in kept(home)[0]) == 160
