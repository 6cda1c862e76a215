"""A home's two files, whatever cuts the work on them short: nothing is lost, answers stay whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from builders import an_event
from conftest import run_command, unpack

from lineage_bridge.journal import Journal

EXAMPLES = Path(__file__).parents[2] / "examples"
DYING = Path(__file__).with_name("dying_command.py")
NOW = ("--at", "2026-11-20T00:00:00Z")
POINTS = (*range(1, 60, 3), *range(60, 400, 45), 700, 1100, 1800, 3000, 5000)


def answers(home):
    questions = (("graph",), ("health", *NOW), ("freshness", *NOW))
    return [run_command(*question, "--home", home, "--json").out for question in questions]


def die(point, *command):
    """Run a command that dies at a statement; tell whether it did, or had come to its end."""
    tests, package = Path(__file__).parents[1], Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(DYING), str(point), *map(str, command)],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{package}"},
        capture_output=True,
        check=False,
    )
    assert done.returncode in {0, 9}, done.stderr.decode()
    return done.returncode == 9


@pytest.fixture(scope="module")
def pruned(nyc_home, tmp_path_factory):
    """What a city's journal answers when it was pruned in one go."""
    home = shutil.copytree(nyc_home, tmp_path_factory.mktemp("pruned") / "home")
    run_command("journal", "prune", "--older-than", "1d", "--home", home)
    return answers(home)


@pytest.mark.parametrize("point", POINTS)
def test_a_pruning_that_is_killed_changes_no_answer_and_is_finished(
    point, nyc_home, tmp_path, pruned
):
    home = shutil.copytree(nyc_home, tmp_path / "home")
    before = answers(nyc_home)[1:]
    prune = ("journal", "prune", "--older-than", "1d", "--home", home)

    die(point, *prune)

    assert answers(home)[1:] == before
    if point % 2:  # the others are pruned again at once
        assert run_command("journal", "rebuild", "--home", home).code == 0
        assert answers(home)[1:] == before
    assert run_command(*prune).code == 0
    assert answers(home) == pruned
    assert run_command("journal", "verify", "--home", home).code == 0


@pytest.mark.parametrize("point", POINTS)
def test_a_rebuild_that_is_killed_changes_no_answer(point, nyc_home, tmp_path):
    home = shutil.copytree(nyc_home, tmp_path / "home")
    before = answers(nyc_home)

    die(point, "journal", "rebuild", "--home", home)

    assert answers(home) == before
    assert run_command("journal", "rebuild", "--home", home).code == 0
    assert answers(home) == before
    assert len(list(home.glob("models*.db"))) == 1


@pytest.fixture(scope="module")
def taken_over(tmp_path_factory):
    """What a home of 0.1 answers that was taken over in one go, and how much it has to say."""
    kept = unpack("home-0.1.tar.gz", tmp_path_factory.mktemp("taken_over"))
    graph = run_command("graph", "--home", kept / "home", "--json").out
    return graph, backfilled(kept / "home")


def backfilled(home):
    """Return how many events the examples add: an older home lacks what is told only now."""
    examples = [f"--{f}={EXAMPLES / f}" for f in ("p2", "p4", "p5", "p6")]
    command = ("backfill", *examples, "--home", home, "--namespace", "city", "--json")
    return run_command(*command).json["events"]


@pytest.mark.parametrize("point", POINTS)
def test_a_takeover_that_is_killed_is_finished_by_the_next_command(point, tmp_path, taken_over):
    kept = unpack("home-0.1.tar.gz", tmp_path)

    die(point, "journal", "rebuild", "--home", kept / "home")

    graph = run_command("graph", "--home", kept / "home", "--json").out
    assert (graph, backfilled(kept / "home")) == taken_over
    assert backfilled(kept / "home") == 0
    assert run_command("journal", "verify", "--home", kept / "home").code == 0


def test_what_is_derived_may_be_deleted(nyc_home, tmp_path):
    home = shutil.copytree(nyc_home, tmp_path / "home")
    for path in home.glob("models*"):
        path.unlink()

    assert answers(home) == answers(nyc_home)


def test_what_is_derived_may_be_broken(nyc_home, tmp_path):
    home = shutil.copytree(nyc_home, tmp_path / "home")
    for path in home.glob("models*.db"):
        path.write_bytes(b"no database" * 1000)

    assert run_command("journal", "rebuild", "--home", home).code == 0
    assert answers(home) == answers(nyc_home)


def a_home(folder, *, names):
    with Journal(folder) as journal:
        for number, name in enumerate(names):
            event = an_event(name, number, run=str(number), outputs=[f"{name}@1"])
            with journal.transaction(received_us=1000 + number) as tx:
                tx.append(event, "artifact")
    return folder


@pytest.mark.parametrize("later", [0, 1, 2, 5])
def test_a_lost_log_is_noticed_though_its_numbers_were_given_again(later, tmp_path):
    """As after `rm *-wal`, or a journal that was put back from a copy: models are ahead of it."""
    home = a_home(tmp_path / "home", names=["a", "b"])
    kept = (home / "journal.db").read_bytes()
    with Journal(home) as journal:
        for name in ("c", "d"):
            journal.append([an_event(name, 9, run=name, outputs=[f"{name}@1"])], "artifact")
    assert '"job:ns:d"' in run_command("graph", "--home", home, "--json").out

    (home / "journal.db").write_bytes(kept)
    names = ["e", "f", "g", "h", "i"][:later]
    with Journal(home) as journal:
        for name in names:
            journal.append([an_event(name, 10, run=name, outputs=[f"{name}@1"])], "artifact")

    fresh = a_home(tmp_path / "fresh", names=["a", "b"])
    with Journal(fresh) as journal:
        for name in names:
            journal.append([an_event(name, 10, run=name, outputs=[f"{name}@1"])], "artifact")
    shown = run_command("graph", "--home", home, "--json").out
    assert shown == run_command("graph", "--home", fresh, "--json").out
    with sqlite3.connect(home / "models.db") as connection:
        (reached,) = connection.execute("SELECT seq FROM models WHERE name = 'graph'").fetchone()
    connection.close()
    assert reached == 2 + later


def test_verify_says_which_file_is_damaged_and_rebuild_mends_it(nyc_home, tmp_path):
    home = shutil.copytree(nyc_home, tmp_path / "home")
    run_command("journal", "rebuild", "--home", home)
    (path,) = home.glob("models*.db")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 50_000)

    told = run_command("journal", "verify", "--home", home)
    assert told.code == 1
    assert f"`lineage-bridge journal rebuild --home {home}` makes it again" in told.out
    assert "--salvage" not in told.out
    assert run_command("journal", "rebuild", "--home", home).code == 0
    assert answers(home) == answers(nyc_home)
