from __future__ import annotations

import pytest
from builders import a_dataset, a_foreign_event, a_journal, a_run_id, an_event, as_event
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.errors import AmbiguousNodeError, NodeNotFoundError
from lineage_bridge.events import Dataset
from lineage_bridge.events.run_ids import run_uuid
from lineage_bridge.graph.find import RunParts, find
from lineage_bridge.graph.find.run_ids import runs_like
from lineage_bridge.graph.load import load
from lineage_bridge.graph.model import End
from lineage_bridge.graph.paths import find_path, reach_upstream
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.graph.walk import walk
from lineage_bridge.naming import Slot
from lineage_bridge.show.shapes import path_json
from lineage_bridge.show.text import did_you_mean


@pytest.fixture
def graph_of(tmp_path):
    def build(*events):
        with a_journal(tmp_path / "home", events) as journal:
            reduce(journal)
            with journal.reading() as connection:
                return load(connection)

    return build


CHAIN = [
    an_event("build", 1, run="1", inputs=["table"], outputs=["features@1"]),
    an_event("build", 2, run="2", inputs=["table"], outputs=["features@2"]),
    an_event("train", 3, run="1", inputs=["features@1"], outputs=["models@v1"]),
    an_event("train", 4, run="2", inputs=["features@2"], outputs=["models@v2"]),
    an_event("serve", 5, run="1", inputs=["models@v2"], outputs=["p@m/v2"], streaming=True),
    an_event("serve", 6, run="2", inputs=["models@v1"], outputs=["p@m/v1"], streaming=True),
    an_event("observe.p", 7, inputs=["p", "features@2"]),
]


def short(end):
    name = end.node.split(":", 2)[2]
    runs = {a_run_id(f"{job}/{n}"): n for job in ("build", "train", "serve") for n in "12"}
    return name if end.mark is None else f"{name}@{runs.get(end.mark, end.mark)}"


def path_between(graph, source, target):
    path = find_path(graph, find(graph, source), find(graph, target))
    return None if path is None else [short(end) for end in path.ends]


class TestFind:
    @pytest.mark.parametrize(
        ("text", "end"),
        [
            ("dataset:ns:features", End("dataset:ns:features")),
            ("ns:features", End("dataset:ns:features")),
            ("features", End("dataset:ns:features")),
            ("features@2", End("dataset:ns:features", "2")),
            ("dataset:ns:p@m/v1", End("dataset:ns:p", "m/v1")),
            (f"train@{a_run_id('train/1')}", End("job:ns:train", a_run_id("train/1"))),
            (f"train@{a_run_id('train/1')[:8]}", End("job:ns:train", a_run_id("train/1"))),
        ],
    )
    def test_every_way_to_write_a_node(self, graph_of, text, end):
        assert find(graph_of(*CHAIN), text) == end

    def test_colons_and_ats_inside_names_are_no_marks(self, graph_of):
        table = Dataset("postgres://me@db:5432", "a:b@c.d", "v@1")
        graph = graph_of(an_event("j", outputs=[table]))

        full = "dataset:postgres://me@db:5432:a:b@c.d"
        assert find(graph, "a:b@c.d") == End(full)
        assert find(graph, "postgres://me@db:5432:a:b@c.d@v@1") == End(full, "v@1")

    @pytest.mark.parametrize(
        ("text", "suggestion"),
        [("featurs", "features"), ("features@3", "features@2"), ("dataset:ns:tabel", "table")],
    )
    def test_a_near_miss_gets_a_suggestion(self, graph_of, text, suggestion):
        with pytest.raises(NodeNotFoundError, match=f"No node `{text}` is known") as caught:
            find(graph_of(*CHAIN), text)

        assert caught.value.text == text
        assert f"{suggestion}`" in did_you_mean(text, caught.value.known)

    def test_a_deployment_of_several_environments_names_them(self, graph_of):
        slots = [Slot("svc", env, "dep") for env in ("canary", "production")]
        graph = graph_of(*(an_event(s.job, outputs=[f"{s.predictions}@m/1"]) for s in slots))

        with pytest.raises(AmbiguousNodeError, match="canary"):
            find(graph, "dep")
        assert find(graph, "canary/dep") == End(f"dataset:ns:{slots[0].predictions}")
        assert find(graph, "canary/dep@m/1").mark == "m/1"
        run = a_run_id(f"{slots[0].job}/1")
        assert find(graph, f"svc/canary/dep@{run[-9:]}") == End(f"job:ns:{slots[0].job}", run)

    def test_a_run_id_that_is_no_uuid_is_found_as_it_is_and_as_marquez_writes_it(self, graph_of):
        graph = graph_of(a_foreign_event("etl", run={"runId": "scheduled: 1"}))

        for text in ("scheduled: 1", "run:scheduled: 1", run_uuid("scheduled: 1")):
            assert find(graph, text) == End("job:ns:etl", "scheduled: 1")

    def test_a_name_of_several_nodes_names_them(self, graph_of):
        elsewhere = Dataset("other", "table")
        graph = graph_of(*CHAIN, an_event("j", inputs=[elsewhere]))

        with pytest.raises(AmbiguousNodeError, match="dataset:ns:table") as caught:
            find(graph, "table")
        assert caught.value.candidates == ["dataset:ns:table", "dataset:other:table"]
        assert find(graph, "other:table") == End("dataset:other:table")


