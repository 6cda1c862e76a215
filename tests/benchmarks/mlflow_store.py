"""A store of files as MLflow writes it, of any size: `python mlflow_store.py DIR RUNS`."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

EXPERIMENT = "410352269289941694"
FIRST_MS = 1_774_000_000_000
META = """artifact_uri: file:///srv/mlruns/{experiment}/{run}/artifacts
end_time: {end}
entry_point_name: ''
experiment_id: '{experiment}'
lifecycle_stage: active
run_id: {run}
run_name: run-{number}
source_name: ''
source_type: 4
source_version: ''
start_time: {start}
status: 3
tags: []
user_id: ml
"""
DATASET = """digest: 6f0d43e6
name: dataset-{number}
profile: '{{"num_rows": 17158}}'
schema: '{{"mlflow_colspec": []}}'
source: '{{"uri": "/srv/data/features/training_dataset_202603{day:02d}_002012.parquet"}}'
source_type: local
"""
INPUT = """destination_id: {dataset}
destination_type: RUN
source_id: {dataset}
source_type: DATASET
tags:
  mlflow.data.context: training
"""


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make(folder: Path, runs: int, *, metrics: int = 50, lines: int = 3) -> Path:
    """Write a store of so many runs, each with so many metrics of so many values."""
    experiment = folder / EXPERIMENT
    put(
        experiment / "meta.yaml",
        f"experiment_id: '{EXPERIMENT}'\nlifecycle_stage: active\nname: sweep\n",
    )
    for day in range(1, 21):
        dataset = UUID(int=day).hex
        put(experiment / "datasets" / dataset / "meta.yaml", DATASET.format(number=day, day=day))
    for number in range(runs):
        one_run(experiment, number, metrics, lines)
    return folder


def one_run(experiment: Path, number: int, metrics: int, lines: int) -> None:
    run_id = UUID(int=(number + 1) << 64 | 0xABCDEF).hex
    run, start = experiment / run_id, FIRST_MS + number * 60_000
    said = {"experiment": EXPERIMENT, "run": run_id, "number": number}
    put(run / "meta.yaml", META.format(start=start, end=start + 30_000, **said))
    dataset = UUID(int=1 + number % 20).hex
    put(run / "inputs" / UUID(int=number + 1).hex / "meta.yaml", INPUT.format(dataset=dataset))
    for name in ("lr", "depth", "seed", "leaves", "alpha"):
        put(run / "params" / name, str(number % 17))
    for name in ("mlflow.user", "mlflow.runName", "mlflow.source.name", "team"):
        put(run / "tags" / name, f"{name} {number}")
    for metric in range(metrics):
        values = (f"{start + step} {(metric + step) / 97} {step}\n" for step in range(lines))
        put(run / "metrics" / f"metric_{metric:02d}", "".join(values))


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
