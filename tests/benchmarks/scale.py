"""Artifacts in the shapes of the real ones, as many as a benchmark wants."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 1, 1, tzinfo=UTC)
FEATURES = 22


def stamp(number: int) -> datetime:
    return START + timedelta(minutes=7 * number)


def write_datasets(folder: Path, count: int) -> None:
    """`count` parquet files with P2's footer; the rows of one, since they are never read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    rows = 200
    columns: dict[str, Any] = {
        "station_id": [str(n % 20) for n in range(rows)],
        "obs_ts": [datetime(2026, 1, 1) + timedelta(minutes=n) for n in range(rows)],  # noqa: DTZ001
        "target_empty_next_hour": [0] * rows,
    }
    columns |= {f"ft_{n}": [n * 0.1 + row for row in range(rows)] for n in range(FEATURES)}
    table = pa.table(columns)
    for number in range(count):
        built = stamp(number)
        metadata = {
            "upstream_db_path": f"../data/store_{number % 3}.duckdb",
            "build_timestamp": f"{built:%Y%m%d_%H%M%S}",
            "row_count": str(rows),
            "positive_rate": "0.1000",
            "station_count": "20",
            "obs_ts_min": "2026-01-01 00:00:00",
            "obs_ts_max": "2026-01-01 03:19:00",
        }
        name = f"training_dataset_{built:%Y%m%d_%H%M%S}.parquet"
        pq.write_table(table.replace_schema_metadata(metadata), folder / name)


def write_bundles(folder: Path, count: int, datasets: int, *, first: int = 0) -> None:
    """The bundles from `first` up to `count`, over `datasets` datasets."""
    for number in range(first, count):
        built = stamp(number % datasets)
        started = built + timedelta(minutes=30 + number // datasets)
        run_id = f"{number + 1:032x}"
        bundle = folder / run_id
        bundle.mkdir(parents=True, exist_ok=True)
        metadata = {
            "run_id": run_id,
            "candidate_name": f"model_{number % 50}",
            "model_type": "lightgbm",
            "created_at": (started + timedelta(minutes=2)).isoformat(),
            "model_version": f"v{number}",
            "input_dataset_name": f"training_dataset_{built:%Y%m%d_%H%M%S}",
            "input_dataset_version": built.isoformat(),
            "started_at": started.isoformat(),
            "completed_at": (started + timedelta(minutes=2)).isoformat(),
        }
        (bundle / "metadata.json").write_text(json.dumps(metadata))
        (bundle / "metrics.json").write_text(json.dumps({"test_rmse": 0.2, "val_rmse": 0.21}))
        (bundle / "model_uri.txt").write_text(f"runs:/{run_id}/model\n")


def write_deployments(folder: Path, count: int, models: int, datasets: int) -> None:
    """`count` deployments, each with one start."""
    lines = []
    for number in range(count):
        model = number % models
        built = stamp(model % datasets)
        started = built + timedelta(minutes=30 + model // datasets)
        line = {
            "event_type": "serving_deployment_activated",
            "event_time": (START + timedelta(days=60, seconds=number)).isoformat(),
            "service_name": "service",
            "service_version": "1",
            "environment": "production",
            "deployment_id": f"dep-{number:05d}",
            "instance_id": None,
            "model_name": f"model_{model % 50}",
            "model_version": f"v{model}",
            "bundle_id": "/srv/models",
            "bundle_uri": "file:///srv/models",
            "bundle_created_at": started.isoformat(),
            "input_dataset_name": f"training_dataset_{built:%Y%m%d_%H%M%S}",
            "input_dataset_version": built.isoformat(),
            "started_at": started.isoformat(),
            "completed_at": (started + timedelta(minutes=2)).isoformat(),
            "activation_reason": "startup",
            "traffic_status": "serving",
            "schema_version": "v1",
        }
        lines.append(json.dumps(line))
    path = folder / "events" / "deployment_events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
