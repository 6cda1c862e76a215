from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
DATA = HERE / "data"
SLOW = {"durability", "integrations", "properties"}  # folders of suites that take long by nature
HANG_SECONDS = 300  # a wait for what must come is given up then; nothing is judged by the time

# `make test` tries a few examples of each property, `make test-slow` as many as are usual.
settings.register_profile(
    "usual", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("few", settings.get_profile("usual"), max_examples=5)
settings.load_profile("usual")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.relative_to(HERE).parts[0] in SLOW:
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def no_authorities(tmp_path_factory):
    """Nobody is asked but loopback; to read who may vouch for others costs each client 30 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("authorities")))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_clients():
    """A test that names no time waits for its answer as long as a busy machine takes."""
    usual = inspect.signature(httpx.get).parameters["timeout"].default
    with pytest.MonkeyPatch.context() as patch:
        for part in ("connect", "read", "write", "pool"):
            patch.setattr(usual, part, None)
        yield


def unpack(name: str, folder: Path) -> Path:
    with tarfile.open(DATA / name) as archive:
        archive.extractall(folder, filter="fully_trusted")  # our own archive, with links on purpose
    return folder


@pytest.fixture(scope="session")
def nyc(tmp_path_factory) -> Path:
    """Real artifacts of one city: `p2`, `p4`, `p5`, `p6`, and the answer keys in `keys`."""
    return unpack("nyc.tar.gz", tmp_path_factory.mktemp("cities") / "nyc")


@pytest.fixture(scope="session")
def rows(tmp_path_factory) -> Path:
    """Rows of some of the same datasets and of logs, with what is to be found of them."""
    return unpack("rows.tar.xz", tmp_path_factory.mktemp("rows"))


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


def run_command(*args: str | os.PathLike[str], may_fail_by_bug: bool = False) -> Result:
    """Run `lineage-bridge` in this process, as a user would."""
    from lineage_bridge.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([os.fspath(a) for a in args])
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    assert may_fail_by_bug or "bug of lineage_bridge" not in err.getvalue(), err.getvalue()
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
    """A home into which all of nyc was backfilled; tests must not change it.

    Nothing was looked into: of the rows of these files zeros are left (`data/pack.py`).
    """
    home = tmp_path_factory.mktemp("filled") / "home"
    folders = [f"--{family}={nyc / family}" for family in ("p2", "p4", "p5", "p6")]
    result = run_command(
        "backfill", "--no-observe", "--home", home, "--namespace", "urban", *folders
    )
    assert result.code == 0, result.err
    assert run_command("graph", "--home", home).code == 0  # fills the graph's tables
    return home
