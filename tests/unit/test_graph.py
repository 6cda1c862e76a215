from __future__ import annotations

import orjson
import pytest
from builders import a_dataset, a_facet, a_foreign_event, a_run_id, an_event, as_event, at

from lineage_bridge.events import Event
from lineage_bridge.graph.load import add_facets, load
from lineage_bridge.graph.model import End
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def graph_of(journal):
    def build(*events, **bounds):
        journal.append(events, "http")
        reduce(journal)
        with journal.reading() as connection:
            return load(connection, **bounds)

    return build


def arrows(graph):
    short = lambda end: str(end).replace("dataset:ns:", "").replace("job:ns:", "")  # noqa: E731
    runs = {run.id: "1" for run in graph.runs}
    named = [(short(e.source), short(e.target), e.kind) for e in graph.edges]
    for run_id, name in runs.items():
        named = [(s.replace(run_id, name), t.replace(run_id, name), k) for s, t, k in named]
    return named


def run_of(graph, job, run="1"):
    return next(r for r in graph.nodes[f"job:ns:{job}"].runs if r.id == a_run_id(f"{job}/{run}"))


def test_a_batch_run_reads_and_writes_snapshots(graph_of):
    graph = graph_of(an_event("train", inputs=["features@1", "table"], outputs=["models@v1"]))

    assert arrows(graph) == [
        ("features@1", "train@1", "snapshot"),
        ("table", "train@1", "snapshot"),
        ("train@1", "models@v1", "snapshot"),
    ]


def test_a_stream_reads_live_what_has_no_version(graph_of):
    graph = graph_of(
        an_event("serve", state="START", inputs=["m@1", "table"], outputs=["p@m/1"], streaming=True)
    )

    assert arrows(graph) == [
        ("m@1", "serve@1", "snapshot"),
        ("table", "serve@1", "live"),
        ("serve@1", "p@m/1", "snapshot"),
    ]


def test_an_observer_only_looks_and_only_its_newest_run_is_listed(graph_of):
    found = {"status": "idle", "evaluatedAt": "2026-04-07T08:00:00Z"}
    health = {"lineageBridge_servingHealth": a_facet("lineageBridge_servingHealth", found)}
    graph = graph_of(
        an_event("observe.p", 1, run="1", inputs=[a_dataset("p", health)]),
        an_event("observe.p", 2, run="2", inputs=["p"]),
    )

    assert [e.kind for e in graph.edges] == ["observe"]
    assert [r.id for r in graph.nodes["job:ns:observe.p"].runs] == [a_run_id("observe.p/2")]
    assert graph.facet("dataset:ns:p", "lineageBridge_servingHealth")["status"] == "idle"


def test_feedback_is_what_a_link_declares(graph_of):
    link = {"dataset": "dataset:ns:p", "role": "input", "method": "declared"}
    link |= {"kind": "feedback", "confidence": 1.0}
    graph = graph_of(an_event("retrain", inputs=["p"], links=[link]))

    assert [(e.kind, e.binding.method) for e in graph.edges] == [("feedback", "declared")]


def test_a_mention_with_a_version_outweighs_one_without(graph_of):
    graph = graph_of(
        an_event("train", 0, state="START", inputs=["features"]),
        an_event("train", 1, inputs=["features@1"]),
    )

    assert arrows(graph) == [("features@1", "train@1", "snapshot")]


@pytest.mark.parametrize("state", ["FAIL", "ABORT"])
def test_a_failed_batch_run_has_written_nothing(graph_of, state):
    graph = graph_of(an_event("train", state=state, inputs=["f@1"], outputs=["m@1"]))

    assert arrows(graph) == [("f@1", "train@1", "snapshot")]
    assert graph.nodes["dataset:ns:m"].versions == ()


def test_a_batch_run_that_goes_on_has_no_version_yet(graph_of):
    graph = graph_of(an_event("train", state="START", outputs=["m@1"]))

    assert arrows(graph) == [("train@1", "m", "snapshot")]
    assert graph.nodes["dataset:ns:m"].versions == ()


def test_a_version_that_is_only_read_is_listed_without_a_run(graph_of):
    (version,) = graph_of(an_event("train", inputs=["f@1"])).nodes["dataset:ns:f"].versions

    assert (version.version, version.run, version.time) == ("1", None, None)


