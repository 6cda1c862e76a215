"""A process that forks while its threads emit, as schedulers do: nobody hangs, nothing is lost."""

from __future__ import annotations

import _sqlite3
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import HANG_SECONDS, run_command

from lineage_bridge.journal import Journal, spool

FORKING = Path(__file__).with_name("forking_process.py")

NEEDS_MUTEXES = pytest.mark.skipif(
    not hasattr(_sqlite3, "__file__"), reason="SQLite is a part of Python's own file here"
)
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")


def fork(home, case, children):
    """Run the process; return what it and its children were told is kept."""
    process = subprocess.Popen(
        # Later versions of Python warn of what is tried here.
        [sys.executable, "-W", "ignore::DeprecationWarning", FORKING, home, case, str(children)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert (process.returncode, said.decode()) == (0, "")
    return home.with_name("emitted").read_text().split()


def names(home):
    with Journal(home, readonly=True) as journal:
        return Counter(json.loads(s.body)["job"]["name"] for s in journal.read(limit=100_000))


@pytest.mark.parametrize(
    ("case", "children"),
    [pytest.param("emitting", 8, marks=pytest.mark.sample), ("emitting", 40), ("forgiving", 40)],
)
def test_children_emit_at_once_and_everything_is_in_the_journal(tmp_path, case, children):
    emitted = fork(tmp_path / "home", case, children)

    assert names(tmp_path / "home") == dict.fromkeys(emitted, 1)
    assert len([name for name in emitted if name.startswith("child-")]) >= 2 * children
    assert not spool.waits(tmp_path / "home")
    assert run_command("journal", "verify", "--home", tmp_path / "home").code == 0


@pytest.mark.parametrize(
    ("case", "children"),
    [
        ("open", 30),
        pytest.param("foreign", 3, marks=NEEDS_MUTEXES),
    ],
)
def test_where_sqlite_cannot_be_used_children_emit_into_the_spool(tmp_path, case, children):
    emitted = fork(tmp_path / "home", case, children)

    assert spool.waits(tmp_path / "home")
    with Journal(tmp_path / "home") as journal:
        spool.take_in(journal)
    assert names(tmp_path / "home") == dict.fromkeys(emitted, 1)
    assert run_command("journal", "verify", "--home", tmp_path / "home").code == 0
