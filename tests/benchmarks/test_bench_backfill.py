"""How long people wait: for a backfill, and for an answer on a large home.

`make bench` prints the figures; docs/benchmarks.md keeps them.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from benchmarks import scale

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]


def timed(*args: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Wall seconds of a whole process, from a cold start."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "lineage_bridge.cli.main", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return time.perf_counter() - began, done


def test_two_hundred_datasets_and_a_thousand_bundles(tmp_path):
    scale.write_datasets(tmp_path / "p2", 200)
    scale.write_bundles(tmp_path / "p4", 1000, 200)
    home = tmp_path / "home"

    first, done = timed("backfill", "--home", home, tmp_path / "p2", tmp_path / "p4")
    again, _ = timed("backfill", "--home", home, tmp_path / "p2", tmp_path / "p4")

    assert done.returncode == 0, done.stderr
    print(f"\n200 datasets, 1000 bundles: {first:.2f} s; again {again:.2f} s")


def test_questions_on_ten_thousand_nodes(tmp_path):
    datasets, models, deployments = 400, 4600, 2400
    scale.write_datasets(tmp_path / "p2", datasets)
    scale.write_bundles(tmp_path / "p4", models, datasets)
    scale.write_deployments(tmp_path / "p5", deployments, models, datasets)
    home = tmp_path / "home"
    assert timed("backfill", "--home", home, tmp_path)[1].returncode == 0
    timed("health", "--home", home)  # the graph's tables are filled once

    last = "predictions.dep-00042.production.service"
    questions = {
        "help": ["--help"],
        "graph --node": ["graph", "--home", home, "--node", last, "--depth", "4", "--json"],
        "path": ["path", "--home", home, "duckdb://store_0:main.raw_station_metrics_1min", last],
        "health": ["health", "--home", home, "--json"],
    }
    for name, args in questions.items():
        seconds = min(timed(*args)[0] for _ in range(3))
        print(f"\n{name}: {seconds:.2f} s", end="")
    print()
