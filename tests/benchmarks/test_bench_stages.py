"""Speed of what tells of changes: a history of 10,000 commits, a cluster of 2,000 deployments.

The limits are in processor time; `-s` prints the figures, `docs/benchmarks.md` has them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from clusters import container, revision, scaled, workload, write
from repositories import repository

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

COMMITS, DEPLOYMENTS = 10_000, 2_000


def spent(what, *args):
    """Run a command in a process of its own; print and return its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "lineage_bridge.cli.main", *map(str, args)]
    subprocess.run(command, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"\n{what}: {seconds:.1f} s, at most {after.ru_maxrss / 1024:.0f} MB so far")
    return seconds


def questions(folder, home):
    read = ("backfill", "--no-observe", folder, "--home", home)
    first, again = spent("backfill", *read), spent("again", *read)
    spent("changes, with all tables to derive", "changes", "--json", "--home", home)
    return first, again, spent("changes", "changes", "--json", "--home", home)


def test_a_history(tmp_path):
    start, commits = datetime(2020, 1, 1, tzinfo=UTC), []
    for number in range(COMMITS):
        files = {f"src/m{number % 50}.py": f"x = {number}\n"}
        if number % 10 == 0:
            pins = (f"p{n}=={n if n != number % 100 else number}" for n in range(100))
            files["requirements.txt"] = "\n".join(pins)
        if number % 7 == 0:
            files[f"features/f{number % 5}.sql"] = f"SELECT {number}\nFROM t\n"
        time = format_datetime(start + timedelta(hours=number))
        commits.append((time, f"commit {number}", files))
    repository(tmp_path / "code" / "repo", commits)
    first, again, asked = questions(tmp_path / "code", tmp_path / "home")
    assert first < 40
    assert again < 5
    assert asked < 12


def test_a_cluster(tmp_path):
    objects = []
    for number in range(DEPLOYMENTS):
        for version in (1, 2, 3):
            server = container(image=f"r/s:{version}", MODEL_URI=f"models:/m{number}/{version}")
            created = f"2026-0{version}-01T00:00:00Z"
            one = revision(version, created, server, of=f"d{number}")
            objects.append(one if version == 3 else scaled(one, 0))
        objects.append(workload("Deployment", f"d{number}", server))
    write(tmp_path / "k8s" / "cluster.json", *objects)
    first, again, asked = questions(tmp_path / "k8s", tmp_path / "home")
    assert first < 50
    assert again < 10
    assert asked < 10
