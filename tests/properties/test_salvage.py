"""Salvage against all damage: what stands on sound pages is read, nothing else; losses are told.

The journals are real ones, with small pages, so that a few events make a tree of several levels;
numbers are missing in them where events were pruned or came twice. Pages are overwritten or cut
off, and so is the log, down to a single byte of it.
"""

from __future__ import annotations

import contextlib
import io
import random
import sqlite3
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders import a_foreign_event, an_event
from hypothesis import example, given
from hypothesis import strategies as st

from lineage_bridge.care.removal import remove
from lineage_bridge.care.salvage.pages.file import Pages
from lineage_bridge.care.salvage.pages.log import FRAME_HEADER, HEADER
from lineage_bridge.care.salvage.pages.table import in_order, root_of, values_of, walk
from lineage_bridge.care.salvage.reading import Salvage
from lineage_bridge.errors import EventError
from lineage_bridge.events import decode
from lineage_bridge.journal import Journal

SHAPES = [  # bytes of a page, whether there is a map of the pages, how many events are pruned
    (512, True, 0),
    (512, True, 12),
    (1024, False, 12),
    (1024, True, 30),
    (4096, True, 12),
    (4096, False, 0),
]
EVENTS = 60
LONGEST = 3000  # characters of a job's name: on several pages
OURS = 3  # every third event is one of ours
TWICE = 4  # and every fourth comes twice, which uses up a number


@dataclass(frozen=True)
class Kept:
    """A journal's files, its events by number, and which pages of the file each of them needs."""

    size: int
    main: bytes
    log: bytes
    bodies: dict[int, bytes]
    pruned: dict[int, bytes]
    in_file: int  # the last number that the file has without its log
    ended: int  # the last number that was given
    pages: dict[int, set[int]]
    interiors: list[int]  # the pages above those that have events

    @property
    def count(self):
        return len(self.main) // self.size

    @property
    def frame(self):
        return self.size + FRAME_HEADER

    def page_at(self, frame, log):
        place = HEADER + max(frame, 0) * self.frame
        return int.from_bytes(log[place : place + 4], "big")


class Noting(Pages):
    """Pages that note which of them are read."""

    def __init__(self, *files):
        self.noted = set()
        super().__init__(*files)

    def version(self, number, age=None):
        self.noted.add(number)
        return super().version(number, age)


@cache
def a_kept_journal(shape, in_log):
    """Make a journal of that shape, with that many of its events only in the log."""
    size, has_map, pruned = shape
    chance = random.Random(str((shape, in_log)))
    with TemporaryDirectory() as folder:
        home = Path(folder)
        new = sqlite3.connect(home / "journal.db")
        new.execute(f"PRAGMA page_size = {size}")
        new.execute(f"PRAGMA auto_vacuum = {'INCREMENTAL' if has_map else 'NONE'}")
        new.execute("VACUUM")
        new.close()
        with Journal(home) as journal:
            with journal._database.alone() as connection:
                connection.execute("PRAGMA secure_delete = OFF")  # on in some builds of SQLite
                connection.execute("PRAGMA synchronous = OFF")
            append(journal, range(EVENTS - in_log), chance)
            before = {event.seq: event.body for event in journal.read()}
            gone = chance.sample(sorted(before), min(pruned, len(before)))
            with journal.transaction() as tx:
                remove(tx.connection, gone)
            with journal._database.alone() as connection:
                # The log is begun anew, over what was written before.
                connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            append(journal, range(EVENTS - in_log, EVENTS), chance)
            with journal.reading() as connection:
                rows = connection.execute("SELECT seq, body FROM events").fetchall()
                (ended,) = connection.execute("SELECT seq FROM sqlite_sequence").fetchone()
            main = (home / "journal.db").read_bytes()
            log = (home / "journal.db-wal").read_bytes()
    pages = pages_of_events(main, log)
    old = {seq: before[seq] for seq in gone}
    interiors = interiors_of_events(main, log)
    return Kept(size, main, log, dict(rows), old, max(before, default=0), ended, pages, interiors)


