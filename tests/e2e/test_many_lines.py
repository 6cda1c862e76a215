"""Files of very many lines: read in parts, and what is bad in them is listed up to a bound."""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows import a_line, ingest

from lineage_bridge.adapters.registry import adapters
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import line_files
from lineage_bridge.ingest.memory import prepare
from lineage_bridge.ingest.record_files import read_files
from lineage_bridge.ingest.scan import scan
from lineage_bridge.journal import Journal
from lineage_bridge.journal.lease import PASS_SECONDS, lease
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.quarantine import (
    KEPT_OF_A_FILE,
    KEPT_REASONS,
    LISTED,
    FileRejections,
    Rejected,
)
from lineage_bridge.observe.serving import windows as windows_module

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
        return list(quarantine.list_rejected(connection))


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
    assert [(item.line, item.count) for item in found[KEPT_OF_A_FILE - 1 :]] == [
        (KEPT_OF_A_FILE, 1),
        (KEPT_OF_A_FILE + 1, 500),
    ]
    assert found[-1].reason == found[0].reason

    events(5)
    read_all(journal, folder)
    assert rejected(journal) == []


def test_of_many_bad_windows_the_first_are_listed_and_the_others_counted(journal, tmp_path):
    path = tmp_path / "metrics_00.jsonl"
    path.write_bytes(b"bad\n" * (KEPT_OF_A_FILE + 7) + a_line(0) + b"\n")

    assert ingest(journal, files=[path]).new == 1
    assert counted(journal) == {KEPT_OF_A_FILE + 1: 7}

    path.write_bytes(a_line(0) + b"\n" + a_line(1) + b"\n")
    ingest(journal, files=[path])
    assert rejected(journal) == []


def counted(journal):
    """The rejections that stand for several lines: the first line of each, and how many."""
    return {item.line: item.count for item in rejected(journal) if item.count > 1}


def test_the_others_are_counted_by_reason_whatever_values_are_in_it():
    bad = FileRejections("/f", FAMILY)
    for number in range(1, 1001):
        reason = f"expected a number, found `x{number}`" if number % 4 else "is missing"
        bad.add(ArtifactError(reason, field="count", line=number))

    sums = [item for item in bad.rows() if item.count > 1]
    assert {item.reason: item.count for item in sums} == {
        f"expected a number, found `x{KEPT_OF_A_FILE + 1}`": 675,
        "is missing": 225,
    }
    assert sum(item.count for item in bad.rows()) == 1000


@given(st.lists(st.integers(0, 60), max_size=400), st.integers(0, 400))
def test_rejections_are_few_and_their_count_is_exact_however_they_come(reasons, cut):
    whole, first, then = (FileRejections("/f", FAMILY) for _ in range(3))
    for number, reason in enumerate(reasons, start=1):
        error = ArtifactError("why " + "x" * reason, line=number)
        whole.add(error)
        (first if number <= cut else then).add(error)
    first.extend(then)

    assert first.rows() == whole.rows()
    passing = ArtifactError("is not finished", line=len(reasons) + 1)
    whole.add(passing, is_passing=True)
    assert (
        whole.rows()[-1]
        == whole.summed().rows()[-1]
        == Rejected("/f", FAMILY, passing.line, None, passing.reason)
    )
    for found in (whole, whole.summed()):
        assert sum(item.count for item in found.rows()) == len(reasons) + 1
    assert len(whole.rows()) <= KEPT_OF_A_FILE + KEPT_REASONS + 2
    assert len(whole.summed().rows()) <= KEPT_REASONS + 2


