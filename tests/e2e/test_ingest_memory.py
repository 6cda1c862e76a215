"""What ingest remembers: of older versions, damaged, of another adapter, not saved to the end."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cases import others_slow

from lineage_bridge.adapters.registry import adapters
from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.journal import Journal
from lineage_bridge.observe import unsaved
from lineage_bridge.observe.serving import windows
from lineage_bridge.settings import Settings

pytestmark = pytest.mark.slow  # `make test` runs the samples

ALL_SLOTS = "SELECT * FROM serving_slots"
FAMILIES = ("p2", "p4", "p5", "p6")
WINDOWS_OF_FILES = ("window_slots", "window_files")
PARTS = ("begin", "end", "digest")
SOMETHING_CHANGED = "UPDATE ingest_facts SET value = value + 1 WHERE key = 'records_generation'"


@pytest.fixture
def city(nyc, lb, tmp_path):
    """A copy of the artifacts that was backfilled into the home of the test."""
    root = shutil.copytree(nyc, tmp_path / "city")
    assert lb("backfill", "--namespace", "urban", root).code == 0
    return root


def change(tmp_path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "journal.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def ask(tmp_path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(tmp_path / "home" / "journal.db")) as connection:
        return connection.execute(query).fetchall()


def gaps_in(lb):
    return {(gap["kind"], gap["what"]) for gap in lb("doctor", "--json").json["gaps"]}


def graph(lb):
    return lb("graph", "--json", "--at", "2028-01-01T00:00:00Z").json


# Versions of adapters, of tables


@pytest.mark.parametrize("family", others_slow(FAMILIES))
def test_the_files_of_a_family_are_read_again_when_its_version_is_raised(
    city, lb, monkeypatch, family
):
    first = lb("backfill", "--json", city).json
    assert first["read"] == {}

    adapter = adapters()[family]
    monkeypatch.setattr(adapter, "version", adapter.version + 1)
    again = lb("backfill", "--json", city).json

    assert {kind.split()[0] for kind in again["read"]} == {family}
    assert again["events"] == 0
    assert again["windows"] == {"read": 0, "duplicates": 0}
    assert lb("backfill", "--json", city).json["read"] == {}


def test_what_a_new_version_reads_otherwise_is_told(city, lb, monkeypatch):
    from lineage_bridge.adapters import serving

    def read_event(line, source, _read=serving.read_event):
        from msgspec.structs import replace

        record = _read(line, source)
        return replace(record, activation_reason="read by a newer version")

    monkeypatch.setattr(serving, "read_event", read_event)
    assert lb("backfill", "--json", city).json["events"] == 0

    monkeypatch.setattr(serving.ADAPTER, "version", 99)
    again = lb("backfill", "--json", city).json

    assert again["events"] > 0
    assert lb("backfill", "--json", city).json["events"] == 0


def test_a_home_of_the_time_before_migrations_is_read_and_brought_up_to_date(city, lb, tmp_path):
    gaps, before = gaps_in(lb), graph(lb)
    first = lb("backfill", "--json", "--home", tmp_path / "fresh", "--namespace", "u", city).json
    migrations = ask(tmp_path, "SELECT name FROM migrations WHERE room = 'ingest'")
    change(
        tmp_path,
        "ALTER TABLE records DROP COLUMN shape",
        "ALTER TABLE read_files DROP COLUMN version",
        "ALTER TABLE scanned_files DROP COLUMN version",
        "ALTER TABLE quarantine DROP COLUMN count",
        *(f"ALTER TABLE scanned_files DROP COLUMN bad_{part}" for part in PARTS),
        "ALTER TABLE records DROP COLUMN subject",
        "ALTER TABLE records DROP COLUMN generation",
        "CREATE TABLE emitted (subject TEXT PRIMARY KEY, said TEXT NOT NULL, id TEXT NOT NULL)",
        *(f"DROP TABLE {table}" for table in ("unsaved_events", "retracted", *WINDOWS_OF_FILES)),
        "DELETE FROM ingest_facts WHERE key IN ('records_generation', 'linked')",
        "DELETE FROM migrations WHERE room = 'ingest'",
    )

    assert gaps_in(lb) == gaps  # which only reads

    again = lb("backfill", "--json", city).json
    assert again["events"] == 0
    assert set(again["read"]) == set(first["read"])  # records of then are kept no more
    assert graph(lb) == before
    assert lb("backfill", "--json", city).json["read"] == {}
    assert ask(tmp_path, "SELECT name FROM migrations WHERE room = 'ingest'") == migrations


@pytest.mark.sample
def test_a_home_of_a_newer_version_is_refused_by_name(city, lb, tmp_path):
    change(tmp_path, "INSERT INTO migrations VALUES ('ingest', 'something new', 0)")

    result = lb("backfill", city)

    assert (result.code, result.out) != (0, "")
    assert "something new" in result.err
    assert "Traceback" not in result.err


# Records that cannot be decoded

DAMAGE = [
    'body = CAST(\'{"type":"none"}\' AS BLOB)',
    "body = x'ff00', shape = NULL",
    "body = CAST('{}' AS BLOB)",
    "shape = 'dataset/99'",
    "shape = 'folder/1'",
]


@pytest.mark.parametrize("damage", others_slow(DAMAGE, fast=2))
def test_records_that_cannot_be_decoded_are_read_again(city, lb, tmp_path, damage):
    before, doctor = graph(lb), lb("doctor", "--json").json
    query = "SELECT family, path, line, part, body, shape, subject FROM records"
    stored = sorted(ask(tmp_path, query))
    change(tmp_path, f"UPDATE records SET {damage}", SOMETHING_CHANGED)

    asked = lb("doctor", "--json")  # the journal knows these records as well
    assert (asked.code, asked.json["gaps"]) == (1, doctor["gaps"])

    again = lb("backfill", "--json", city)
    assert (again.code, again.json["events"], again.json["rejected"]) == (0, 0, [])
    assert sorted(ask(tmp_path, query)) == stored
    assert graph(lb) == before
    assert lb("doctor", "--json").json == doctor


def test_a_file_outside_of_the_named_folders_is_read_again_as_well(city, lb, tmp_path):
    doctor, before = lb("doctor", "--json").json["gaps"], graph(lb)
    change(tmp_path, "UPDATE records SET shape = 'dataset/99'", SOMETHING_CHANGED)

    again = lb("backfill", "--json", "--p6", city / "p6")

    assert (again.code, again.json["events"]) == (0, 0)
    assert again.json["read"].keys() > {"p2 metrics", "p4 bundle"}
    assert graph(lb) == before
    assert len(lb("doctor", "--json").json["gaps"]) == len(doctor)


def test_of_one_whose_file_is_gone_the_journal_knows(city, lb, tmp_path):
    before = graph(lb)
    path = next((city / "p4").rglob("metadata.json"))
    path.unlink()
    damage = f"UPDATE records SET shape = 'training/99' WHERE path = '{path}'"
    change(tmp_path, damage, SOMETHING_CHANGED)

    again = lb("backfill", "--json", city)

    assert (again.code, again.json["events"], again.json["rejected"]) == (0, 0, [])
    assert graph(lb) == before
    assert ask(tmp_path, f"SELECT * FROM records WHERE path = '{path}'") == []


@pytest.mark.parametrize("damage", others_slow(["x'00'", "CAST('[1]' AS BLOB)"]))
def test_the_memory_of_a_deployment_that_cannot_be_decoded_is_made_anew(city, lb, tmp_path, damage):
    before = graph(lb)
    slots = ask(tmp_path, ALL_SLOTS)
    change(tmp_path, f"UPDATE serving_slots SET memory = {damage}", SOMETHING_CHANGED)
    assert lb("doctor", "--json").err == ""

    again = lb("backfill", "--json", city)

    assert (again.code, again.err) == (0, "")
    assert [json.loads(row[-1])["totals"] for row in ask(tmp_path, ALL_SLOTS)] == [
        json.loads(row[-1])["totals"] for row in slots
    ]
    assert graph(lb) == before


@pytest.mark.sample
def test_waiting_windows_that_cannot_be_decoded_are_named(city, lb, tmp_path):
    change(tmp_path, "UPDATE window_pending SET windows = x'00'", SOMETHING_CHANGED)

    result = lb("backfill", city)

    assert result.code != 0
    assert "wait to be judged" in result.err
    assert "Traceback" not in result.err


# Killed between appending and saving


class Killed(BaseException):
    """As a signal would do."""


def killed(*_args, **_named):
    raise Killed


@pytest.mark.sample
def test_what_was_appended_and_not_saved_is_said_again_and_no_more(nyc, nyc_home, tmp_path):
    roots = {family: [nyc / family] for family in FAMILIES}
    settings = Settings(namespace="urban")
    with Journal(tmp_path / "home") as journal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(unsaved, "save_told", killed)
        patch.setattr(windows, "PASS_SECONDS", 1e9)
        with pytest.raises(Killed):
            backfill(journal, settings, roots)
        assert len(journal.read()) > 0
    with Journal(tmp_path / "home") as journal, Journal(nyc_home, readonly=True) as whole:
        backfill(journal, settings, roots)
        found = {(e.id, e.body) for e in journal.read(limit=10**6)}
        assert found == {(e.id, e.body) for e in whole.read(limit=10**6)}
        with journal.reading() as connection:
            assert connection.execute("SELECT count(*) FROM unsaved_events").fetchone() == (0,)


@pytest.mark.sample
def test_a_link_that_was_appended_and_not_saved_is_superseded_by_a_better_one(nyc, lb, tmp_path):
    settings = Settings(namespace="urban")
    with Journal(tmp_path / "home") as journal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(unsaved, "save_told", killed)
        with pytest.raises(Killed):
            backfill(journal, settings, {"p4": [nyc / "p4"]})
    with Journal(tmp_path / "home") as journal:
        backfill(journal, settings, {"p2": [nyc / "p2"], "p4": [nyc / "p4"]})
    after = graph(lb)

    with Journal(tmp_path / "other") as journal:
        backfill(journal, settings, {"p2": [nyc / "p2"], "p4": [nyc / "p4"]})
    assert (
        after
        == lb("graph", "--json", "--at", "2028-01-01T00:00:00Z", "--home", tmp_path / "other").json
    )