def append(journal, numbers, chance):
    for number in numbers:
        make = a_foreign_event if number % OURS else an_event
        event = make(f"job{number}" + "x" * chance.randrange(LONGEST), number)
        journal.append([event] if number % TWICE else [event, event], "artifact")


def pages_of_events(main, log):
    pages = Noting(io.BytesIO(main), io.BytesIO(log))
    found = {}
    for row in in_order(pages, walk(pages, root_of(pages, "events"))):
        pages.noted = {row.piece.version.number}
        values_of(pages, row)
        found[row.cell.key] = pages.noted
    return found


def interiors_of_events(main, log):
    pages = Noting(io.BytesIO(main), io.BytesIO(log))
    root = root_of(pages, "events")
    pages.noted = set()
    leaves = {piece.version.number for piece in walk(pages, root)}
    return sorted(pages.noted - leaves)


def salvaged(kept, main, log=b""):
    """Salvage; return what was read, what is said to be lost, and the salvage itself."""
    salvage = Salvage(Pages(io.BytesIO(main), io.BytesIO(log)), at_least=kept.ended)
    read = {event.seq: event.body for event in salvage}
    lost = {n for first, last in salvage.lost for n in range(first, last + 1)}
    lost |= {seq for seq, body in read.items() if not is_json(body)}
    read = {seq: body for seq, body in read.items() if seq not in lost}
    return read, lost, salvage


def is_json(body):
    with contextlib.suppress(EventError):
        return bool(decode(body))
    return False


def check(kept, read, lost, salvage):
    """Nothing was invented, and whatever is missing is said to be."""
    assert altered_of(kept, read, salvage) == set()
    assert kept.bodies.keys() - read.keys() - lost == set()


def altered_of(kept, read, salvage):
    told = {**kept.bodies, **(kept.pruned if salvage.may_be_pruned else {})}
    return {seq for seq, body in read.items() if told.get(seq) != body}


shapes = st.sampled_from(SHAPES)
in_logs = st.sampled_from([10, 35, EVENTS])  # how many events are only there
places = st.floats(0, 1, exclude_max=True)


def noise(size):
    return random.Random(size).randbytes(size)


def text(size):
    return (b"Dear Sir or Madam, " * size)[:size]


contents = st.sampled_from([bytes, noise, text])


def test_of_a_sound_journal_all_is_read_and_nothing_is_lost():
    for shape in SHAPES:
        for in_log in (0, 20, EVENTS):
            kept = a_kept_journal(shape, in_log)
            read, lost, salvage = salvaged(kept, kept.main, kept.log)

            assert (read, lost) == (kept.bodies, set())
            assert salvage.is_end_known
            assert not salvage.may_be_pruned


@given(shapes, st.lists(places, min_size=1, max_size=30), contents)
def test_what_stands_on_sound_pages_is_read_whatever_became_of_others(shape, where, content):
    kept = a_kept_journal(shape, 0)
    broken = {1 + int(place * kept.count) for place in where}
    main = bytearray(kept.main)
    for page in broken:
        main[(page - 1) * kept.size : page * kept.size] = content(kept.size)

    read, lost, salvage = salvaged(kept, bytes(main))

    check(kept, read, lost, salvage)
    sound = {seq for seq, pages in kept.pages.items() if not pages & broken}
    assert sound <= read.keys()


@given(shapes, places)
def test_what_stands_before_a_cut_is_read(shape, where):
    kept = a_kept_journal(shape, 0)
    end = int(where * len(kept.main))

    read, lost, salvage = salvaged(kept, kept.main[:end])

    check(kept, read, lost, salvage)
    sound = {seq for seq, pages in kept.pages.items() if max(pages) * kept.size <= end}
    assert sound <= read.keys()


