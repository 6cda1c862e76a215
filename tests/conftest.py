from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"


def unpack(name: str, folder: Path) -> Path:
    with tarfile.open(DATA / name) as archive:
        archive.extractall(folder, filter="fully_trusted")  # our own archive, with links on purpose
    return folder


@pytest.fixture(scope="session")
def nyc(tmp_path_factory) -> Path:
    """Real artifacts of one city: `p2`, `p4`, `p5`, `p6`, and the answer keys in `keys`."""
    return unpack("nyc.tar.gz", tmp_path_factory.mktemp("cities") / "nyc")


@pytest.fixture(scope="session")
def bad(tmp_path_factory) -> Path:
    """Malformed and hostile variants of the same artifacts."""
    return unpack("bad.tar.gz", tmp_path_factory.mktemp("bad"))


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run_command(*args: str | os.PathLike[str]) -> Result:
    """Run `lineage-bridge` in this process, as a user would."""
    from lineage_bridge.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([os.fspath(a) for a in args])
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return Result(code, out.getvalue(), err.getvalue())


@pytest.fixture
def lb(tmp_path, monkeypatch):
    """Run commands against one home of the test's own, from a folder without settings."""
    home = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    for name in ("LINEAGE_BRIDGE_HOME", "LINEAGE_BRIDGE_NAMESPACE", "MARQUEZ_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LINEAGE_BRIDGE_HOME", str(home))

    def run(*args: str | os.PathLike[str]) -> Result:
        return run_command(*args)

    return run


@pytest.fixture(scope="session")
def nyc_home(nyc, tmp_path_factory) -> Path:
    """A home into which all of nyc was backfilled; tests must not change it."""
    home = tmp_path_factory.mktemp("filled") / "home"
    folders = [f"--{family}={nyc / family}" for family in ("p2", "p4", "p5", "p6")]
    result = run_command("backfill", "--home", home, "--namespace", "urban", *folders)
    assert result.code == 0, result.err
    assert run_command("graph", "--home", home).code == 0  # fills the graph's tables
    return home
