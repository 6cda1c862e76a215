"""Watching the sources of a home: what comes is read, whatever happens to it and to the watcher."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cases import others_slow

from lineage_bridge.errors import JournalError
from lineage_bridge.ingest.sources import named, remember
from lineage_bridge.ingest.watch import SIGN_SECONDS, Watcher, last_look
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

NOW = datetime(2026, 4, 8, tzinfo=UTC)
FAMILIES = ("p2", "p4", "p5", "p6")


@pytest.fixture
def city(tmp_path):
    folder = tmp_path / "city"
    folder.mkdir()
    return folder


class Watching:
    """A home with a watcher that is shown one change after another."""

    def __init__(self, home, *sources, **options):
        self.journal = Journal(home)
        remember(self.journal, named(sources), NOW)
        self.passes, self.troubles, self.now = [], [], 0.0
        self.stop = threading.Event()
        self.watcher = Watcher(
            self.journal,
            Settings(home=home, namespace="city"),
            self.stop,
            tell=self.passes.append,
            trouble=self.troubles.append,
            observes=False,
            clock=lambda: self.now,
            **options,
        )

    def look(self, *looks):
        self.watcher.run([one if one is None else frozenset(map(str, one)) for one in looks])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.journal.close()


def deliver(nyc, city, seed):
    """Copy the artifacts piece by piece; yield the paths that changed, one file in parts.

    Metrics come in the order of their time, as they are written; all else in any order.
    """
    rng = random.Random(seed)
    files = [path for family in FAMILIES for path in (nyc / family).rglob("*") if path.is_file()]
    rng.shuffle(files)
    in_order = iter(sorted((path for path in files if is_of_windows(path)), reverse=True))
    files = [next(in_order) if is_of_windows(path) else path for path in files]
    while files:
        changed = set()
        for path in [files.pop() for _ in range(min(len(files), rng.randint(1, 200)))]:
            target = city / path.relative_to(nyc)
            target.parent.mkdir(parents=True, exist_ok=True)
            body = path.read_bytes()
            if path.name == "deployment_events.jsonl":
                cut = rng.randrange(len(body))
                target.write_bytes(body[:cut])
                yield changed | {target.resolve()}
                changed = set()
            target.write_bytes(body)
            changed.add(target.resolve())
        yield changed


def is_of_windows(path):
    return path.name.startswith("metrics_") and path.suffix == ".jsonl"


def graph(lb, home):
    return lb("graph", "--json", "--home", home, "--at", "2027-01-01T00:00:00Z").json


@pytest.mark.parametrize("seed", others_slow(range(4)))
def test_what_comes_bit_by_bit_is_as_if_it_were_read_at_once(nyc, city, lb, tmp_path, seed):
    bit_by_bit, at_once = tmp_path / "bit", tmp_path / "once"
    with Watching(bit_by_bit, city) as watching:
        watching.look(None)
        for changed in deliver(nyc, city, seed):
            watching.look(changed)
        assert all(not one.is_whole for one in watching.passes[1:])
    lb("backfill", city, "--no-observe", "--home", at_once, "--namespace", "city")
    lb(
        "backfill", city, "--no-observe", "--home", bit_by_bit
    )  # tells the sums of the end, as each backfill does

    assert graph(lb, bit_by_bit) == graph(lb, at_once)


def test_only_what_changed_is_looked_at(nyc, city, tmp_path):
    shutil.copytree(nyc / "p2", city / "p2")
    with Watching(tmp_path / "home", city) as watching:
        watching.look(None)
        new = next((nyc / "p4").rglob("metadata.json"))
        target = city / "p4" / new.parent.name / "metadata.json"
        target.parent.mkdir(parents=True)
        shutil.copy(new, target)
        watching.look({target.resolve()})
        first, second = watching.passes
        assert first.done.read.total() > 1
        assert (second.done.read, second.done.unchanged) == ({"p4 bundle": 1}, 0)


def test_nothing_to_look_at_is_no_pass(city, tmp_path):
    with Watching(tmp_path / "home", city) as watching:
        watching.look(None, (), ())
        assert len(watching.passes) == 1


def test_its_own_home_in_a_source_is_no_change(city, tmp_path):
    home = city / "home"
    with Watching(home, city) as watching:
        watching.look(None, {home / "journal.db-wal", home / "locks" / "ingest.lock"})
        assert len(watching.passes) == 1


def test_a_source_that_goes_and_comes_back_is_named_once_and_read_again(nyc, city, tmp_path):
    shutil.copytree(nyc / "p2", city / "p2")
    away = tmp_path / "away"
    with Watching(tmp_path / "home", city) as watching:
        watching.look(None)
        city.rename(away)
        watching.look(None, None)
        away.rename(city)
        watching.look(None)
        assert watching.troubles == [
            f"`{city}` is gone. What was read from it stays; it is read again once it is back."
        ]
        events = [one.done.events for one in watching.passes]
        assert events[0] > 0
        assert events[1:] == [0, 0, 0]


def test_what_a_full_disk_kept_it_from_is_done_later(nyc, city, tmp_path, monkeypatch):
    shutil.copytree(nyc / "p2", city / "p2")
    with Watching(tmp_path / "home", city) as watching:
        with monkeypatch.context() as patch:
            patch.setattr(watching.journal, "transaction", full_disk)
            watching.look(None, (), ())
        assert watching.passes == []
        assert watching.troubles == ["The disk is full. It is tried again."]
        watching.look(())  # too early
        assert watching.passes == []
        watching.now += 60
        watching.look(())
        assert watching.passes[0].is_whole
        assert watching.passes[0].done.events > 0


def test_the_home_says_when_it_was_looked_at_last_unless_the_watcher_was_stopped(city, tmp_path):
    def last(watching):
        with watching.journal.reading() as connection:
            return last_look(connection)

    looked = iter(NOW + timedelta(minutes=minute) for minute in range(9))
    with Watching(tmp_path / "home", city, now=lambda: next(looked)) as watching:
        assert last(watching) is None
        watching.look(None, ())
        assert last(watching) == NOW
        watching.now += SIGN_SECONDS
        watching.look(())
        assert last(watching) == NOW + timedelta(minutes=1)
        watching.stop.set()
        watching.look(())
        assert last(watching) is None


def full_disk(*_):
    raise JournalError("The disk is full.")


def test_it_is_stopped_in_the_middle_of_a_pass(nyc, city, tmp_path):
    shutil.copytree(nyc / "p5", city / "p5")
    with Watching(tmp_path / "home", city) as watching:
        watching.stop.set()
        watching.look(None)
        assert watching.passes == []
        watching.stop.clear()
        watching.look(None)
        assert watching.passes[0].done.windows > 0


# The command itself


def watching_process(home, *args):
    command = [sys.executable, "-m", "lineage_bridge.cli.main", "watch", "--json", *args]
    return subprocess.Popen(
        [*map(str, command), "--home", str(home)], stdout=subprocess.PIPE, text=True
    )


def lines_until(process, is_it):
    for line in process.stdout:
        found = json.loads(line)
        if is_it(found):
            return found
    raise AssertionError("the process ended")


@pytest.mark.slow
def test_a_new_file_is_read_and_a_polite_kill_ends_it(nyc, city, tmp_path):
    process = watching_process(tmp_path / "home", city)
    try:
        lines_until(process, lambda line: line["whole"])
        shutil.copytree(nyc / "p2", city / "p2")
        assert lines_until(process, lambda line: line["events"])["read"]["p2 dataset"] > 0
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_without_a_source_it_says_what_to_do(lb):
    result = lb("watch")
    assert result.code == 2
    assert "There is nothing to watch. Name folders here, or with" in result.err


@pytest.mark.slow
def test_up_watches_what_becomes_a_source(nyc, city, lb, tmp_path):
    shutil.copytree(nyc / "p2", city / "p2")
    command = [sys.executable, "-m", "lineage_bridge.cli.main", "up", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = [next(process.stdout) for _ in range(5)]
        assert said[3].startswith("Watching:   nothing yet; ")
        assert lb("sources", "add", city, "--family", "p2").code == 0
        assert "appended (all was looked at)" in next(process.stdout)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# Sources


def test_what_a_backfill_named_is_a_source(nyc, lb, city, tmp_path):
    lb("backfill", "--p2", nyc / "p2", city)
    found = lb("sources", "list", "--json").json["sources"]
    assert found == [
        {"path": str(nyc / "p2"), "family": "p2", "declared": False},
        {"path": str(city), "family": "all", "declared": False},
    ]
    lb("backfill", "--dry-run", tmp_path / "city")
    assert lb("sources", "list", "--json").json["sources"] == found


def test_sources_are_added_and_removed(lb, city):
    assert "There are none." in lb("sources", "list").out
    assert lb("sources", "add", city, "--family", "p5").code == 0
    assert lb("sources", "add", city).out.startswith("1 added.")
    assert lb("sources", "add", city).out.startswith("0 added.")
    assert [one["family"] for one in lb("sources", "list", "--json").json["sources"]] == [
        "all",
        "p5",
    ]
    assert lb("sources", "remove", city, "--family", "p5").code == 0
    assert lb("sources", "remove", "city").out.startswith("1 removed.")
    gone = lb("sources", "remove", city)
    assert (gone.code, "is no source" in gone.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('sources = { all = ["city"], p5 = ["city/x"] }', None),
        ('sources = { p9 = ["city"] }', "`p9` in `sources` in `"),
        ('sources = ["city"]', "`sources` in `"),
        ("sources = { all = [7] }", "`sources.all.0` in `"),
    ],
)
def test_the_settings_name_sources_beside_them(lb, city, tmp_path, text, said):
    (tmp_path / "lineage-bridge.toml").write_text(text)
    result = lb("sources", "list", "--json")
    if said is not None:
        assert (result.code, said in result.err) == (2, True), result.err
        return
    assert [(one["path"], one["family"]) for one in result.json["sources"]] == [
        (str(city), "all"),
        (str(city / "x"), "p5"),
    ]
    declared = lb("sources", "remove", city)
    assert "is named in" in declared.err


def test_a_family_that_there_is_not_is_refused(lb, city):
    result = lb("sources", "add", city, "--family", "p9")
    assert (result.code, "Expected one of: all, " in result.err) == (2, True)