def test_what_a_stream_wrote_stays_when_it_fails(graph_of):
    stream = {"outputs": ["p@1"], "streaming": True}
    graph = graph_of(
        an_event("serve", 1, state="START", **stream), an_event("serve", 2, state="FAIL", **stream)
    )

    (version,) = graph.nodes["dataset:ns:p"].versions
    assert version.time == at(1)
    assert graph.writer_of("dataset:ns:p", "1") == run_of(graph, "serve")


def test_a_stream_writes_a_version_when_it_first_names_it(graph_of):
    graph = graph_of(
        an_event("s", 1, state="START", outputs=["p@1"], streaming=True),
        an_event("s", 2, state="RUNNING", outputs=["p@2"], streaming=True),
        an_event("s", 3, state="RUNNING", outputs=["p@2"], streaming=True, run_facets={"n": {}}),
    )

    assert [(v.version, v.time) for v in graph.nodes["dataset:ns:p"].versions] == [
        ("1", at(1)),
        ("2", at(2)),
    ]


def test_three_activations_of_two_models(graph_of):
    stream = {"state": "START", "streaming": True}
    graph = graph_of(
        an_event("serve", 1, run="a", inputs=["m@1"], outputs=["p@m/1"], **stream),
        an_event("serve", 2, run="b", inputs=["m@5"], outputs=["p@m/5"], **stream),
        an_event("serve", 3, run="c", inputs=["m@1"], outputs=["p@m/1"], **stream),
    )

    assert [r.version for r in graph.nodes["job:ns:serve"].runs] == ["m/1", "m/5", "m/1"]
    versions = graph.nodes["dataset:ns:p"].versions
    assert [(v.version, v.run) for v in versions] == [
        ("m/5", a_run_id("serve/b")),
        ("m/1", a_run_id("serve/c")),
    ]


def test_the_state_of_a_run(graph_of):
    graph = graph_of(
        an_event("train", 2, state="COMPLETE"),
        an_event("train", 2, state="RUNNING"),
        an_event("train", 3, state="OTHER"),
        an_event("train", 0, state="RUNNING"),
        an_event("train", 1, state="START"),
    )
    run = run_of(graph, "train")

    assert (run.state, run.first, run.started, run.ended) == ("COMPLETED", at(0), at(1), at(2))


def test_without_a_start_there_is_no_start(graph_of):
    run = run_of(graph_of(an_event("train", 2)), "train")

    assert (run.started, run.ended) == (None, at(2))


def test_at_an_earlier_time_later_events_are_not_there(graph_of):
    events = [
        an_event("build", 1, outputs=[a_dataset("f@1", {"x": a_facet("storage", {"rows": 1})})]),
        an_event("build", 3, outputs=[a_dataset("f@2", {"x": a_facet("storage", {"rows": 2})})]),
    ]
    graph = graph_of(*events, at=at(2))

    assert graph.at == at(2)
    assert [v.version for v in graph.nodes["dataset:ns:f"].versions] == ["1"]
    assert graph.facet("dataset:ns:f", "x")["rows"] == 1
    assert graph_of(at=at(0)).nodes == {}
    assert graph_of().at == at(3)


def test_each_version_keeps_its_own_facets(graph_of):
    graph = graph_of(
        an_event("b", 1, outputs=[a_dataset("f@1", {"x": a_facet("storage", {"rows": 1})})]),
        an_event("b", 3, outputs=[a_dataset("f@2", {"x": a_facet("storage", {"rows": 2})})]),
    )

    assert graph.facet("dataset:ns:f", "x", "1")["rows"] == 1
    assert graph.facet("dataset:ns:f", "x", "2")["rows"] == 2
    assert graph.facet("dataset:ns:f", "x", "3") is None
    assert graph.facet("dataset:ns:nothing", "x") is None


def test_known_at_answers_from_what_had_arrived(journal, graph_of):
    first = an_event("train", inputs=["f@1"])
    second = an_event("train", inputs=["f@2"], supersedes=first)
    for minute, event in ((10, first), (20, second)):
        with journal.transaction(received_us=int(at(minute).timestamp() * 1e6)) as tx:
            tx.append(event, "http")

    assert arrows(graph_of(known_at=at(15))) == [("f@1", "train@1", "snapshot")]
    assert arrows(graph_of(known_at=at(20))) == [("f@2", "train@1", "snapshot")]
    assert arrows(graph_of(known_at=at(5))) == []


