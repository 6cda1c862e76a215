"""Folding in bites: whatever is cut short or comes in between, the tables are those of one go."""

from __future__ import annotations

import json
import sqlite3

import pytest

from lineage_bridge.care.rebuild import rebuild
from lineage_bridge.collector.fold import reduce_columns
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.graph.reduce import GRAPH
from lineage_bridge.journal import Journal, catch_up, fold
from lineage_bridge.journal.fold import Fold

MODELS = (CollectorModel(), GRAPH)
FACET = {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/s"}


def a_schema(place, columns, *, typed):
    return [
        {"name": f"c{place}_{n}", **({"type": "INT", "description": "d"} if typed else {})}
        for n in range(columns)
    ]


def a_dataset(place, columns, *, typed=True, sources=()):
    facets = {"schema": {**FACET, "fields": a_schema(place, columns, typed=typed)}}
    if sources:
        facets["columnLineage"] = {
            **FACET,
            "fields": {
                f"c{place}_{n}": {
                    "inputFields": [
                        {"namespace": "db", "name": f"d{source}", "field": f"c{source}_{n}"}
                        for source in sources
                    ]
                }
                for n in range(columns)
            },
        }
    return {"namespace": "db", "name": f"d{place}", "facets": facets}


def an_event(number, inputs, outputs, kind="COMPLETE"):
    body = {
        "eventType": kind,
        "eventTime": f"2026-04-07T10:00:{number:02}Z",
        "run": {"runId": f"00000000-0000-4000-8000-{number:012}", "facets": {"f": FACET}},
        "job": {"namespace": "jobs", "name": f"j{number}"},
        "inputs": inputs,
        "outputs": outputs,
        "producer": "https://example.org/p",
        "schemaURL": "https://example.org/s",
    }
    return Event(json.dumps(body).encode(), "run", 1_775_556_000_000_000 + number * 1_000_000)


def large_events():
    yield an_event(1, [a_dataset(0, 700)], [a_dataset(1, 1200), a_dataset(2, 1300, typed=False)])
    yield an_event(2, [a_dataset(1, 600)], [a_dataset(3, 600, sources=[1])])
    yield an_event(3, [a_dataset(0, 3)], [a_dataset(1, 1100), None])  # refused half-way
    yield an_event(4, [a_dataset(3, 2500)], [])


def small_events():
    for number in range(10, 14):
        yield an_event(number, [a_dataset(0, 2)], [a_dataset(number, 3)])


def events():
    small = small_events()
    for large in large_events():
        yield from (large, next(small))


@pytest.fixture(autouse=True)
def small_bites(monkeypatch):
    """Every piece ends its bite, and what is large is small: so that there are many of them."""
    monkeypatch.setattr(fold, "BITE_SECONDS", 0)
    monkeypatch.setattr(fold, "PART_SECONDS", 0)
    monkeypatch.setattr(fold, "LARGE_BYTES", 20_000)
    monkeypatch.setattr(reduce_columns, "PIECE", 1000)


def content(home):
    """All rows of all tables that are derived, but for how they came to be there."""
    (path,) = home.glob("models*.db")
    with sqlite3.connect(path) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'models'"
            )
        ]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    connection.close()
    return {name: sorted(map(repr, found)) for name, found in rows.items()}


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        for event in events():
            with opened.transaction(received_us=1_775_560_000_000_000) as tx:
                tx.append(event, "http")
        yield opened


def one_go(journal):
    """The tables when each event was taken in as a whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "LARGE_BYTES", 10**9)
        rebuild(journal, MODELS)
    return content(journal.home)


@pytest.mark.sample
def test_bites_give_what_one_go_gives(journal):
    for model in MODELS:
        catch_up(journal, model)
    in_bites = content(journal.home)

    assert in_bites == one_go(journal)
    assert len(in_bites["mq_fields"]) > 5000
    assert len(in_bites["mq_column_uses"]) == 600
    assert len(in_bites["mq_refused"]) == 1


@pytest.mark.parametrize("every", [1, 2, 5, 11])
def test_another_process_goes_on_from_any_bite(every, journal):
    """A new `Fold` knows no more than what is in the tables, as a process that was just started."""
    bites = 0
    for model in MODELS:
        current = Fold(journal, model)
        while current.bite():
            bites += 1
            if bites % every == 0:
                current = Fold(journal, model)

    assert content(journal.home) == one_go(journal)
    assert bites > 20


def test_two_that_fold_at_once_do_not_count_twice(journal):
    for model in MODELS:
        one, other = Fold(journal, model), Fold(journal, model)
        while one.bite() | other.bite():
            pass

    assert content(journal.home) == one_go(journal)


def test_the_last_bite_says_that_it_is_the_last(tmp_path):
    with Journal(tmp_path / "small") as journal:
        journal.append(small_events(), "http")
        for model in MODELS:
            folding = Fold(journal, model)
            assert not folding.bite()
            assert folding.reached == journal.last_seq()


def test_small_events_are_appended_between_the_bites_of_a_large_one(journal):
    folding = Fold(journal, CollectorModel())
    appended = 0
    while folding.bite():
        if appended < 30:
            appended += 1
            journal.append([an_event(20 + appended, [], [a_dataset(9, 1)])], "http")

    assert folding.reached == journal.last_seq() == 8 + appended


def test_a_bite_that_fails_leaves_nothing(journal):
    class FailingModel(CollectorModel):
        def apply(self, connection, events):
            super().apply(connection, events)
            raise sqlite3.OperationalError("disk I/O error")

    folding = Fold(journal, FailingModel())
    with pytest.raises(JournalError, match="disk I/O"):
        folding.run(lambda: False)
    catch_up(journal, CollectorModel())
    catch_up(journal, GRAPH)

    assert content(journal.home) == one_go(journal)
