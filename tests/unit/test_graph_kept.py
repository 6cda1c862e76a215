from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import timedelta, timezone

import pytest
from builders import a_dataset, a_foreign_event, a_run_id, an_event, at

from lineage_bridge.errors import JournalError
from lineage_bridge.graph.kept import KeptGraph, marks, rows
from lineage_bridge.graph.kept.index import MAX_CHANGES, changed
from lineage_bridge.graph.kept.runs import MAX_LIVELY
from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal

LATE = at(600)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


def loaded(journal, instant=LATE):
    reduce(journal)
    with journal.reading() as connection:
        return load(connection, at=instant)


def a_platform():
    for run in "12":
        yield an_event("build", int(run), run=run, inputs=["table"], outputs=[f"features@{run}"])
        yield an_event("train", int(run), run=run, inputs=[f"features@{run}"], outputs=["m@1"])


def test_nodes_that_no_event_names_stay_the_same_objects(journal):
    journal.append(a_platform(), "http")
    kept = KeptGraph(journal)
    before, _ = kept.at(LATE)

    journal.append([an_event("train", 9, run="3", inputs=["features@2"], outputs=["m@2"])], "http")
    after, _ = kept.at(LATE)

    assert after == loaded(journal)
    same = {id_ for id_, node in after.nodes.items() if node is before.nodes.get(id_)}
    # Of the features another event says the same: they did not change, though they are named.
    assert same == {"dataset:ns:features", "dataset:ns:table", "job:ns:build"}


def test_a_heartbeat_changes_no_node(journal):
    stream = {"inputs": ["table"], "outputs": ["p@1"], "streaming": True}
    journal.append([an_event("serve", 0, state="START", **stream)], "http")
    kept = KeptGraph(journal)
    before, _ = kept.at(LATE)

    for minute in range(1, 5):
        journal.append([an_event("serve", minute, state="RUNNING", **stream)], "http")
        after, _ = kept.at(LATE)
        assert all(node is before.nodes[id_] for id_, node in after.nodes.items())
        assert after == loaded(journal)


def a_file(name, table):
    names = {"identifiers": [{"namespace": "ns", "name": table, "type": "TABLE"}]}
    return a_dataset(f"{name}@1", {"symlinks": names})


def test_a_new_dataset_with_a_symlink_leaves_other_nodes_as_they_are(journal):
    journal.append([*a_platform(), an_event("w", 1, outputs=[a_file("one", "hive1")])], "http")
    kept = KeptGraph(journal)
    before, _ = kept.at(LATE)

    journal.append([an_event("w", 2, run="2", outputs=[a_file("two", "hive2")])], "http")
    after, _ = kept.at(LATE)

    assert after == loaded(journal)
    assert [name.name for name in after.nodes["dataset:ns:two"].symlinks] == ["hive2"]
    changed = {id_ for id_, node in after.nodes.items() if node is not before.nodes.get(id_)}
    assert changed == {"dataset:ns:two", "job:ns:w"}


def test_nodes_that_become_one_are_one_from_then_on(journal):
    journal.append([*a_platform(), an_event("read", 1, inputs=["hive1@1"])], "http")
    kept = KeptGraph(journal)
    assert "dataset:ns:hive1" in kept.at(LATE)[0].nodes

    journal.append([an_event("w", 2, outputs=[a_file("one", "hive1")])], "http")
    assert "dataset:ns:hive1" not in kept.at(LATE)[0].nodes
    assert kept.at(LATE)[0] == loaded(journal)

    journal.append([an_event("read", 3, run="2", inputs=["hive1@1"])], "http")
    assert kept.at(LATE)[0] == loaded(journal)


def test_nothing_new_is_the_same_graph_and_at_another_time_the_same_nodes(journal):
    journal.append(a_platform(), "http")
    kept = KeptGraph(journal)
    graph, seq = kept.at(at(10))

    assert kept.at(at(10)) == (graph, seq)
    assert kept.at(at(10))[0] is graph
    later, _ = kept.at(at(11))
    assert later.at == at(11)
    assert later.nodes is graph.nodes


