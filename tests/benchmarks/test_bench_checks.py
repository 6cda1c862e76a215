"""Speed of checks: a footer alone, a dataset of 1,000,000 rows by 25 columns, many versions.

The limits are in processor time; `-s` prints the figures, `docs/benchmarks.md` has them.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.ingest.observing import observe
from lineage_bridge.journal import Journal
from lineage_bridge.observe.checks.files import CheckedFiles
from lineage_bridge.settings import Settings

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

STATIONS, SLOTS, FEATURES = 1_000, 1_000, 21


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    rng = np.random.default_rng(1)
    rows = STATIONS * SLOTS
    start = np.datetime64("2026-04-01T00:00:00", "us")
    times = start + np.repeat(np.arange(SLOTS), STATIONS) * np.timedelta64(900, "s")
    stations = pa.array([f"station-{n:04}" for n in range(STATIONS)])
    columns = {
        "station_id": stations.take(pa.array(np.tile(np.arange(STATIONS), SLOTS))),
        "obs_ts": times,
        "feature_cutoff_ts": times,
        "target_empty_next_hour": (rng.random(rows) < 0.2).astype(np.int32),
    }
    for number in range(FEATURES):
        is_whole = number % 2
        values = rng.integers(0, 60, rows) if is_whole else rng.normal(0, 1, rows)
        columns[f"ft_{number}"] = values.astype(np.float64)
    last = datetime.fromisoformat("2026-04-01T00:00:00") + timedelta(seconds=900 * (SLOTS - 1))
    texts = {
        "upstream_db_path": "mobility.duckdb",
        "build_timestamp": "20260412_000000",
        "row_count": str(rows),
        "station_count": str(STATIONS),
        "obs_ts_min": "2026-04-01 00:00:00",
        "obs_ts_max": str(last),
    }
    path = tmp_path_factory.mktemp("bench") / "training_dataset_20260412_000000.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata(texts), path)
    return path


def timed(path, *, footer_only, times):
    found = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        (report,) = CheckedFiles(Settings(), None, footer_only=footer_only).reports([path])
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
        assert {r.check.code for r in report.results if r.verdict.status == "failed"} == {"columns"}
    cpus, walls = zip(*found, strict=True)
    return median(cpus), median(walls)


def test_a_footer_alone(dataset):
    cpu, wall = timed(dataset, footer_only=True, times=20)
    print(f"\nfooter: {1e3 * cpu:.1f} ms of processor, {1e3 * wall:.1f} ms")
    assert cpu < 0.02


def test_a_million_rows(dataset):
    cpu, wall = timed(dataset, footer_only=False, times=3)
    print(f"\n1,000,000 rows: {cpu:.2f} s of processor, {wall:.2f} s")
    assert cpu < 2.5


VERSIONS = 200


def test_one_new_version_of_many(tmp_path):
    """However many versions there are, a new one costs little more than alone; none, nothing."""
    folder = tmp_path / "p2"
    folder.mkdir()
    days = [datetime.fromisoformat("2026-01-01") + timedelta(days=n) for n in range(VERSIONS)]
    for number, day in enumerate(days[:-1]):
        built(folder, number, day)
    with Journal(tmp_path / "home") as journal:
        first, found = observed(journal, folder)
        assert found.events == {"validation": VERSIONS - 1}
        nothing, found = observed(journal, folder)
        assert not found.events
        built(folder, VERSIONS, days[-1])
        one, found = observed(journal, folder)
        assert found.events == {"validation": 1}
    print(f"\n{VERSIONS - 1} versions: {1e3 * first / (VERSIONS - 1):.0f} ms of processor each,")
    print(f"one new {1e3 * one:.0f} ms, nothing new {1e3 * nothing:.1f} ms")
    assert one < 0.5
    assert nothing < 0.05


def built(folder, seed, day):
    columns = datasets.dataset(stations=2, slots=192, start=day, seed=seed)
    datasets.write(folder, columns, stamp=f"{day + timedelta(days=2):%Y%m%d}_235500")


def observed(journal, folder):
    """Backfill, then the processor time of looking into what there is, and what was found."""
    settings = Settings(home=journal.home)
    backfill(journal, settings, {"p2": [folder]})
    began = time.process_time()
    found = observe(journal, settings, now=datetime.now(UTC))
    return time.process_time() - began, found