def test_only_the_facets_that_are_wanted_are_loaded(graph_of):
    both = {"schema": a_facet("schema", {}), "storage": a_facet("storage", {})}
    event = an_event("b", outputs=[a_dataset("f@1", both)], run_facets=both)
    graph = graph_of(event, keys=["schema"])

    assert list(graph.nodes["dataset:ns:f"].facets) == ["schema"]
    assert list(run_of(graph, "b").facets) == ["schema"]
    assert list(graph_of(keys=[]).nodes["dataset:ns:f"].facets) == []


def test_facets_can_be_added_to_a_part(journal, graph_of):
    whole = graph_of(
        an_event("b", 1, outputs=[a_dataset("f@1", {"x": a_facet("storage", {"rows": 1})})]),
        an_event("b", 3, outputs=[a_dataset("f@2", {"x": a_facet("storage", {"rows": 2})})]),
    )
    for instant in (None, at(2)):
        with journal.reading() as connection:
            part = load(connection, at=instant, keys=()).part([End("dataset:ns:f", "1")])
            filled = add_facets(connection, part, at=instant)
            expected = load(connection, at=instant).part([End("dataset:ns:f", "1")])
        assert list(part.nodes["dataset:ns:f"].facets) == []
        assert filled == expected
    assert list(whole.nodes["dataset:ns:f"].facets) == ["version", "x"]


def test_the_links_facet_is_no_fact_of_a_run_and_a_huge_facet_stays_in_the_journal(graph_of):
    run_facets = {"plan": {"text": "x" * 40_000}, "small": {"n": 1}}
    run = run_of(graph_of(an_event("b", run_facets=run_facets)), "b")

    assert dict(run.facets) == {"small": {"n": 1}}


def test_a_facet_can_be_taken_back(graph_of):
    graph = graph_of(
        an_event("b", 1, outputs=[a_dataset("f", {"x": {"n": 1}, "y": {"n": 1}})]),
        an_event("b", 2, outputs=[a_dataset("f", {"x": {"_deleted": True}})]),
    )

    assert dict(graph.nodes["dataset:ns:f"].facets) == {"y": {"n": 1}}


def test_facets_of_inputs_and_outputs_belong_to_the_dataset(graph_of):
    dataset = {"namespace": "ns", "name": "f", "outputFacets": {"outputStatistics": {"rows": 3}}}
    graph = graph_of(a_foreign_event(outputs=[dataset]))

    assert graph.facet("dataset:ns:f", "outputStatistics") == {"rows": 3}


def test_dataset_and_job_events_add_nodes_versions_and_facets(graph_of):
    of_spec = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
    version = {"version": {"datasetVersion": "7"}}
    graph = graph_of(
        as_event(
            {
                "eventTime": at(1).isoformat(),
                "schemaURL": of_spec + "DatasetEvent",
                "dataset": {"namespace": "ns", "name": "seen", "facets": version},
            }
        ),
        as_event(
            {
                "eventTime": at(1).isoformat(),
                "schemaURL": of_spec + "JobEvent",
                "job": {"namespace": "ns", "name": "j", "facets": {"sql": {"query": "select 1"}}},
                "inputs": [{"namespace": "ns", "name": "in"}],
            }
        ),
    )

    assert list(graph.nodes) == ["dataset:ns:in", "dataset:ns:seen", "job:ns:j"]
    assert graph.nodes["job:ns:j"].facets["sql"] == {"query": "select 1"}
    assert [(v.version, v.run, v.time) for v in graph.nodes["dataset:ns:seen"].versions] == [
        ("7", None, at(1))
    ]
    assert [(str(e.source), str(e.target), e.kind) for e in graph.edges] == [
        ("dataset:ns:in", "job:ns:j", "snapshot")
    ]


GOOD = {
    "eventType": "COMPLETE",
    "run": {"runId": "r"},
    "job": {"namespace": "ns", "name": "j"},
    "inputs": [{"namespace": "ns", "name": "in"}],
    "outputs": [],
}


