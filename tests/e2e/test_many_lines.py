"""Files of very many lines: read in parts, and what is bad in them is listed up to a bound."""

from __future__ import annotations

import json
import shutil

import pytest
from windows import a_line, ingest

from lineage_bridge.adapters.registry import adapters
from lineage_bridge.ingest import line_files
from lineage_bridge.ingest.memory import prepare
from lineage_bridge.ingest.record_files import read_files
from lineage_bridge.ingest.scan import scan
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.quarantine import KEPT_OF_A_FILE

FAMILY = "p5"


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        prepare(opened, "ns")
        yield opened


@pytest.fixture
def events(nyc, tmp_path):
    """A file of deployment events, with a way to write as many as a test wants."""
    line = json.loads(min((nyc / "p5").rglob("deployment_events.jsonl")).read_text().split("\n")[0])
    path = tmp_path / "in" / "deployment_events.jsonl"
    path.parent.mkdir()

    def write(count, bad=()):
        lines = [
            "bad" if number in bad else json.dumps(line | {"instance_id": f"pod-{number}"})
            for number in range(1, count + 1)
        ]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def read_all(journal, folder, **options):
    counts = []
    found = scan({FAMILY: [folder]}).found
    read_files(journal, found, lambda _, n: counts.append(n), lambda _: None, **options)
    return counts


def rejected(journal):
    with journal.reading() as connection:
        return quarantine.list_rejected(connection)


def stored_lines(journal):
    with journal.reading() as connection:
        return [n for (n,) in connection.execute("SELECT line FROM records ORDER BY line")]


def test_a_file_is_read_in_parts_and_each_is_saved(journal, events, monkeypatch):
    monkeypatch.setattr(line_files, "PART_LINES", 4)
    folder = events(10, bad={3, 9}).parent

    assert read_all(journal, folder) == [3, 4, 1]
    assert stored_lines(journal) == [1, 2, 4, 5, 6, 7, 8, 10]
    assert [item.line for item in rejected(journal)] == [3, 9]
    assert read_all(journal, folder) == [None]


def test_a_part_ends_when_its_time_is_over(journal, events, monkeypatch):
    monkeypatch.setattr(line_files, "PART_SECONDS", 0.0)
    assert read_all(journal, events(3).parent) == [1, 1, 1, 0]


def test_what_is_killed_between_two_parts_goes_on_there(journal, events, monkeypatch):
    monkeypatch.setattr(line_files, "PART_LINES", 4)
    folder = events(10).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lineage_bridge.ingest.record_files.read_on", lambda _: None)
        assert read_all(journal, folder) == [4]
    assert read_all(journal, folder) == [4, 2]
    assert stored_lines(journal) == list(range(1, 11))


def test_a_file_that_is_replaced_between_two_parts_is_read_again_later(
    journal, events, monkeypatch
):
    monkeypatch.setattr(line_files, "PART_LINES", 4)
    folder = events(10).parent

    def replaced(part, _read_on=line_files.read_on):
        shutil.rmtree(folder)
        folder.mkdir()
        events_again(folder)
        return _read_on(part)

    def events_again(into):
        (into / "deployment_events.jsonl").write_text("bad\n" * 20)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lineage_bridge.ingest.record_files.read_on", replaced)
        assert read_all(journal, folder) == [4]
    read_all(journal, folder)
    assert len(rejected(journal)) == 20


def test_of_many_bad_lines_the_first_are_listed_and_the_others_counted(journal, events):
    count = KEPT_OF_A_FILE + 500
    folder = events(count, bad=range(1, count + 1)).parent

    read_all(journal, folder)

    found = rejected(journal)
    assert len(found) == KEPT_OF_A_FILE + 1
    assert found[-1].line == KEPT_OF_A_FILE + 1
    assert found[-1].reason == "and 500 more from line 1,001 on, for such reasons"

    events(5)
    read_all(journal, folder)
    assert rejected(journal) == []


def test_of_many_bad_windows_the_first_are_listed_and_the_others_counted(journal, tmp_path):
    path = tmp_path / "metrics_00.jsonl"
    path.write_bytes(b"bad\n" * (KEPT_OF_A_FILE + 7) + a_line(0) + b"\n")

    result = ingest(journal, files=[path])

    assert result.new == 1
    assert len(result.rejected) == len(rejected(journal)) == KEPT_OF_A_FILE + 1
    assert result.rejected[-1].reason.startswith("and 7 more from line 1,001 on")

    path.write_bytes(a_line(0) + b"\n" + a_line(1) + b"\n")
    ingest(journal, files=[path])
    assert rejected(journal) == []


def test_a_raised_version_reads_all_lines_again(journal, events, monkeypatch):
    folder = events(3).parent
    read_all(journal, folder)
    monkeypatch.setattr(adapters()[FAMILY], "version", 99)
    assert read_all(journal, folder) == [3]
    with journal.reading() as connection:
        assert {c.version for c in map_cursors(connection, folder)} == {99}


def map_cursors(connection, folder):
    paths = [str(path) for path in folder.iterdir()]
    return cursors.get_all(connection, paths).values()
