"""Training bundles for backfills: small artifacts that say the same however they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

_YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)  # too new to be pruned


def write_bundles(folder: Path, numbers: Iterable[int]) -> None:
    """Write bundles; each becomes events of its own, which depend on no other."""
    for number in numbers:
        name = f"{number:032x}"
        bundle = folder / f".{name}"  # hidden until it is whole
        bundle.mkdir(parents=True)
        metadata = {
            "run_id": name,
            "candidate_name": f"model_{number % 10}",
            "model_type": "lightgbm",
            "created_at": (_YESTERDAY + timedelta(seconds=number)).isoformat(),
            "model_version": f"v{number}",
        }
        (bundle / "metadata.json").write_text(json.dumps(metadata))
        (bundle / "metrics.json").write_text('{"val_rmse": 0.25}')
        (bundle / "model_uri.txt").write_text(f"runs:/{name}/model\n")
        bundle.rename(folder / name)
