"""Event times beyond what a datetime holds: taken, shown as sent, and everything else goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from builders import a_facet, an_event
from conftest import unpack
from contract.collector_world import event, world

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.events import event_of
from lineage_bridge.events.event_time import parse_micros
from lineage_bridge.exporter.metrics_collector import MetricsCollector
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.journal import Journal, spool
from lineage_bridge.page.content import read_content
from lineage_bridge.page.html import page_html
from lineage_bridge.settings import Settings
from lineage_bridge.times import EARLIEST_US, LATEST_US, parse_time

EXAMPLES = Path(__file__).parents[2] / "examples" / "p5"
FAR = {  # as it is sent, and as the feed shows it
    "milliseconds as seconds": (1769932800000, "+58056-12-08T08:00:00Z"),
    "the year 12026": ("+12026-01-05T10:00:00.5Z", "+12026-01-05T10:00:00.5Z"),
    "the last second of RFC 3339": ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    "rounded into the year 10000": (
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59.9999999Z",
    ),
    "the year 10000 in UTC": ("9999-12-31T23:59:59-18:00", "+10000-01-01T17:59:59Z"),
    "almost as far as can be": (2**62 // 10**6 - 1, "+148108-07-06T14:00:26Z"),
    "the first second of RFC 3339": ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    "the year 0": ("0000-06-15T00:00Z", "0000-06-15T00:00:00Z"),
    "the ides of March": ("-0043-03-15T12:00:00Z", "-0043-03-15T12:00:00Z"),
    "ages ago": (-(10**12), "-29719-04-05T22:13:20Z"),
    "a second before the epoch": (-1, "1969-12-31T23:59:59Z"),
}
ENDS = ("0001-01-01T00:00:00Z", "2026-04-07T10:30:00Z", "9999-12-31T23:59:59.999999Z")
COMMANDS = [
    *(("graph", *more) for more in ((), ("--json",))),
    *((name, bound, at) for name in ("graph",) for bound in ("--at", "--known-at") for at in ENDS),
    *((name, "--at", at) for name in ("health", "freshness") for at in ENDS),
    ("path", "db:a", "jobs:j1"),
    ("doctor",),
    ("exporter", "--once"),
    *(("journal", name) for name in ("status", "verify", "dead")),
    ("journal", "prune", "--older-than", "1d"),
    ("journal", "rebuild"),
]


FEED = "/events/lineage?after=-99999-01-01T00:00:00Z&before=%2B148108-01-01T00:00:00Z"


def a_far_event(number, time):
    sent = event("COMPLETE", "10:00:00", run=number, job=f"j{number}", inputs=["a"], outputs=["b"])
    return {**sent, "eventTime": time}


def ask_everything(lb, home):
    for command in COMMANDS:
        done = lb(*command, "--home", home)
        assert done.code in {0, 1}, (command, done)
    assert lb("journal", "verify", "--home", home, "--json").json["problems"] == []
    with Journal(home) as journal:
        snapshots = Snapshots(journal, Policies())
        for at in ENDS:
            snapshot = snapshots.at(parse_time(at).instant)
            assert "</html>" in page_html(read_content(snapshot, 0), metrics_url=None)
        series = {family.name for family in MetricsCollector(journal, Settings()).collect()}
        assert "lineage_bridge_journal_last_event_timestamp_seconds" in series
        assert all(EARLIEST_US <= stored.time_us <= LATEST_US for stored in journal.read())


@pytest.fixture(scope="module")
def far_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("far") / "home"
    with world(home) as w:
        w.send(*(a_far_event(number, time) for number, (time, _) in enumerate(FAR.values())))
    return home


def test_the_collector_shows_it_as_sent(far_home):
    with world(far_home) as w:
        feed, jobs = w.get(FEED), w.get("/jobs")
        runs = [w.get(f"/namespaces/jobs/jobs/j{n}/runs")["runs"][0] for n in range(len(FAR))]

    assert feed["totalCount"] == jobs["totalCount"] == len(FAR)
    assert {each["eventTime"] for each in feed["events"]} == {shown for _, shown in FAR.values()}
    for run, (name, (_, shown)) in zip(runs, FAR.items(), strict=True):
        rounded = name == "rounded into the year 10000"
        expected = "+10000-01-01T00:00:00Z" if rounded else shown.replace(".5Z", ".500Z")
        assert run["endedAt"] == run["createdAt"] == expected, name


def test_everything_else_can_hold_it(far_home, lb, tmp_path):
    ask_everything(lb, shutil.copytree(far_home, tmp_path / "home"))


def test_in_order_and_for_bounds_it_is_at_the_end_of_the_range(far_home):
    with world(far_home) as w:
        later = w.get(FEED.replace("-99999", "%2B10000"))
        earlier = w.get(FEED.replace("%2B148108", "-0001"))
    with Journal(far_home) as journal:
        times = [stored.time_us for stored in journal.read()]

    assert [later["totalCount"], earlier["totalCount"]] == [
        times.count(LATEST_US),
        times.count(EARLIEST_US),
    ]


def as_before(home):
    """Let a home have the times that the collector of earlier versions gave its events."""
    with closing(sqlite3.connect(home / "journal.db")) as connection, connection:
        for number, time_us in enumerate(parse_micros(time) for time, _ in FAR.values()):
            job = json.dumps(a_far_event(number, 0)["job"]).encode()
            connection.execute("UPDATE events SET time_us = ? WHERE instr(body, ?)", (time_us, job))
        connection.executescript("DROP TABLE digests; DROP TABLE undigested")
        connection.execute(
            "DELETE FROM migrations WHERE name IN ('event times in range', 'digests')"
        )


def test_a_home_that_holds_it_from_before_is_usable_again(far_home, lb, tmp_path):
    home = shutil.copytree(far_home, tmp_path / "home")
    as_before(home)
    for path in home.glob("models*"):
        path.unlink()

    assert lb("journal", "verify", "--home", home, "--json").json["problems"] == []
    assert lb("journal", "status", "--home", home).code == 0
    ask_everything(lb, home)
    file = tmp_path / "saved.ndjson"
    assert lb("journal", "export", file, "--home", home).code == 0
    again = lb("journal", "import", file, "--home", home, "--json").json
    assert again == {"appended": 0, "known": len(FAR)}


@pytest.mark.slow
def test_a_home_of_a_released_version_that_holds_it_is_usable_again(lb, tmp_path):
    home = unpack("home-0.1.tar.gz", tmp_path) / "home"
    body = json.dumps(a_far_event(1, 1769932800000)).encode()
    with closing(sqlite3.connect(home / "journal.db")) as connection, connection:
        connection.execute(
            "INSERT INTO events (kind, time_us, received_us, origin, body)"
            " VALUES ('run', 1769932800000000000, 1769932800000000, 'http', ?)",
            (body,),
        )

    ask_everything(lb, home)
    nodes = lb("graph", "--json", "--home", home).json["nodes"]
    assert "job:jobs:j1" in {node["id"] for node in nodes}


@pytest.mark.parametrize("far", FAR)
def test_by_every_other_way_in_it_is_in_range_too(far, lb, tmp_path):
    home, file = tmp_path / "home", tmp_path / "saved"
    document = a_far_event(1, FAR[far][0])
    file.write_text(json.dumps(document))
    emitted = event_of(document | {"producer": "a pipeline"}, b"")
    spooled = event_of(document | {"producer": "a slow one"}, json.dumps(document).encode())
    home.mkdir()
    spool.put(home, spooled, "transport")

    assert lb("journal", "import", file, "--home", home, "--json").json["appended"] == 1

    with Journal(home) as journal:
        times = {emitted.time_us, *(stored.time_us for stored in journal.read())}
        assert len(journal.read()) == 2
    assert len(times) == 1
    assert all(EARLIEST_US <= time_us <= LATEST_US for time_us in times)


def test_artifacts_and_trainings_of_any_time_are_read(lb, tmp_path):
    """Two starts in the first second, which end each other, and a training of countless years."""
    found = EXAMPLES.rglob("deployment_events.jsonl")
    start = json.loads(next(found).read_text().splitlines()[0])
    starts = [
        start | {"event_time": time, "model_version": f"v{version}"}
        for version, time in enumerate([*(ENDS[0],) * 2, *(ENDS[2],) * 2])
    ]
    folder = tmp_path / "p5"
    folder.mkdir()
    file = folder / "deployment_events.jsonl"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in starts))
    reported = {"upstreamRunId": "r", "model": "m", "durationSeconds": 1e300}
    run_facets = {TrainingFacet.key: a_facet(TrainingFacet.key, reported)}
    trained = an_event("train.m", outputs=["models.m@v1"], run_facets=run_facets)
    with Journal(tmp_path / "home") as journal:
        journal.append([trained], "import")

    backfill = ("backfill", f"--p5={folder}", "--namespace", "ns", "--json")
    first, again = lb(*backfill), lb(*backfill)

    assert (first.code, again.code, again.json["events"]) == (0, 0, 0)
    assert first.json["events"] >= len(starts)
    for command in (("graph",), ("health",), ("doctor",), ("journal", "verify")):
        assert lb(*command).code in {0, 1}
