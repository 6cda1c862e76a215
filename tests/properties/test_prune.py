from __future__ import annotations

import tempfile
from pathlib import Path

from builders import at
from hypothesis import given
from present import without_the_gone
from properties.test_graph import histories, minutes

from lineage_bridge.answers import Snapshot
from lineage_bridge.assess.policies import Policies
from lineage_bridge.care.prune import prune
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import GRAPH, reduce
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.show.shapes import dataset_json, graph_json
from lineage_bridge.times import to_micros

NOW = at(5)


def graph_of(journal):
    reduce(journal)
    with journal.reading() as connection:
        return graph_json(load(connection, at=NOW))


def pruned(journal, minute):
    return prune(journal, before=at(minute), now=NOW, models=[GRAPH, CollectorModel()])


def seqs_of(journal):
    return [stored.seq for stored in journal.read()]


@given(histories(), minutes)
def test_pruning_takes_whole_runs_and_versions_away_and_changes_nothing_else(events, minute):
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        journal.append(events, "http")
        before = graph_of(journal)

        pruned(journal, minute)

        after = graph_of(journal)
        assert after == without_the_gone(before, after)


@given(histories(), minutes)
def test_pruning_twice_is_pruning_once(events, minute):
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        journal.append(events, "http")
        pruned(journal, minute)
        once = seqs_of(journal)

        again = pruned(journal, minute)

        assert again.pruned == 0
        assert seqs_of(journal) == once


@given(histories(), minutes)
def test_nothing_younger_than_the_limit_goes_and_nothing_of_ours_comes_back(events, minute):
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        journal.append(events, "http")
        young = [s.seq for s in journal.read() if s.time_us >= to_micros(at(minute))]
        pruned(journal, minute)

        assert set(young) <= set(seqs_of(journal))
        assert journal.append([e for e in events if e.id], "http") == [None] * len(
            [e for e in events if e.id]
        )


@given(histories(), minutes)
def test_what_pruning_leaves_in_the_tables_is_what_the_pruned_journal_makes(events, minute):
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "a") as journal:
        journal.append(events, "http")
        catch_up(journal, CollectorModel())
        pruned(journal, minute)
        after = graph_of(journal)

        with Journal(Path(folder) / "b") as fresh:
            fresh.append([event_of(stored) for stored in journal.read()], "http")
            assert graph_of(fresh) == after


def event_of(stored):
    from lineage_bridge.events import Event

    return Event(stored.body, stored.kind, stored.time_us, stored.id)


@given(histories(), minutes)
def test_pruning_leaves_freshness_for_now_as_it_is(events, minute):
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        journal.append(events, "http")
        before = freshness_of(journal)

        pruned(journal, minute)

        assert freshness_of(journal) == before


def freshness_of(journal):
    reduce(journal)
    with journal.reading() as connection:
        found = Snapshot.load(connection, Policies(), NOW).freshness
    return [dataset_json(one) for one in found]