class TestPath:
    def test_the_newest_activation_back_to_the_table(self, graph_of):
        assert path_between(graph_of(*CHAIN), "table", "p") == [
            *("table", "build@1", "features@1", "train@1"),
            *("models@v1", "serve@2", "p@m/v1"),
        ]

    def test_a_version_that_is_named_is_the_one(self, graph_of):
        graph = graph_of(*CHAIN)

        assert path_between(graph, "table", "p@m/v2")[1:3] == ["build@2", "features@2"]
        assert path_between(graph, "features@2", "p")[-1] == "p@m/v2"

    def test_no_path_jumps_between_versions_or_runs(self, graph_of):
        graph = graph_of(*CHAIN)

        assert path_between(graph, "features@1", "p@m/v2") is None
        assert path_between(graph, f"build@{a_run_id('build/2')}", "models@v1") is None

    def test_no_path_leads_against_the_data_or_through_an_observer(self, graph_of):
        graph = graph_of(*CHAIN)

        assert path_between(graph, "p", "table") is None
        assert path_between(graph, "features", "observe.p") is None

    def test_a_declared_feedback_is_no_way(self, graph_of):
        link = {
            "dataset": "dataset:ns:p",
            "role": "input",
            "method": "x",
            "confidence": 1.0,
            "kind": "feedback",
        }
        graph = graph_of(an_event("retrain", inputs=["p"], outputs=["m@2"], links=[link]))

        assert path_between(graph, "p", "m") is None

    def test_a_live_read_goes_on_from_the_newest_version_of_its_time(self, graph_of):
        stream = {"inputs": ["features"], "streaming": True}
        graph = graph_of(
            *CHAIN[:2],
            an_event("old", 0, state="START", outputs=["a@1"], **stream),
            an_event("old", 1.5, state="COMPLETE", outputs=["a@1"], **stream),
            an_event("new", 3, state="START", outputs=["b@1"], **stream),
        )

        assert path_between(graph, "table", "a")[:3] == ["table", "build@1", "features@1"]
        assert path_between(graph, "table", "b")[:3] == ["table", "build@2", "features@2"]

    def test_producers_without_versions_have_paths_too(self, graph_of):
        graph = graph_of(
            a_foreign_event("one", inputs=["a"], outputs=["b"]),
            a_foreign_event("two", inputs=["b"], outputs=["c"]),
        )

        path = find_path(graph, find(graph, "a"), find(graph, "c"))
        assert [end.node for end in path.ends if end.mark is None] == [
            "dataset:ns:a",
            "dataset:ns:b",
            "dataset:ns:c",
        ]

    def test_a_batch_read_without_a_version_is_bound_to_none(self, graph_of):
        graph = graph_of(*CHAIN[:2], a_foreign_event("etl", 9, inputs=["features"], outputs=["x"]))

        assert path_between(graph, "table", "x") is None
        assert path_between(graph, "features", "x")[0] == "features"

    def test_from_a_node_to_itself_there_is_nothing_to_go(self, graph_of):
        graph = graph_of(*CHAIN)
        path = find_path(graph, End("dataset:ns:p"), End("dataset:ns:p"))

        assert path.hops == ()
        assert path.ends[0].node == "dataset:ns:p"

    def test_a_cycle_ends(self, graph_of):
        graph = graph_of(
            a_foreign_event("one", inputs=["a"], outputs=["b"]),
            a_foreign_event("two", inputs=["b"], outputs=["a"]),
            a_foreign_event("three", outputs=["c"]),
        )

        assert path_between(graph, "a", "c") is None
        assert reach_upstream(graph, End("dataset:ns:b")).target == End("dataset:ns:b")

    def test_the_json_has_times_and_links(self, graph_of):
        link = {"role": "input", "dataset": "dataset:ns:f", "method": "stem", "confidence": 0.9}
        graph = graph_of(
            an_event("train", 1, state="START", inputs=["f@1"], outputs=["m@1"], links=[link]),
            an_event("train", 2, inputs=["f@1"], outputs=["m@1"], links=[link]),
        )
        run = f"job:ns:train@{a_run_id('train/1')}"

        assert path_json(find_path(graph, find(graph, "f"), find(graph, "m"))) == {
            "from": "dataset:ns:f@1",
            "to": "dataset:ns:m@1",
            "hops": [
                {
                    "from": "dataset:ns:f@1",
                    "to": run,
                    "kind": "snapshot",
                    "time": "2026-04-07T08:01:00Z",
                    "link": {"method": "stem", "confidence": 0.9},
                },
                {
                    "from": run,
                    "to": "dataset:ns:m@1",
                    "kind": "snapshot",
                    "time": "2026-04-07T08:02:00Z",
                },
            ],
        }


