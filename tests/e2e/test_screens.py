"""What people see on terminals of usual widths, from real artifacts."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import run_command
from rich.cells import cell_len

AT = ("--at", "2026-04-07T10:30:00Z")
SOURCE = "duckdb://mobility:main.raw_station_metrics_1min"
SLOW = "predictions.dep-nyc-prod-slow.production.mobility-serving-layer"


@pytest.fixture(params=[80, 100, 120, 200])
def width(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def screen(home, width, *command, code):
    result = run_command(*command, "--home", home)
    assert (result.code, result.err) == (code, "")
    lines = result.out.rstrip("\n").split("\n")
    if command[0] != "doctor":  # a line to copy into a file stays one line
        assert max(map(cell_len, lines)) <= width
    return lines


def columns_of(line):
    return re.split(r"  +", line)


def test_health_shows_deployment_status_and_why_and_the_worst_first(nyc_home, width):
    lines = screen(nyc_home, width, "health", *AT, code=1)

    assert lines[0] == "Deployments at 2026-04-07T10:30:00Z"
    assert columns_of(lines[1])[:3] == ["deployment", "status", "why"]
    counts = r"17 deployments: \d unhealthy, \d degraded, \d unknown, \d idle, \d healthy"
    (end,) = (place for place, line in enumerate(lines) if re.fullmatch(counts, line))
    of_deployments = "\n".join(lines[:end])
    seen = re.findall(r" [X!?+-] (unhealthy|degraded|unknown|idle|healthy)\b", of_deployments)
    order = ["unhealthy", "degraded", "unknown", "idle", "healthy"]
    assert len(seen) == 17
    assert seen == sorted(seen, key=order.index)
    assert any(line.startswith("production/dep-nyc-prod-slow") for line in lines)


def test_freshness_shows_version_status_and_age(nyc_home, width):
    lines = screen(nyc_home, width, "freshness", "--all", *AT, code=1)

    assert columns_of(lines[1])[:4] == ["dataset", "version", "status", "data age"]
    assert all(
        re.search("X stale|! late|[+] fresh", line) for line in lines if "2026-04-0" in line[20:50]
    )
    assert re.match(r"\d+ datasets: \d+ stale", lines[-1])


def test_a_path_shows_names_and_versions(nyc_home, width):
    lines = screen(nyc_home, width, "path", SOURCE, SLOW, *AT, code=0)

    assert columns_of(lines[0])[0] == "when"
    assert any("features.mobility.training_dataset" in line for line in lines)
    shown = "identified by" in lines[0]
    hidden = re.search(r"Not shown at this width: .*identified by", "\n".join(lines))
    assert shown != bool(hidden)


def test_the_graph_is_three_tables(nyc_home, width):
    lines = screen(nyc_home, width, "graph", code=0)

    titles = [line for line in lines if re.match(r"[\d,]+ (dataset|job|edge)s?\b", line)]
    assert [title.split()[1].rstrip(":") for title in titles] == ["datasets", "jobs", "edges"]


def test_doctor_keeps_the_line_that_mends_whole(nyc_home, width):
    lines = screen(nyc_home, width, "doctor", code=1)

    assert lines[0] == "Missing edges: 4"
    assert lines[1] == "3 trainings do not say which dataset they read"  # like gaps together
    mends = [line for line in lines if line.startswith("  mend  lineage-bridge alias add run ")]
    assert len(mends) == 3
    pasted = re.compile(rf" features\.mobility\.training_dataset@\S+Z --home {nyc_home}$")
    assert all(pasted.search(line) for line in mends)
    assert sum(line.startswith("  guess ") for line in lines) == 3


@pytest.mark.slow
def test_in_a_pipe_nothing_is_coloured_and_names_have_room(nyc_home, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    done = subprocess.run(
        [sys.executable, "-m", "lineage_bridge.cli.main", "path", SOURCE, SLOW, "--home", nyc_home],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout
    assert SLOW in done.stdout
    assert "Not shown" not in done.stdout