@pytest.mark.parametrize(
    "broken",
    [
        {"job": None},
        {"job": {"namespace": "ns"}},
        {"job": {"namespace": [1], "name": "j"}},
        {"run": {}},
        {"run": []},
        {"run": {"runId": {"a": 1}}},
    ],
)
def test_an_event_without_a_job_or_run_says_nothing(graph_of, broken):
    assert graph_of(as_event({"eventTime": at(0).isoformat()} | GOOD | broken)).nodes == {}


def test_a_number_or_a_boolean_is_the_text_that_marquez_makes_of_it(graph_of):
    odd = {
        "eventType": "complete",
        "run": {"runId": 20},
        "job": {"namespace": 5, "name": True},
        "inputs": [{"namespace": 0.5, "name": False}],
        "producer": 7,
    }
    graph = graph_of(as_event({"eventTime": at(0).isoformat()} | odd))

    assert list(graph.nodes) == ["dataset:0.5:false", "job:5:true"]
    assert [(run.id, run.state) for run in graph.nodes["job:5:true"].runs] == [("20", "COMPLETED")]


@pytest.mark.parametrize(
    "odd",
    [
        {"outputs": None},
        {"outputs": {"namespace": "ns", "name": "x"}},
        {"outputs": [None, 3, "x", {}, {"name": "x"}, {"namespace": "ns", "name": ""}]},
        {"eventType": 3},
        {"eventType": "complete"},
        {"job": GOOD["job"] | {"facets": [1]}},
        {"job": GOOD["job"] | {"facets": {"jobType": "x", "sql": None}}},
        {"run": GOOD["run"] | {"facets": {"lineageBridge_event": {"links": [1, {}], "id": ""}}}},
        {"run": GOOD["run"] | {"facets": {"lineageBridge_event": {"id": "i", "links": "x"}}}},
        {"inputs": [GOOD["inputs"][0] | {"facets": {"version": {"datasetVersion": 3}}}]},
        {"inputs": [GOOD["inputs"][0] | {"facets": {"version": []}, "inputFacets": 1}]},
    ],
)
def test_what_is_not_as_the_spec_says_is_passed_over(graph_of, odd):
    graph = graph_of(as_event({"eventTime": at(0).isoformat()} | GOOD | odd))

    assert list(graph.nodes) == ["dataset:ns:in", "job:ns:j"]
    assert [e.source for e in graph.edges] == [End("dataset:ns:in")]


def test_bodies_that_are_no_events_and_unknown_kinds_are_passed_over(graph_of):
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    bodies = [b"", b"[1]", b"\xff", b'{"job": "\\ud800"}', deep, orjson.dumps(GOOD)]
    events = [Event(body, "run", 0) for body in bodies[:-1]] + [Event(bodies[-1], "other", 0)]

    assert graph_of(*events).nodes == {}


def test_colons_that_make_one_id_of_two_names_do_not_break_the_order(graph_of):
    one = an_event("j", outputs=[a_dataset("b:c")])
    document = orjson.loads(one.body)
    document["outputs"] = [{"namespace": "ns:b", "name": "c"}]
    del document["run"]["facets"]
    graph = graph_of(as_event(document), one)

    node = graph.nodes["dataset:ns:b:c"]
    assert (node.namespace, node.name) == ("ns", "b:c")


SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"


def a_link(*names):
    identifiers = [{"namespace": "ns", "name": name, "type": "TABLE"} for name in names]
    return {"symlinks": {"identifiers": identifiers}}


def a_job_event(job, minute, inputs=(), outputs=(), **facets):
    return as_event(
        {
            "eventTime": at(minute).isoformat(),
            "schemaURL": SPEC + "JobEvent",
            "job": {"namespace": "ns", "name": job, "facets": facets},
            "inputs": [{"namespace": "ns", "name": name} for name in inputs],
            "outputs": [{"namespace": "ns", "name": name} for name in outputs],
        }
    )