class TestPathThroughJobEvents:
    def job_event(self, job, reads, writes):
        spec = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent"
        return as_event(
            {
                "eventTime": "2026-04-07T09:00:00",
                "schemaURL": spec,
                "job": {"namespace": "ns", "name": job},
                "inputs": [{"namespace": "ns", "name": reads}],
                "outputs": [{"namespace": "ns", "name": writes}],
            }
        )

    def test_it_goes_on_from_what_a_run_wrote_to_what_a_run_reads(self, graph_of):
        graph = graph_of(
            *CHAIN[:2],
            self.job_event("publish", "features", "shop"),
            an_event("mail", 20, inputs=["shop@7"], outputs=["letters@1"]),
        )

        assert path_between(graph, "table", "letters")[:5] == [
            *("table", "build@2", "features@2", "publish", "shop@7")
        ]

    def test_it_does_not_claim_a_version_that_a_run_wrote(self, graph_of):
        graph = graph_of(*CHAIN[:2], self.job_event("copy", "shop", "features"))

        assert path_between(graph, "shop", "features@2") is None
        assert path_between(graph, "shop", "features") == ["shop", "copy", "features"]

    def test_a_walk_has_what_job_events_say(self, graph_of):
        graph = graph_of(*CHAIN[:2], self.job_event("publish", "features", "shop"))
        part = walk(graph, End("dataset:ns:shop"), 2, "up")

        assert list(part.nodes) == ["dataset:ns:features", "dataset:ns:shop", "job:ns:publish"]
        assert [str(edge.source) for edge in part.edges] == [
            *("dataset:ns:features", "job:ns:publish")
        ]
        assert not walk(graph, End("job:ns:build"), 1).designs