def test_what_lies_ahead_comes_to_pass(journal):
    journal.append([an_event("build", 5, outputs=["features@1"])], "http")
    kept = KeptGraph(journal)

    assert kept.at(at(4)) == (loaded(journal, at(4)), 1)
    assert not kept.at(at(4))[0].nodes
    assert kept.at(at(5)) == (loaded(journal, at(5)), 1)
    assert kept.at(at(5))[0].nodes


def test_an_earlier_instant_is_answered_too_and_what_is_kept_stays(journal):
    journal.append(a_platform(), "http")
    kept = KeptGraph(journal)
    now, _ = kept.at(at(10))

    assert kept.at(at(1))[0] == loaded(journal, at(1))
    assert kept.at(at(3))[0].nodes is now.nodes  # nothing came to pass since
    assert kept.at(at(10))[0] is now


def test_an_instant_may_be_of_any_zone(journal):
    journal.append(a_platform(), "http")
    elsewhere = at(10).astimezone(timezone(timedelta(hours=5)))

    assert KeptGraph(journal).at(elsewhere)[0] == loaded(journal, at(10))


def test_what_others_append_is_seen(journal):
    kept = KeptGraph(journal)
    assert kept.at(LATE) == (loaded(journal), 0)

    with Journal(journal.home) as other:
        other.append(a_platform(), "http")

    assert kept.at(LATE) == (loaded(journal), 4)


def test_more_events_than_are_followed_are_loaded(journal):
    kept = KeptGraph(journal)
    kept.at(LATE)
    journal.append(
        [an_event("build", n, run=str(n), outputs=[f"f@{n}"]) for n in range(200)], "http"
    )

    assert kept.at(LATE)[0] == loaded(journal)


def test_of_a_run_that_goes_on_the_newest_word_counts(journal):
    kept = KeptGraph(journal)
    for minute, method in enumerate(["stem", "hash", "stem"]):
        link = {"dataset": "dataset:ns:a", "role": "input", "method": method, "confidence": 1.0}
        journal.append(
            [an_event("etl", minute, state="RUNNING", inputs=["a"], links=[link])], "http"
        )
        kept.at(LATE)

    (binding,) = kept.at(LATE)[0].nodes["job:ns:etl"].runs[0].inputs
    assert binding.method == "stem"
    assert kept.at(LATE)[0] == loaded(journal)


def test_when_the_newest_look_is_superseded_the_one_before_is_read(journal):
    looks = [an_event("observe.p", n, run=str(n), inputs=["p"]) for n in range(3)]
    journal.append(looks, "http")
    kept = KeptGraph(journal)
    kept.at(LATE)

    journal.append([an_event("etl", 9, supersedes=looks[2])], "http")
    graph, _ = kept.at(LATE)

    assert [run.id for run in graph.nodes["job:ns:observe.p"].runs] == [a_run_id("observe.p/1")]
    assert graph == loaded(journal)


def test_threads_get_whole_graphs(journal):
    kept = KeptGraph(journal)
    answers = []

    def ask():
        answers.extend(kept.at(LATE) for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(40):
        journal.append([an_event("build", n, run=str(n), outputs=[f"f@{n}"])], "http")
    for thread in threads:
        thread.join()

    assert len(answers) == 80
    for graph, seq in answers:
        assert len(list(graph.runs)) == seq  # each event is a run of its own
    assert kept.at(LATE)[0] == loaded(journal)


def test_after_an_error_all_is_loaded_anew(journal):
    journal.append(a_platform(), "http")
    kept = KeptGraph(journal)
    kept.at(LATE)
    journal.append([an_event("build", 7, run="7", outputs=["features@7"])], "http")
    reduce(journal)
    with journal.derived.transaction() as connection:
        connection.execute("ALTER TABLE graph_mentions RENAME TO hidden")
    with pytest.raises(JournalError):
        kept.at(LATE)
    with journal.derived.transaction() as connection:
        connection.execute("ALTER TABLE hidden RENAME TO graph_mentions")

    assert kept.at(LATE)[0] == loaded(journal)


def test_a_journal_that_begins_again_in_the_same_file_is_noticed(journal):
    journal.append(a_platform(), "http")
    kept = KeptGraph(journal)
    kept.at(LATE)
    with journal.transaction() as tx:
        tx.connection.execute("DELETE FROM events")
        tx.connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
    journal.append([an_event(f"other{n}", n, outputs=["o@1"]) for n in range(9)], "http")

    assert kept.at(LATE) == (loaded(journal), 9)


@pytest.mark.slow
def test_more_runs_at_once_than_are_followed_are_read(journal):
    kept = KeptGraph(journal)
    for minute, state in enumerate(("START", "RUNNING", "COMPLETE")):
        for first in range(0, MAX_LIVELY + 100, 100):
            some = [
                an_event("serve", minute, run=str(n), state=state, outputs=[f"p@{n}"])
                for n in range(first, first + 100)
            ]
            journal.append(some, "http")
            kept.at(LATE)

    assert kept.at(LATE)[0] == loaded(journal)


def statements():
    for room in (marks, rows):
        for name, text in vars(room).items():
            if isinstance(text, str) and re.match(r"_[A-Z_]+$", name) and "SELECT" in text:
                start = "SELECT e.job" if text.lstrip().startswith("FROM") else ""
                yield pytest.param(start + text, id=name)


@pytest.mark.parametrize("statement", [p for p in statements() if "%s" not in p.values[0]])
def test_no_statement_scans_a_table(journal, statement):
    kept = KeptGraph(journal)
    kept.at(LATE)
    names = re.findall(r":(\w+)", statement)
    bound = dict.fromkeys(names, 1) if names else [1] * statement.count("?")
    with journal.reading() as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bound)]

    assert plan
    assert [step for step in plan if re.match("SCAN (?!json_each|n$)", step)] == []


