"""Homes with damaged files: what can be read is saved, what is lost is said, nothing is touched.

Each damage is done to a copy of one home. It was closed in order, or killed with half of its events
in the log.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_foreign_event, an_event
from conftest import run_command
from emitting import emit_many

from lineage_bridge.care.salvage.reading import salvaging
from lineage_bridge.errors import JournalError
from lineage_bridge.events import decode, event_id_of, is_as_hashed
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal, spool

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = 4096
SIZE_OF_A_PAGE, PAGES, ENCODING, FREE_LIST, SHAPE_OF_SCHEMA = 16, 28, 56, 32, 44  # in the header
EVENTS = 60
LOGGED = 40  # in a home that was killed these came after all others were copied into the file
LARGE = "x" * 50_000
BACKFILL = ("backfill", "--p4", EXAMPLES / "p4")
QUESTIONS = (
    ("graph",),
    ("health",),
    ("freshness",),
    ("doctor",),
    ("exporter", "--once"),
    ("journal", "status"),
    ("journal", "dead"),
    ("journal", "export", "saved"),
)
WRITERS = (
    BACKFILL,
    ("journal", "rebuild"),
    ("journal", "retry", "--all"),
    ("journal", "prune", "--older-than", "1d"),
)
AT = ("--at", "2026-12-31T00:00:00Z")
WAY_OUT = "lineage-bridge journal export --salvage FILE"


def fill(home, *, die=False):
    """Fill a home with events of all sorts; then close it, or die as if killed."""
    journal = Journal(home)
    for number in range(EVENTS):
        if number == EVENTS - LOGGED:
            journal.checkpoint()
        of_ours = number % 2
        name = f"job{number % 7}" + (LARGE if number % 10 == 3 else "")
        event = (
            an_event(name, number, run=str(number), outputs=[f"d{number % 5}@{number}"])
            if of_ours
            else a_foreign_event(name, number, outputs=[f"d{number % 5}"])
        )
        journal.append([event], "artifact" if of_ours else "http")
    if die:
        reduce(journal)
        os._exit(9)
    journal.close()


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    home = tmp_path_factory.mktemp("closed") / "home"
    fill(home)
    run_command("graph", "--home", home)
    return home


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    home = tmp_path_factory.mktemp("killed") / "home"
    tests = Path(__file__).parents[1]
    code = f"import test_damaged_homes as t, pathlib; t.fill(pathlib.Path({str(home)!r}), die=True)"
    path = os.pathsep.join(map(str, (Path(__file__).parent, tests, tests.parent)))
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=False
    )
    assert (home / "journal.db-wal").stat().st_size > LOGGED * PAGE
    return home


@pytest.fixture(scope="module")
def originals(closed):
    with Journal(closed, readonly=True) as journal:
        return {event.seq: event.body for event in journal.read()}


def overwrite(name, offset, content):
    def damage(home):
        path = home / name
        with path.open("r+b") as file:
            file.seek(offset if offset >= 0 else path.stat().st_size + offset)
            file.write(content)

    return damage


def noise(size):
    return random.Random(size).randbytes(size)


def truncate(name, to):
    return lambda home: os.truncate(home / name, int(to((home / name).stat().st_size)))


def replace(name, content):
    return lambda home: (home / name).write_bytes(content)


def folder(name):
    def damage(home):
        (home / name).unlink(missing_ok=True)
        (home / name).mkdir()

    return damage


def at_root(table, content):
    """Overwrite the first page of a table or an index."""

    def damage(home):
        connection = sqlite3.connect(home / "journal.db")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        connection.close()
        overwrite("journal.db", (page - 1) * PAGE, content)(home)

    return damage


def of_file(name):
    """Damage to a file as a whole: SQLite opens none of these, or not to the end."""
    return {
        "one page shorter": truncate(name, lambda size: size - PAGE),
        "half of it": truncate(name, lambda size: size // 2),
        "not a whole page at the end": truncate(name, lambda size: size - 1000),
        "its first page only": truncate(name, lambda _: PAGE),
        "50 bytes": truncate(name, lambda _: 50),
        "empty": truncate(name, lambda _: 0),
        "header zero": overwrite(name, 0, bytes(100)),
        "header noise": overwrite(name, 0, noise(100)),
        "first page zero": overwrite(name, 0, bytes(PAGE)),
        "first page noise": overwrite(name, 0, noise(PAGE)),
        "schema zero": overwrite(name, 100, bytes(PAGE - 100)),
        "another size of a page": overwrite(name, SIZE_OF_A_PAGE, b"\x20\x00"),
        "an impossible size of a page": overwrite(name, SIZE_OF_A_PAGE, b"\x00\x03"),
        "a byte of each page reserved": overwrite(name, 20, b"\x20"),
        "may not be read": overwrite(name, 19, b"\x09"),
        "too few pages": overwrite(name, PAGES, b"\x00\x00\x00\x03"),
        "too many pages": overwrite(name, PAGES, b"\x00\x00\x99\x99"),
        "a future shape of the schema": overwrite(name, SHAPE_OF_SCHEMA, b"\x00\x00\x00\x09"),
        "UTF-16": overwrite(name, ENCODING, b"\x00\x00\x00\x02"),
        "free list in use": overwrite(name, FREE_LIST, b"\x00\x00\x00\x05\x00\x00\x00\x07"),
        "map of pages noise": overwrite(name, PAGE, noise(PAGE)),
        "text": replace(name, b"Dear Sir or Madam\n" * 5000),
        "a sector zero": overwrite(name, 30 * PAGE, bytes(512)),
        "100 kB noise": overwrite(name, 10 * PAGE, noise(100_000)),
        "the end zero": overwrite(name, -3 * PAGE, bytes(3 * PAGE)),
        "a folder": folder(name),
    }


JOURNAL = of_file("journal.db") | {
    "events: root zero": at_root("events", bytes(PAGE)),
    "events: root noise": at_root("events", noise(PAGE)),
    "events_id zero": at_root("events_id", bytes(PAGE)),
    "events_time noise": at_root("events_time", noise(PAGE)),
    "sqlite_sequence zero": at_root("sqlite_sequence", bytes(PAGE)),
    "derived noise": at_root("derived", noise(PAGE)),
    "migrations zero": at_root("migrations", bytes(PAGE)),
}
WAL = "journal.db-wal"
LOG = {
    "gone": lambda home: (home / WAL).unlink(),
    "half of it": truncate(WAL, lambda size: size // 2),
    "torn": truncate(WAL, lambda size: size - 100),
    "20 bytes": truncate(WAL, lambda _: 20),
    "a byte": overwrite(WAL, 100 * PAGE, b"\xa5"),
    "the last byte": overwrite(WAL, -1, b"\xa5"),
    "header zero": overwrite(WAL, 0, bytes(32)),
    "salts": overwrite(WAL, 16, noise(8)),
    "begin noise": overwrite(WAL, 0, noise(3 * PAGE)),
    "middle zero": overwrite(WAL, 60 * PAGE, bytes(5 * PAGE)),
    "text": replace(WAL, b"Dear Sir or Madam\n" * 5000),
    "a folder": folder(WAL),
    "shared memory noise": overwrite("journal.db-shm", 0, noise(32_768)),
    "file empty": truncate("journal.db", lambda _: 0),
    "file gone": lambda home: (home / "journal.db").unlink(),
    "file text": replace("journal.db", b"Dear Sir or Madam\n" * 5000),
    "file header zero": overwrite("journal.db", 0, bytes(100)),
    "file half": truncate("journal.db", lambda size: size // 2),
}
HARMLESS = {
    "shared memory noise",
    "file header zero",
}  # SQLite reads the whole journal all the same
SOME = {"one page shorter", "header zero", "empty", "events: root zero", "a byte", "gone"}


def damages(kinds):
    return pytest.mark.parametrize(
        "damage",
        [
            pytest.param(damage, id=name, marks=pytest.mark.sample if name in SOME else ())
            for name, damage in kinds.items()
        ],
    )


def damaged(home, damage, folder):
    copy = shutil.copytree(home, folder / "home")
    damage(copy)
    return copy


def content(home):
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def salvage(home, folder):
    """Salvage a home; return the bodies that were written, the numbers said to be lost, the code.

    The home must be as it was, to the byte, and what was written must make a new home.
    """
    before = content(home)
    saved = folder / "saved.ndjson"
    done = run_command("journal", "export", "--salvage", saved, "--home", home)
    assert content(home) == before
    lines = saved.read_bytes().splitlines()
    new = folder / "new"
    assert run_command("journal", "import", saved, "--home", new, "--json").json["appended"] == len(
        lines
    )
    assert run_command("graph", "--home", new).code == 0
    assert run_command("journal", "verify", "--home", new).code == 0
    return lines, numbers_in(done.err), done.code


def numbers_in(said):
    """Return the numbers that a salvage says it left out."""
    return numbers_of(line for line in said.splitlines() if not line.startswith("Written, though"))


def doubtful_in(said):
    """Return the numbers that a salvage says it wrote though they may be altered."""
    return numbers_of(line for line in said.splitlines() if line.startswith("Written, though"))


def numbers_of(lines):
    found = set()
    for line in lines:
        told = re.search(r"(?:events,|event) (\d[^.]*)\.$", line)
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", told[1] if told else ""):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def check_salvage(home, originals, folder):
    lines, said, code = salvage(home, folder)
    by_body = {body: seq for seq, body in originals.items()}
    written = {by_body[line] for line in lines}  # none of them is altered
    assert written | said == originals.keys()
    assert not written & said
    assert code == 1 or not said
    return written


@damages(JOURNAL)
def test_of_a_damaged_file_all_is_saved_that_can_be_read(damage, closed, originals, tmp_path):
    check_salvage(damaged(closed, damage, tmp_path), originals, tmp_path)


@damages(LOG)
def test_of_a_damaged_log_all_is_saved_that_can_be_read(damage, killed, originals, tmp_path):
    check_salvage(damaged(killed, damage, tmp_path), originals, tmp_path)


def test_anybodys_event_that_was_altered_is_written_and_named(closed, originals, tmp_path):
    home = shutil.copytree(closed, tmp_path / "home")
    with contextlib.closing(sqlite3.connect(home / "journal.db", isolation_level=None)) as journal:
        journal.execute("DELETE FROM digests WHERE seq = 31")  # as if it came before there were any
    data = (home / "journal.db").read_bytes()
    altered = {seq: originals[seq].replace(b'"job', b'"jab') for seq in (31, 45, 51)}
    for seq, body in altered.items():
        assert data.count(originals[seq]) == 1
        data = data.replace(originals[seq], body)
    (home / "journal.db").write_bytes(data)

    done = run_command("journal", "export", "--salvage", "saved", "--home", home)

    assert Path("saved").read_bytes().splitlines() == [*(originals | altered).values()]
    assert (doubtful_in(done.err), numbers_in(done.err)) == ({45, 51}, set())
    assert done.code == 1


@pytest.mark.sample
@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("header zero", EVENTS),
        ("schema zero", EVENTS),
        ("events: root noise", EVENTS),
        ("UTF-16", EVENTS),
        ("empty", 0),
        ("text", 0),
    ],
)
def test_as_much_is_saved_as_there_is(name, saved, closed, originals, tmp_path):
    home = damaged(closed, JOURNAL[name], tmp_path)
    assert len(check_salvage(home, originals, tmp_path)) == saved


@pytest.mark.sample
@pytest.mark.parametrize(
    ("name", "least"),
    [("a byte", EVENTS - 1), ("header zero", EVENTS - 1), ("middle zero", EVENTS - LOGGED + 30)],
)
def test_what_stands_behind_the_damage_of_a_log_is_saved(name, least, killed, originals, tmp_path):
    home = damaged(killed, LOG[name], tmp_path)
    assert len(check_salvage(home, originals, tmp_path)) >= least


@damages(JOURNAL)
def test_on_a_damaged_file_every_command_says_so_or_does_not_need_it(damage, closed, tmp_path):
    for number, command in enumerate([*QUESTIONS, *WRITERS]):
        folder = tmp_path / str(number)
        home = damaged(closed, damage, folder)

        done = run_command(*command, "--home", home)

        assert done.code in {0, 1, 2}
        assert "Traceback" not in done.err
        if done.code == 2:
            assert done.err.startswith("Error: Cannot ")
            assert WAY_OUT in done.err or "Move it away" in done.err


@damages(JOURNAL)
def test_verify_finds_the_damage_of_a_file(damage, closed, tmp_path):
    home = damaged(closed, damage, tmp_path)
    before = content(home)

    done = run_command("journal", "verify", "--home", home)

    assert (done.code, done.err) == (1, "")
    assert WAY_OUT in done.out
    assert before.items() <= content(home).items()


@damages({name: damage for name, damage in LOG.items() if name not in HARMLESS})
def test_verify_finds_the_damage_of_a_log_and_leaves_it_as_it_is(damage, killed, tmp_path):
    home = damaged(killed, damage, tmp_path)
    assert run_command("journal", "verify", "--home", home).code == 1


@damages(of_file("models.db"))
def test_what_is_derived_is_made_again_whatever_became_of_it(damage, closed, tmp_path):
    home = damaged(closed, damage, tmp_path)
    found = run_command("journal", "verify", "--home", home)
    assert found.code in {0, 1, 2}
    for number, command in enumerate(QUESTIONS):
        copy = shutil.copytree(home, tmp_path / str(number))
        done = run_command(*command, "--home", copy)
        assert done.code in {0, 1} or "journal rebuild" in done.err or "Move it away" in done.err
        assert WAY_OUT not in done.err  # the journal is sound

    for path in home.glob("models*"):
        if path.is_dir():
            path.rmdir()
    assert run_command("journal", "rebuild", "--home", home).code == 0
    assert run_command("journal", "verify", "--home", home).code == 0
    for question in (("graph",), ("freshness",)):
        told = [run_command(*question, "--home", h, "--json", *AT).json for h in (home, closed)]
        assert told[0] == told[1]


def test_of_flipped_bits_ours_are_found_out(closed, originals, tmp_path):
    chance = random.Random(7)
    sound = (closed / "journal.db").read_bytes()
    for number in range(40):
        data = bytearray(sound)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        home = tmp_path / str(number)
        home.mkdir()
        (home / "journal.db").write_bytes(data)
        saved = home / "saved"

        done = run_command("journal", "export", "--salvage", saved, "--home", home)

        lines = saved.read_bytes().splitlines()
        altered = [line for line in lines if line not in originals.values()]
        # What an id does not stand for is not found out.
        assert all(is_as_hashed(e) or event_id_of(e) is None for e in map(decode, altered))
        others = [line for line in altered if event_id_of(decode(line)) is None]
        assert len(altered) <= 1
        assert len(others) <= len(doubtful_in(done.err)) <= 1
        assert len(lines) + len(numbers_in(done.err)) == EVENTS


@pytest.mark.sample
def test_a_journal_that_is_written_over_while_it_is_read_is_not_saved_half(tmp_path):
    fill(tmp_path / "home")

    def read_while_others_write(journal):
        with salvaging(journal.home) as found:
            events = iter(found)
            next(events)
            journal.append([an_event("new", 1, run="new")], "artifact")
            assert len(list(events)) == EVENTS - 1  # what is added to the log does not matter
            journal.checkpoint()

    with (
        Journal(tmp_path / "home") as journal,
        pytest.raises(JournalError, match="changed while it was read"),
    ):
        read_while_others_write(journal)


@pytest.mark.sample
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_journal_that_may_not_be_read_is_named(closed, tmp_path):
    home = damaged(closed, lambda home: (home / "journal.db").chmod(0), tmp_path)

    done = run_command("journal", "export", "--salvage", "-", "--home", home)

    assert (done.code, "Permission denied" in done.err) == (2, True)


@pytest.mark.sample
def test_pipelines_of_a_damaged_home_lose_nothing(closed, tmp_path):
    home = damaged(closed, JOURNAL["header zero"], tmp_path)
    emit_many(home)

    done = run_command("journal", "export", "--salvage", tmp_path / "saved", "--home", home)
    assert "move it into the new home" in done.err
    new = tmp_path / "new"
    run_command("journal", "import", tmp_path / "saved", "--home", new)
    shutil.move(home / spool.NAME, new)
    run_command("graph", "--home", new)
    assert run_command("journal", "status", "--home", new, "--json").json["events"] > EVENTS


@pytest.mark.sample
def test_a_lost_log_is_said_when_something_was_derived_from_it(killed, tmp_path):
    home = damaged(killed, LOG["gone"], tmp_path)
    told = run_command("journal", "verify", "--home", home)
    assert "events 21 to 60: something was derived from them, and they are gone" in told.out


def test_prune_deletes_nothing_by_what_damage_says(closed, tmp_path):
    home = damaged(closed, overwrite("models.db", -3 * PAGE, bytes(3 * PAGE)), tmp_path)
    done = run_command("journal", "prune", "--older-than", "1d", "--home", home)
    assert (done.code, "journal rebuild" in done.err) == (2, True)


@pytest.mark.sample
def test_prune_deletes_nothing_by_tables_that_contradict_each_other(closed, tmp_path):
    def forget_a_node(home):
        with sqlite3.connect(home / "models.db") as connection:
            connection.execute("DELETE FROM graph_nodes WHERE node = 1")
        connection.close()

    home = damaged(closed, forget_a_node, tmp_path)
    done = run_command("journal", "prune", "--older-than", "1d", "--home", home)
    assert (done.code, "journal rebuild" in done.err) == (2, True)
    assert run_command("journal", "status", "--home", home, "--json").json["events"] == EVENTS


LOCKS = {
    "a file": lambda home: (home / "locks").write_bytes(b""),
    "a lock is a folder": lambda home: (home / "locks" / "fold-collector.lock").mkdir(parents=True),
    "a lock is text": lambda home: write_lock(home, "spool", b"Dear Sir or Madam\n" * 500),
    "a lock may not be written": lambda home: write_lock(home, "fold-collector").chmod(0o444),
    "may not be written": lambda home: (home / "locks").mkdir(mode=0o555),
}


def write_lock(home, name, content=b""):
    lock = home / "locks" / f"{name}.lock"
    lock.parent.mkdir()
    lock.write_bytes(content)
    return lock


@pytest.mark.parametrize("damage", LOCKS.values(), ids=LOCKS)
def test_a_server_that_could_keep_nothing_up_to_date_does_not_start(damage, tmp_path):
    if damage in list(LOCKS.values())[3:] and os.geteuid() == 0:
        pytest.skip("root may write everything")
    home = tmp_path / "home"
    run_command("graph", "--home", home)
    run_command("journal", "rebuild", "--home", home)  # so that nothing is due when it starts
    shutil.rmtree(home / "locks")
    damage(home)
    for command in ("up", "collector"):
        done = run_command(command, "--home", home, "--port", "0")
        assert done.code == 2
        assert done.err.startswith(f"Error: Cannot lock `{home}` for ")
        assert "`locks` there must be a folder that can be written" in done.err
    assert run_command("graph", "--home", home).code == 0