class TestRunParts:
    NIGHT = tuple(f"019cf7a5-0017-7000-8000-{n:012x}" for n in (1, 2, 0x1001))
    OTHERS = ("9b2c0f3e-1f60-5a1b-9c1d-000000000001", "etl/2026-02-01")

    def test_version_7_is_told_apart_at_the_end_and_others_at_the_beginning(self):
        parts = RunParts(["019cf7a5-0017-7000-8000-0000000abcde", self.NIGHT[1], *self.OTHERS])

        assert parts.of("019cf7a5-0017-7000-8000-0000000abcde") == "000abcde"
        assert parts.of(self.OTHERS[0]) == "9b2c0f3e"
        assert parts.of(self.OTHERS[1]) == "etl/2026"

    @given(st.lists(st.uuids().map(str) | st.sampled_from(NIGHT + OTHERS), unique=True, max_size=9))
    def test_a_part_means_its_run(self, ids):
        parts = RunParts(ids)
        assert [runs_like(parts.of(run_id), ids) for run_id in ids] == [[i] for i in ids]


class TestReachUpstream:
    def test_it_tells_where_lineage_ends(self, graph_of):
        graph = graph_of(*CHAIN[3:6])

        reached = reach_upstream(graph, End("dataset:ns:p"))
        assert [short(end) for end in reached.ends] == ["models@v1", "serve@2", "p@m/v1"]

    def test_of_a_node_that_nothing_wrote_it_is_the_node(self, graph_of):
        graph = graph_of(*CHAIN)

        assert reach_upstream(graph, End("dataset:ns:table")).hops == ()


class TestWalk:
    def names(self, graph):
        return {id_.split(":", 2)[2] for id_ in graph.nodes}

    @pytest.mark.parametrize(
        ("depth", "names"),
        [
            (0, {"models"}),
            (1, {"models", "train", "serve"}),
            (2, {"models", "train", "serve", "features", "p"}),
        ],
    )
    def test_depth_counts_steps(self, graph_of, depth, names):
        part = walk(graph_of(*CHAIN), End("dataset:ns:models"), depth)

        assert self.names(part) == names

    def test_up_and_down(self, graph_of):
        graph = graph_of(*CHAIN)

        assert self.names(walk(graph, End("dataset:ns:models"), 1, "up")) == {"models", "train"}
        assert self.names(walk(graph, End("dataset:ns:models"), 1, "down")) == {"models", "serve"}

    def test_from_one_version_it_stays_exact(self, graph_of):
        part = walk(graph_of(*CHAIN), End("dataset:ns:models", "v1"), 2, "up")

        assert [v.version for v in part.nodes["dataset:ns:features"].versions] == ["1"]
        assert {str(e.source).split(":")[2] for e in part.edges} == {
            "features@1",
            f"train@{a_run_id('train/1')}",
        }

    def test_a_run_keeps_its_version_where_what_it_wrote_is_not_shown(self, graph_of):
        part = walk(graph_of(*CHAIN), End("dataset:ns:models", "v1"), 1, "down")

        assert [run.version for run in part.runs] == ["m/v1"]

    def test_edges_lead_only_to_what_is_shown(self, graph_of):
        graph = graph_of(*CHAIN)
        for depth in range(5):
            part = walk(graph, End("dataset:ns:models"), depth)
            assert all({e.source.node, e.target.node} <= part.nodes.keys() for e in part.edges)

    def test_what_is_read_live_is_part_of_it(self, graph_of):
        graph = graph_of(
            an_event("b", 1, outputs=["f@1"]),
            an_event("s", 2, inputs=["f"], outputs=[a_dataset("p@1")], streaming=True),
        )

        part = walk(graph, End("dataset:ns:p"), 3, "up")
        assert [(str(e.source).split("@")[0], e.kind) for e in part.edges] == [
            ("dataset:ns:f", "live"),
            ("job:ns:b", "snapshot"),
            ("job:ns:s", "snapshot"),
        ]
