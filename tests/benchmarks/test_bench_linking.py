"""What it costs that nothing changed, and that one artifact of 20,000 did.

`make bench` prints the figures; docs/benchmarks.md keeps them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import scale

from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.ingest.knowledge import learn
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

DATASETS, MODELS, DEPLOYMENTS = 4_000, 8_000, 8_000


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def test_a_pass_over_20_000_known_records(tmp_path):
    scale.write_datasets(tmp_path / "p2", DATASETS)
    scale.write_bundles(tmp_path / "p4", MODELS, DATASETS)
    scale.write_deployments(tmp_path / "p5", DEPLOYMENTS, MODELS, DATASETS)
    roots: dict[str, list[Path]] = {name: [tmp_path / name] for name in ("p2", "p4", "p5")}
    settings = Settings(home=tmp_path / "home")
    with Journal(tmp_path / "home") as journal:

        def whole_pass() -> None:
            backfill(journal, settings, roots)

        first = cpu_seconds(whole_pass)
        linking = min(cpu_seconds(lambda: learn(journal, settings)) for _ in range(3))
        again = min(cpu_seconds(whole_pass) for _ in range(3))
        scale.write_bundles(tmp_path / "p4", MODELS + 1, DATASETS, first=MODELS)
        one_more = cpu_seconds(whole_pass)
    print(
        f"\n20,000 records: first {first:.1f} s of CPU; again {again:.2f} s,"
        f" of that linking {linking:.3f} s; with one more bundle {one_more:.2f} s"
    )
