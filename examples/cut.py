"""Cut the examples from a folder of real artifacts: `python examples/cut.py ARTIFACTS`.

About 3 MB: all four families, healthy and sick deployments, a redeploy, two replicas, an orphan,
an inference log, and a few malformed files.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
DATASETS = (
    "training_dataset_20260326_002000",  # three stations, one day
    "training_dataset_20260401_003505",  # a week: what most of the models were trained on
    "training_dataset_20260402_002031",  # the day that demand doubled
    "training_dataset_20260403_002019",  # hours and stations missing
    "training_dataset_20260404_002027",  # stuck sensors
)
METRICS = ("metrics_20260401_005241.json", "metrics_20260402_003527.json")
DEPLOYMENTS = {
    "dep-nyc-prod-001",
    "dep-nyc-prod-slow",
    "dep-nyc-prod-errors",
    "dep-nyc-prod-gaps",
    "dep-nyc-prod-roll",
    "dep-nyc-prod-multi",
    "dep-nyc-prod-stale",
    "dep-nyc-prod-idle",
    "dep-nyc-canary-nan",
    "dep-nyc-shadow-orphan",
    "dep-nyc-batch-double",
    "local",
}
DRIFTING = {"dep-nyc-batch-bug"}  # its features came from a table with a bug of units
BAD = (
    ("bad/p2_truncated.parquet", "p2/output/training_dataset_20260405_002009.parquet"),
    (
        "bad/p4_metrics_text/metrics.json",
        "p4/artifacts/9c56be0173234223996843f4fafff8da/metrics.json",
    ),
)


def copy(source: Path, target: Path) -> None:
    """Copy one file, making its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def copy_lines(source: Path, target: Path, deployments: set[str]) -> None:
    """Copy the lines of the chosen deployments, as they are."""
    lines = [
        line
        for line in source.read_bytes().splitlines(keepends=True)
        if json.loads(line)["deployment_id"] in deployments
    ]
    if lines:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(lines))


def main() -> None:
    """Make p2, p4, p5, p6 and drift below this folder anew."""
    source = Path(sys.argv[1])
    for family in ("p2", "p4", "p5", "p6", "drift"):
        shutil.rmtree(HERE / family, ignore_errors=True)
    for stem in DATASETS:
        copy(source / f"p2/output/{stem}.parquet", HERE / f"p2/output/{stem}.parquet")
        copy(source / f"p6_reference/dataset_metadata/{stem}.json", HERE / f"p6/{stem}.json")
    for name in METRICS:
        copy(source / "p2/models" / name, HERE / "p2/models" / name)
    for path in source.glob("p4/artifacts/*/*"):
        copy(path, HERE / path.relative_to(source))
    fleet = source / "p5/fleet_nyc"
    for path in fleet.glob("artifacts/serving/**/*.jsonl"):
        copy_lines(path, HERE / "p5" / path.relative_to(fleet), DEPLOYMENTS)
        copy_lines(path, HERE / "drift/p5" / path.relative_to(fleet), DRIFTING)
    for path in fleet.glob("models/*/*/*.json"):
        copy(path, HERE / "p5" / path.relative_to(fleet))
    for name in sorted(DRIFTING):
        copy(source / f"p5/features/{name}.parquet", HERE / f"drift/logs/{name}.parquet")
    for bad, name in BAD:
        copy(source / bad, HERE / name)
    torn = HERE / "p5/artifacts/serving/metrics/2026-04-07/09/metrics_59.jsonl"
    torn.parent.mkdir(parents=True, exist_ok=True)
    torn.write_bytes(torn.read_bytes() + (source / BAD_LINE).read_bytes().splitlines()[0] + b"\n")


BAD_LINE = "bad/p5_wrong_types/artifacts/serving/metrics/2026-04-07/08/metrics_00.jsonl"

if __name__ == "__main__":
    main()
