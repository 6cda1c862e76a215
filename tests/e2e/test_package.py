"""What `make wheel` builds: it runs where there is no clone, with the examples inside."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lineage_bridge import __version__

ROOT = Path(__file__).parents[2]
MEGABYTES = 2**20


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_the_package_and_the_examples_and_is_small(wheel):
    files = set(zipfile.ZipFile(wheel).namelist())
    examples = {
        f"lineage_bridge/{path.relative_to(ROOT)}"
        for path in (ROOT / "examples").rglob("*")
        if path.is_file() and path.name != "cut.py" and path.parent.name != "__pycache__"
    }

    assert {name for name in files if "/examples/" in name} == examples
    assert {name.split("/")[0] for name in files} == {
        "lineage_bridge",
        f"lineage_bridge-{__version__}.dist-info",
    }
    assert wheel.stat().st_size < 4 * MEGABYTES


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_and_what_it_says_can_be_pasted(wheel, tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    zipfile.ZipFile(wheel).extractall(site)
    for path in (site, *site.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    start = [sys.executable, "-m", "lineage_bridge.cli.main", "demo", "--once", "--home", "a home"]

    done = subprocess.run(
        start, cwd=empty, env=environment, capture_output=True, text=True, check=True
    )
    assert "12 deployments: 1 unhealthy, 3 degraded" in done.stdout
    asked = subprocess.run(
        done.stdout.partition("Ask it:")[2],
        shell=True,
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (asked.returncode, asked.stderr) == (1, "")
    mends = [line for line in asked.stdout.splitlines() if line.startswith("  mend  ")]
    assert shlex.quote(sys.executable) in mends[0]
    assert [path.name for path in empty.iterdir()] == ["a home"]
