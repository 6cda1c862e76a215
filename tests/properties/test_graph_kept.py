from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import orjson
from builders import NS, a_run_id, as_event, at
from hypothesis import given, note
from hypothesis import strategies as st
from properties.test_graph import histories

from lineage_bridge.care.prune import prune
from lineage_bridge.care.rebuild import rebuild
from lineage_bridge.graph.kept import KeptGraph
from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import GRAPH, reduce
from lineage_bridge.journal import Journal
from lineage_bridge.show.shapes import graph_json
from lineage_bridge.times import format_time

# Few of each, so that events meet. Colons make one dataset of two names, and one job of one that
# looks and one that does not; a NUL is a character like any other.
DATASETS = [(NS, "table"), (NS, "features"), (NS, "p"), ("a", "b:c"), ("a:b", "c")]
JOBS = [(NS, "build"), (NS, "observe.p"), ("a", "observe.x:y"), ("a:observe.x", "y"), (NS, "s")]
VERSIONS = ["", "1", "2", "v\0x"]
STATES = ["START", "RUNNING", "OTHER", "COMPLETE", "FAIL", "ABORT"]
FACETS = ("schema", "quality")
KINDS = ["Run"] * 8 + ["Job", "Dataset"]
MINUTES = 7
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"


def facets(random):
    values = [{"_deleted": True}, {"n": 0}, {"n": 1}, {"n": True}]
    return {key: random.choice(values) for key in FACETS if random.random() < 0.5}


def a_dataset(random, role):
    namespace, name = random.choice(DATASETS)
    own = facets(random)
    if version := random.choice(VERSIONS):
        own["version"] = {"datasetVersion": version}
    if random.random() < 0.15:
        others = [dict(zip(("namespace", "name"), random.choice(DATASETS), strict=True))]
        own["symlinks"] = {"identifiers": others}
    entry = {"namespace": namespace, "name": name, "facets": own}
    return entry | ({f"{role}Facets": facets(random)} if random.random() < 0.3 else {})


def some_datasets(random, role):
    return [a_dataset(random, role) for _ in range(random.choice([0, 1, 1, 2, 3]))]


def own_facet(random):
    ids = [letter * 32 for letter in "abcdef01"]
    own = {"_producer": "https://example.com", "_schemaURL": "https://example.com/event.json"}
    own["id"] = random.choice(ids)
    if random.random() < 0.4:
        own["supersedes"] = random.choice(ids)
    if random.random() < 0.4:
        link = {"dataset": f"dataset:{NS}:table", "role": random.choice(["input", "output"])}
        link |= {"method": random.choice(["stem", "hash"]), "confidence": random.choice([0.5, 1.0])}
        own["links"] = [link | random.choice([{}, {"kind": "feedback"}])]
    return own


def an_event(random):
    """A run, job or dataset event; if it is one of ours, it may supersede another, or be it."""
    kind = random.choice(KINDS)
    document = {
        "eventTime": format_time(at(random.randrange(MINUTES))),
        "producer": "https://example.com",
        "schemaURL": f"{SPEC}/{kind}Event",
    }
    if kind == "Dataset":
        return as_event(document | {"dataset": a_dataset(random, "dataset")})
    job_facets = facets(random)
    if random.random() < 0.5:
        job_facets["jobType"] = {"processingType": random.choice(["STREAMING", "BATCH"])}
    namespace, name = random.choice(JOBS)
    document |= {
        "job": {"namespace": namespace, "name": name, "facets": job_facets},
        "inputs": some_datasets(random, "input"),
        "outputs": some_datasets(random, "output"),
    }
    if kind == "Job":
        return as_event(document)
    run_facets = facets(random)
    if random.random() < 0.6:
        run_facets["lineageBridge_event"] = own_facet(random)
    document["run"] = {"runId": a_run_id(random.choice("123")), "facets": run_facets}
    return as_event(document | {"eventType": random.choice(STATES)})


class AHome:
    """A home with a journal that things happen to."""

    def __init__(self, folder):
        self._folder = folder
        self.journal = Journal(folder / "home")
        self._sent = []

    def append(self, events):
        for event in events:
            note(event.body.decode())
        self._sent += events
        self.journal.append(events, "http")

    def append_again(self):
        self.journal.append(self._sent[::2], "http")

    def rebuild(self):
        rebuild(self.journal, [GRAPH])

    def prune(self):
        prune(self.journal, before=at(3), now=at(MINUTES), models=[GRAPH])

    def keep_a_copy(self):
        reduce(self.journal)
        self.journal.checkpoint()
        shutil.rmtree(self._folder / "copy", ignore_errors=True)
        shutil.copytree(self._folder / "home", self._folder / "copy")

    def put_the_copy_back(self):
        if (self._folder / "copy").exists():
            shutil.rmtree(self._folder / "home")
            shutil.copytree(self._folder / "copy", self._folder / "home")

    def loaded(self, instant, keys):
        reduce(self.journal)
        with self.journal.reading() as connection:
            return load(connection, at=instant, keys=keys)


RARE = ["append_again", "rebuild", "prune", "keep_a_copy", "put_the_copy_back"]


@contextmanager
def a_home():
    with tempfile.TemporaryDirectory() as folder:
        home = AHome(Path(folder))
        try:
            yield home
        finally:
            home.journal.close()


def check(kept, home, minute, keys=None):
    note(f"asked at {minute}")
    graph, seq = kept.at(at(minute))

    expected = home.loaded(at(minute), keys)
    assert graph == expected
    assert list(graph.nodes) == list(expected.nodes)
    assert orjson.dumps(graph_json(graph)) == orjson.dumps(graph_json(expected))
    assert graph.count_edges() == expected.count_edges()
    assert seq == home.journal.last_seq()
    for node_id, node in graph.nodes.items():
        check_what_is_remembered(node, expected.nodes[node_id])


def check_what_is_remembered(node, other):
    assert node.versions_by_name == other.versions_by_name
    assert node.runs_by_id == other.runs_by_id
    assert node.edge_counts == other.edge_counts
    for key in FACETS:
        assert node.runs_with(key) == other.runs_with(key)
        assert node.versions_with(key) == other.versions_with(key)


keys_asked_for = st.sampled_from([None, None, (), ("schema",)])


@given(st.randoms(use_true_random=False), st.integers(1, 12), keys_asked_for)
def test_what_is_kept_is_what_is_loaded_after_each_event(random, count, keys):
    minute = 0
    with a_home() as home:
        kept = KeptGraph(home.journal, keys=keys)
        for _ in range(count):
            home.append([an_event(random) for _ in range(random.choice([1, 1, 2, 4]))])
            minute = max(minute, random.randrange(MINUTES))
            check(kept, home, minute, keys)


@given(st.lists(st.sampled_from(["append"] * 5 + RARE), max_size=8), st.randoms(), keys_asked_for)
def test_what_is_kept_is_what_is_loaded_whatever_happens(happenings, random, keys):
    with a_home() as home:
        kept = KeptGraph(home.journal, keys=keys)
        for happening in happenings:
            note(happening)
            given = [[an_event(random) for _ in range(3)]] if happening == "append" else []
            getattr(home, happening)(*given)
            check(kept, home, random.randrange(MINUTES), keys)


@given(histories(), st.data())
def test_what_is_kept_of_a_platform_is_what_is_loaded_in_any_order(events, data):
    shuffled = data.draw(st.permutations(events))
    with a_home() as home:
        kept = KeptGraph(home.journal)
        for number, event in enumerate(shuffled):
            home.append([event])
            check(kept, home, min(number, MINUTES))
