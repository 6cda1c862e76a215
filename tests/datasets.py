"""Datasets as P2 builds them, with rows of any number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lineage_bridge.adapters.feature_columns import MADE_OF

MONDAY = datetime(2026, 4, 6, tzinfo=UTC).replace(tzinfo=None)
SLOT = timedelta(minutes=15)


def dataset(*, stations=6, slots=96, start=MONDAY, seed=1, positive=0.2):
    """Columns of a dataset as P2 builds it; `positive` is the share of targets that are 1."""
    rows = stations * slots
    times = [start + SLOT * (row // stations) for row in range(rows)]
    random = np.random.default_rng(seed)
    columns = {name: random.normal(size=rows).tolist() for name in MADE_OF}
    columns["station_id"] = [f"station-{row % stations}" for row in range(rows)]
    columns["target_empty_next_hour"] = (random.random(rows) < positive).astype(int).tolist()
    columns["label_window_end"] = [time + timedelta(hours=1) for time in times]
    columns |= {"obs_ts": times, "feature_cutoff_ts": [*times]}
    return columns


def write(folder, columns, *, stamp="20260407_001500", **said):
    """Write a dataset; what its footer says of it is true, but for what is `said`."""
    target, times = columns.get("target_empty_next_hour"), columns["obs_ts"]
    truth = {
        "upstream_db_path": "data/mobility.duckdb",
        "build_timestamp": stamp,
        "row_count": len(times),
        "station_count": len(set(columns["station_id"])),
        "obs_ts_min": str(min(times)),
        "obs_ts_max": str(max(times)),
    }
    if target is not None:
        truth["positive_rate"] = round(
            target.count(1) / max(1, target.count(0) + target.count(1)), 4
        )
    texts = {key: str(value) for key, value in (truth | said).items()}
    path = folder / f"training_dataset_{stamp}.parquet"
    pq.write_table(pa.table(columns).replace_schema_metadata(texts), path)
    return path
