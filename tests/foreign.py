"""Packages of others for tests: installed into a folder, without network and build tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from conftest import DATA, Result

GROUP = "lineage_bridge.adapters"


def install(site: Path, name: str, points: Mapping[str, str]) -> Path:
    """Write what an installer writes beside a package's modules: its name and entry points."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    listed = "".join(f"{point} = {target}\n" for point, target in points.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{listed}")
    return site


def install_notebooks(site: Path) -> Path:
    """Install the family in `data/foreign_family`, as its pyproject.toml says."""
    source = DATA / "foreign_family"
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    install(site, project["name"], project["entry-points"][GROUP])
    shutil.copy(source / "notebook_trainings.py", site)
    return site


def run_with(site: Path, home: Path, *args: object) -> Result:
    """Run `lineage-bridge` in a process of its own, with the packages of a folder."""
    paths = [str(site), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "lineage_bridge.cli.main", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        cwd=home.parent,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(paths), "LINEAGE_BRIDGE_HOME": str(home)}
        | {"MARQUEZ_URL": ""},
    )
    return Result(done.returncode, done.stdout, done.stderr)