def test_of_very_many_bad_files_each_has_its_reasons_counted(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(quarantine, "KEPT_IN_ALL", 40)
    for number in range(20):
        path = tmp_path / "in" / str(number) / "metrics_00.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"bad\n" * 30)

    ingest(journal, files=sorted((tmp_path / "in").rglob("*.jsonl")))

    assert sum(item.count for item in rejected(journal)) == 600
    assert len(rejected(journal)) == 2 * 30 + 18


@pytest.mark.parametrize("name", ["metrics_00.jsonl", "deployment_events.jsonl"])
def test_a_bad_file_that_grew_is_read_on_unless_a_bad_line_was_mended(name, lb, tmp_path):
    path = tmp_path / "in" / name
    path.parent.mkdir()
    line = b"bad".ljust(199, b".") + b"\n"  # the middle is in none of the bytes that are compared
    path.write_bytes(line * (KEPT_OF_A_FILE + 10))

    def count(tail=b""):
        with path.open("ab") as file:
            file.write(tail)
        answer = lb("backfill", "--json", path.parent).json
        exposed = lb("exporter", "--once").out
        told = [answer["rejected_count"], lb("doctor", "--json").json["rejected_count"]]
        told += [
            int(float(line.split()[-1]))
            for line in exposed.splitlines()
            if line.startswith("lineage_bridge_quarantined_artifacts{")
        ]
        assert len(set(told)) == 1
        assert sum(item.get("count", 1) for item in answer["rejected"]) == told[0]
        return told[0]

    assert count() == KEPT_OF_A_FILE + 10
    assert count(line * 3) == KEPT_OF_A_FILE + 13
    assert count(b'{"half') == KEPT_OF_A_FILE + 14
    assert count(b'": 1}\n') == KEPT_OF_A_FILE + 14
    with path.open("r+b") as file:  # one is mended, and nothing else changes before the end
        file.seek(len(line) * 60)
        file.write(b"\n".rjust(len(line)))
    assert count(line) == KEPT_OF_A_FILE + 14


def test_a_bad_file_that_grew_is_not_read_from_its_start(journal, tmp_path, monkeypatch):
    path = tmp_path / "metrics_00.jsonl"
    path.write_bytes(b"bad\n" * 500)
    ingest(journal, files=[path])
    with path.open("ab") as file:
        file.write(a_line(0) + b"\nbad\n")

    assert ingest(journal, files=[path]).lines == 2
    assert sum(item.count for item in rejected(journal)) == 501


def test_a_window_file_is_read_in_parts_and_others_have_their_turn_between(
    journal, tmp_path, monkeypatch
):
    monkeypatch.setattr(windows_module, "PASS_SECONDS", 0.0)  # a line, or an instant, a pass
    path = tmp_path / "metrics_00.jsonl"
    good = [a_line(minute) for minute in range(4)]
    path.write_bytes(b"\n".join([good[0], *[b"bad"] * 5, *good[1:], b"bad"]) + b"\n")
    turns = []

    def look(lines):
        with lease(journal.home, windows_module.LEASE) as held:
            turns.append((lines, held))

    result = ingest(journal, files=[path], progress=look)

    assert (result.new, result.lines) == (4, 10)
    assert {lines for lines, _ in turns} == set(range(1, 11))
    assert all(held for _, held in turns)
    assert [item.line for item in rejected(journal)] == [2, 3, 4, 5, 6, 10]
    assert ingest(journal, files=[path]).files_unchanged == 1


@pytest.mark.slow
def test_a_window_file_read_in_parts_tells_what_one_read_in_one_go_tells(tmp_path, monkeypatch):
    path = tmp_path / "metrics_00.jsonl"
    lines = [b"bad" if number % 3 else a_line(number) for number in range(60)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    told = []
    for seconds in (PASS_SECONDS, 0.0):
        monkeypatch.setattr(windows_module, "PASS_SECONDS", seconds)
        with Journal(tmp_path / f"home{seconds}") as journal:
            ingest(journal, files=[path])
            told.append(([stored.body for stored in journal.read()], rejected(journal)))

    assert told[0] == told[1]


def test_a_window_file_that_is_replaced_between_two_parts_is_read_from_its_start(
    journal, tmp_path, monkeypatch
):
    monkeypatch.setattr(windows_module, "PASS_SECONDS", 0.0)
    path = tmp_path / "metrics_00.jsonl"
    path.write_bytes(b"bad\n" * 6)

    def replace(lines):
        if lines == 3:
            path.unlink()
            path.write_bytes(a_line(0) + b"\nbad\n" + a_line(1) + b"\n")

    assert ingest(journal, files=[path], progress=replace).new == 2
    ingest(journal, files=[path])
    assert [(item.line, item.count) for item in rejected(journal)] == [(2, 1)]


def test_what_was_summed_by_an_earlier_version_is_counted(tmp_path):
    with Journal(tmp_path / "home") as journal:
        prepare(journal, "ns")
        with journal.transaction() as tx:
            tx.connection.execute("ALTER TABLE quarantine DROP COLUMN count")
            for column in ("bad_begin", "bad_end", "bad_digest"):
                tx.connection.execute(f"ALTER TABLE scanned_files DROP COLUMN {column}")
            tx.connection.execute(
                "DELETE FROM migrations WHERE name LIKE 'rejections are counted%'"
            )
            for line, reason in enumerate(SUMMED_BEFORE, start=1):
                row = ("/f", line, FAMILY, reason)
                tx.connection.execute(
                    "INSERT INTO quarantine (path, line, family, reason) VALUES (?, ?, ?, ?)", row
                )
        with journal.reading() as connection:  # which does not write
            assert sum(item.count for item in quarantine.list_rejected(connection)) == 2
    with Journal(tmp_path / "home") as journal:
        prepare(journal, "ns")
        assert [item.count for item in rejected(journal)] == [1, 3_999_000]


SUMMED_BEFORE = ("is missing", "and 3,999,000 more from line 1,001 on, for such reasons")


def test_only_the_first_rejections_are_told_and_all_are_counted():
    standing = [Rejected(f"/{n:05}", FAMILY, 1, None, "bad", 2) for n in range(2000)]
    now = [Rejected("/00001", FAMILY, 1, None, "worse"), Rejected("/x", FAMILY, 0, None, "bad")]

    found = quarantine.told(now, iter(standing))

    assert found.count == 2 * 2000 - 2 + 1 + 1
    assert [item.path for item in found.listed] == [f"/{n:05}" for n in range(LISTED)]
    assert found.listed[1].reason == "worse"


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
