"""Speed and memory of profiles and drift: two datasets of 1,000,000 rows by 22 features.

Whole commands, each a process from a cold start. The limits are in processor time, which a busy
machine changes less than the clock; `-s` prints all figures, `docs/benchmarks.md` has them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logged import profile_of_rows

from lineage_bridge.assess.drift.course import HOUR_US, Course, CourseState, RowsOfHour
from lineage_bridge.assess.drift.policy import DriftPolicy

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

ROWS, FEATURES = 1_000_000, 22
CALL = (
    "import sys; sys.argv[0] = 'lineage-bridge'; from lineage_bridge.cli.main import main; main()"
)
PEAK = """
try:
    main()
finally:  # not ru_maxrss, which a process inherits from whoever started it
    from pathlib import Path
    status = Path("/proc/self/status").read_text()
    print("MB", int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""
ENGINE = """
    import sqlite3, sys, time
    from lineage_bridge.assess.drift.judge import judge
    from lineage_bridge.profiles.encoding import decode
    rows = sqlite3.connect(sys.argv[1]).execute("SELECT body FROM profiles")
    bodies = [body for body, in rows]
    begun = time.perf_counter()
    judge(*(decode(body) for body in bodies))
    print(time.perf_counter() - begun, sum(map(len, bodies)) / 1e6)
"""


def features(seed, rows=ROWS):
    rng = np.random.default_rng(seed)
    columns = {}
    for i in range(FEATURES):
        if i < 10:
            columns[f"normal_{i}"] = rng.normal(i, 1 + i, rows)
        elif i < 16:
            columns[f"skew_{i}"] = rng.lognormal(0, 1 + (i - 10) / 4, rows)
        elif i < 20:
            columns[f"count_{i}"] = rng.integers(0, 50, rows).astype(float)
        else:
            columns[f"zeros_{i}"] = rng.gamma(2, 2, rows) * (rng.random(rows) < 0.7)
    return pa.table(columns)


def measured(*command):
    """Run a command; return its output, wall seconds, processor seconds and memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    code = CALL.replace("; main()", PEAK)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in {0, 1}, done.stderr
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    out, _, memory = done.stdout.rpartition("MB ")
    return out, wall, cpu, float(memory)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    for seed, name in enumerate(("was", "now")):
        pq.write_table(features(seed), folder / f"{name}.parquet")
    return folder / "was.parquet", folder / "now.parquet"


def test_two_datasets_cold_and_again(pair, tmp_path):
    command = ("drift", *pair, "--home", tmp_path / "home")
    for what, most_cpu in (("cold", 8.0), ("again", 2.0)):
        out, wall, cpu, memory = measured(*command)
        assert "0 of 22 features drifted" in out
        print(f"\n{what}: {wall:.2f} s, {cpu:.2f} s of processor time, {memory:.0f} MB")
        assert cpu < most_cpu
        assert memory < 500
    home = tmp_path / "home" / "journal.db"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line[4:] for line in ENGINE.split("\n")), home],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, size = map(float, done.stdout.split())
    print(f"from kept profiles, without starting up: {seconds:.3f} s; both are {size:.1f} MB")
    assert seconds < 2


@pytest.mark.parametrize("millions", [2, 20])
def test_memory_does_not_grow_with_the_rows(millions, tmp_path):
    path = tmp_path / "long.parquet"
    part = features(7)
    with pq.ParquetWriter(path, part.select(range(5)).schema) as writer:
        for _ in range(millions):
            writer.write_table(part.select(range(5)))
    out, wall, cpu, memory = measured("profile", path, "--home", tmp_path / "home")
    assert f"{millions},000,000 rows" in out
    print(
        f"\n{millions} million rows by 5: {wall:.1f} s, {cpu:.1f} s of processor, {memory:.0f} MB"
    )
    assert memory < 500


@pytest.mark.parametrize("rows", [100, 10_000])
def test_a_week_of_a_log_hour_by_hour(rows):
    reference = profile_of_rows(features(1, 40_000))
    hours = [RowsOfHour(at * HOUR_US, profile_of_rows(features(at, rows))) for at in range(168)]
    course = Course(reference, DriftPolicy(), CourseState(), lambda: None)
    begun = time.process_time()
    for hour in hours:
        course.judge(hour)
    seconds = time.process_time() - begun
    print(
        f"\na week of {rows:,} rows an hour: {seconds:.1f} s, {seconds / 168 * 1e3:.0f} ms an hour"
    )
    assert seconds < 120