def test_counting_edges_is_counting_the_sorted_ones(journal):
    journal.append(a_platform(), "http")
    look = an_event("observe.m", 5, inputs=["m@1"])
    serve = an_event("serve", 4, state="START", inputs=["m@1", "table"], streaming=True)
    journal.append([look, serve], "http")

    graph = loaded(journal)

    assert graph.count_edges() == Counter(edge.kind for edge in graph.edges)
    assert set(graph.count_edges()) == {"snapshot", "live", "observe"}


def test_a_node_finds_its_versions_and_runs_and_is_equal_all_the_same(journal):
    journal.append(a_platform(), "http")
    graph, other = loaded(journal), loaded(journal)
    features, build = graph.nodes["dataset:ns:features"], graph.nodes["job:ns:build"]

    assert features.version_named("1") is features.versions[0]
    assert features.version_named("9") is None
    assert build.run_of_id(a_run_id("build/2")) is build.runs[1]
    assert build.run_of_id("9") is None
    assert graph.writer_of("dataset:ns:features", "2") is build.runs[1]
    assert graph == other


def test_one_id_of_two_names_in_one_event_stops_nobody(journal):
    names = [{"namespace": "a", "name": "b:c"}, {"namespace": "a:b", "name": "c"}]
    journal.append([a_foreign_event("etl", inputs=names)], "http")

    assert KeptGraph(journal).at(LATE)[0] == loaded(journal)
    assert "dataset:a:b:c" in loaded(journal).nodes


def test_facets_are_equal_if_they_are_written_the_same(journal):
    told = [a_dataset("a", {"n": {"x": value}}) for value in (1, True)]
    events = [an_event(f"look{n}", n, inputs=[told[n]]) for n in (0, 1)]
    journal.append(events[:1], "http")
    kept = KeptGraph(journal)
    before, _ = kept.at(LATE)
    journal.append(events[1:], "http")
    after, _ = kept.at(LATE)

    assert before.facet("dataset:ns:a", "n") == after.facet("dataset:ns:a", "n")  # 1 == True
    assert before.nodes["dataset:ns:a"].facets != after.nodes["dataset:ns:a"].facets
    assert after.nodes["dataset:ns:a"].facets == {"n": {"x": True}}


def test_an_index_is_the_dict_that_the_same_changes_make():
    first = {str(n): n for n in range(2 * MAX_CHANGES)}
    index, known = first, dict(first)
    for n in range(3 * MAX_CHANGES):
        gone, come = str(n * 7 % 5000), str(n * 11 % 5000)
        index = changed(index, {gone: None, come: n})
        known.pop(gone, None)
        known[come] = n
        assert index.get(str(n)) == known.get(str(n))

    assert index == known
    assert len(index) == len(known)
    assert "nobody" not in index
    assert first == {str(n): n for n in range(2 * MAX_CHANGES)}