@given(shapes, places, st.integers(1, 100), contents)
@example((1024, False, 12), 0.0, 28, noise)  # says of a page that half of it is not used
def test_what_does_not_stand_in_damaged_bytes_is_read(shape, where, length, content):
    kept = a_kept_journal(shape, 0)
    start = int(where * len(kept.main))
    main = kept.main[:start] + content(length) + kept.main[start + length :]
    main = main[: len(kept.main)]
    broken = {1 + start // kept.size, 1 + (start + length - 1) // kept.size}

    read, lost, salvage = salvaged(kept, main)

    altered = altered_of(kept, read, salvage)
    assert kept.bodies.keys() - read.keys() - lost == set()
    assert altered <= {seq for seq, pages in kept.pages.items() if pages & broken}
    assert {seq for seq, pages in kept.pages.items() if not pages & broken} <= read.keys()


@example((512, True, 12), 0.0, 0.8828125, b"5")  # a greatest number made smaller than it is
@given(st.sampled_from(SHAPES[:4]), places, places, st.binary(min_size=1, max_size=4))
def test_a_page_that_leads_to_others_is_not_believed_where_it_contradicts_itself(
    shape, which, where, content
):
    kept = a_kept_journal(shape, 0)
    page = kept.interiors[int(which * len(kept.interiors))]
    start = (page - 1) * kept.size + int(where**3 * (kept.size - len(content)))  # mostly its head
    main = kept.main[:start] + content + kept.main[start + len(content) :]

    read, lost, salvage = salvaged(kept, main)

    check(kept, read, lost, salvage)
    assert read == kept.bodies


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_what_stands_below_a_page_that_forgot_some_of_it_is_found(shape):
    kept = a_kept_journal(shape, 0)
    for page in kept.interiors:
        kind, count = (page - 1) * kept.size, (page - 1) * kept.size + 3
        children = int.from_bytes(kept.main[count : count + 2], "big")
        for place, content in [
            *((count, fewer.to_bytes(2, "big")) for fewer in range(children)),
            *((kind, bytes([other])) for other in (0, 2, 10, 13)),
        ]:
            main = kept.main[:place] + content + kept.main[place + len(content) :]

            read, lost, _ = salvaged(kept, main)

            assert read == kept.bodies
            assert lost.isdisjoint(read)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[2]])
def test_what_was_pruned_of_ours_does_not_come_back_from_pages_of_which_nothing_is_known(shape):
    kept = a_kept_journal(shape, 0)
    unknown = kept.size if shape[1] else 100  # the map of the pages, or where their list begins
    main = bytes(unknown) + kept.main[unknown:]
    if shape[1]:
        main = bytes(2 * kept.size) + kept.main[2 * kept.size :]

    read, lost, salvage = salvaged(kept, main)

    check(kept, read, lost, salvage)
    back = [body for seq, body in read.items() if seq in kept.pruned]
    assert not back or salvage.may_be_pruned
    assert all(b"lineageBridge_event" not in body for body in back)


@given(shapes, in_logs, places, st.integers(1, 5000), contents)
@example((1024, True, 30), 10, 0.1953125, 1321, noise)  # the map of the pages is out of date
def test_damage_of_the_log_costs_what_stands_in_it_and_nothing_else(
    shape, in_log, where, length, content
):
    kept = a_kept_journal(shape, in_log)
    start = int(where * len(kept.log))
    log = (kept.log[:start] + content(length) + kept.log[start + length :])[: len(kept.log)]

    read, lost, salvage = salvaged(kept, kept.main, log)

    check(kept, read, lost, salvage)
    # What is left of a frame may name another page; the frame after it cannot be checked any more.
    frames = range((start - HEADER) // kept.frame, (start + length - HEADER) // kept.frame + 2)
    broken = {page for i in frames for page in (kept.page_at(i, kept.log), kept.page_at(i, log))}
    assert {seq for seq, pages in kept.pages.items() if not pages & broken} <= read.keys()


@given(shapes, in_logs, places)
def test_what_stands_in_the_log_before_a_cut_is_read(shape, in_log, where):
    kept = a_kept_journal(shape, in_log)

    read, lost, salvage = salvaged(kept, kept.main, kept.log[: int(where * len(kept.log))])

    check(kept, read, lost, salvage)


@given(shapes, in_logs)
def test_without_its_log_all_of_the_file_is_read(shape, in_log):
    kept = a_kept_journal(shape, in_log)

    read, lost, salvage = salvaged(kept, kept.main)

    check(kept, read, lost, salvage)
    assert {seq for seq in kept.bodies if seq <= kept.in_file} == read.keys()
