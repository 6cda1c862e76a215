"""How long a large store of MLflow's takes, and its memory: `make bench`, docs/benchmarks.md."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import pytest
from benchmarks.mlflow_store import make

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

RUNS = int(os.environ.get("MLFLOW_RUNS", "10000"))


def backfill(home, store):
    """Backfill in a process of its own; return its processor seconds, and the largest memory."""
    command = [sys.executable, "-m", "lineage_bridge.cli.main", "backfill", "--no-observe"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--home", home, "--mlflow", store], check=True, stdout=subprocess.DEVNULL
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return spent, used.ru_maxrss // 1024


def yardstick():
    """Processor seconds of ten million additions: how much of a core there is at the time."""
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    total = 0
    for number in range(10_000_000):
        total += number
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - began


def test_a_store_of_ten_thousand_runs(tmp_path):
    store = make(tmp_path / "mlruns", RUNS)
    began = time.perf_counter()
    (first, memory), (again, _) = (backfill(tmp_path / "home", store) for _ in range(2))
    seconds = time.perf_counter() - began
    print(f"\n{RUNS:,} runs of 50 metrics: {first:.1f} s CPU, {memory} MB; again {again:.1f} s CPU")
    print(f"both {seconds:.1f} s of wall; ten million additions take {yardstick():.2f} s now")