class TestSymlinks:
    def test_the_node_has_the_name_whose_event_says_so(self, graph_of):
        graph = graph_of(
            an_event("read", 0, inputs=["table@1"], outputs=["b"]),
            an_event("write", 1, outputs=[a_dataset("a-file@1", a_link("table"))]),
        )

        node = graph.nodes["dataset:ns:a-file"]
        assert [name.name for name in node.symlinks] == ["table"]
        assert "dataset:ns:table" not in graph.nodes
        assert graph.called("dataset:ns:table") is node
        assert arrows(graph) == [
            ("a-file@1", "read@1", "snapshot"),
            ("read@1", "b", "snapshot"),
            ("write@1", "a-file@1", "snapshot"),
        ]

    def test_of_several_that_say_so_the_first_by_event_time_counts(self, graph_of):
        graph = graph_of(
            an_event("two", 2, outputs=[a_dataset("a", a_link("b"))]),
            an_event("one", 1, outputs=[a_dataset("c", a_link("b"))]),
        )

        (node,) = [node for node in graph.nodes.values() if node.kind == "dataset"]
        assert node.name == "c"
        assert [name.name for name in node.symlinks] == ["a", "b"]

    def test_facets_and_versions_of_all_names_are_those_of_the_node(self, graph_of):
        one, two = {"schema": {"fields": []}}, {"quality": {"n": 1}}
        graph = graph_of(
            an_event("j", 1, outputs=[a_dataset("a@1", one | a_link("b"))]),
            an_event("k", 2, inputs=[a_dataset("b@1", two), "b@2"]),
        )

        node = graph.nodes["dataset:ns:a"]
        assert {"schema", "quality", "symlinks"} <= node.facets.keys()
        assert {"schema", "quality"} <= node.version_named("1").facets.keys()
        assert [version.version for version in node.versions] == ["2", "1"]

    def test_a_name_that_is_not_mentioned_joins_others(self, graph_of):
        graph = graph_of(
            an_event("j", 1, outputs=[a_dataset("a", a_link("table"))]),
            an_event("k", 2, inputs=[a_dataset("b", a_link("table"))]),
        )

        assert arrows(graph) == [("a", "k@1", "snapshot"), ("j@1", "a", "snapshot")]

    def test_what_was_said_holds_without_being_said_again_until_it_is_superseded(self, graph_of):
        said = an_event("j", 1, outputs=[a_dataset("a", a_link("b"))])
        again = an_event("j", 2, outputs=["a"])
        assert graph_of(said, again).called("dataset:ns:b") is not None

        instead = an_event("j", 1, outputs=["a"], supersedes=said)
        assert graph_of(instead).called("dataset:ns:b") is None

    @pytest.mark.parametrize(
        "facet", [None, 1, {}, {"identifiers": 1}, {"identifiers": [1, {}, {"name": "b"}]}]
    )
    def test_a_facet_of_another_form_joins_nothing(self, graph_of, facet):
        entry = {"namespace": "ns", "name": "a", "facets": {"symlinks": facet}}
        assert not graph_of(a_foreign_event(outputs=[entry])).nodes["dataset:ns:a"].symlinks

    def test_facets_of_a_part_are_those_of_all_names(self, graph_of, journal):
        events = [
            an_event("j", 1, outputs=[a_dataset("a@1", a_link("b"))]),
            an_event("k", 2, inputs=[a_dataset("b@1", {"quality": {"n": 1}})]),
        ]
        graph = graph_of(*events, keys=())
        with journal.reading() as connection:
            assert add_facets(connection, graph) == load(connection)


class TestJobEvents:
    def test_they_have_edges_without_a_run(self, graph_of):
        graph = graph_of(a_job_event("j", 1, ["a"], ["b"]))

        assert arrows(graph) == [("a", "j", "snapshot"), ("j", "b", "snapshot")]
        assert graph.count_edges() == {"snapshot": 2}

    def test_the_newest_that_names_datasets_counts(self, graph_of):
        graph = graph_of(
            a_job_event("j", 3, sql={"query": "select 1"}),
            a_job_event("j", 2, ["a2"], ["b"]),
            a_job_event("j", 1, ["a1"], ["b"]),
        )

        assert arrows(graph) == [("a2", "j", "snapshot"), ("j", "b", "snapshot")]
        assert graph.nodes["job:ns:j"].facets["sql"] == {"query": "select 1"}

    def test_a_stream_reads_live_and_an_observer_looks(self, graph_of):
        graph = graph_of(
            a_job_event("s", 1, ["a"], jobType={"processingType": "STREAMING"}),
            a_job_event("observe.a", 1, ["a"]),
        )

        assert arrows(graph) == [("a", "observe.a", "observe"), ("a", "s", "live")]
