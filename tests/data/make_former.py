"""Make a home in which deployments have their former names: `make_former.py BIN OUT.tar.gz`.

BIN is a `lineage-bridge` from before deployments got their present names; it reads the examples,
less their newest hour of windows. At first it sees windows alone, then also the deployments that
they are of, under another policy: so many events supersede others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
FAMILIES = ("p2", "p4", "p5", "p6")
WINDOWS = Path("p5/artifacts/serving/metrics")
CONFIG = "lineage-bridge.toml"


def without_newest_hour(target: Path) -> None:
    """Copy the examples, less their newest hour of windows."""
    shutil.copytree(EXAMPLES, target)
    hours = sorted((target / WINDOWS).glob("*/*"))
    shutil.rmtree(hours[-1])


def fill(binary: str, folder: Path) -> None:
    """Fill `home` in the folder, in two steps."""
    artifacts = folder / "artifacts"
    without_newest_hour(artifacts)

    def run(*args: str | Path) -> None:
        command = [binary, "backfill", "--home", "home", "--namespace", "city", *args]
        subprocess.run(command, cwd=folder, env=os.environ, check=False)  # rejected lines: exit 1

    run("--p5", artifacts / WINDOWS)
    run("--config", artifacts / CONFIG, *(f"--{f}={artifacts / f}" for f in FAMILIES))


if __name__ == "__main__":
    chosen, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as made:
        fill(str(Path(chosen).absolute()), Path(made))
        with tarfile.open(out, "w:gz") as archive:
            for path in (Path(made) / "home").glob("journal.db*"):
                archive.add(path, f"home/{path.name}")
