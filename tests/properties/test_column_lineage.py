"""Column lineage, which is stored by recipes, is what its edges give one by one."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from lineage_bridge.collector.answer.columns.lineage import get_column_lineage
from lineage_bridge.collector.answer.datasets import get_dataset
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.events import Event as NewEvent
from lineage_bridge.journal import Journal, catch_up

FACET = {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/s"}
START_US = 1_775_556_000_000_000
TABLES = ("a", "b")
NAMESPACES = ("db", "lake")  # a table has the same name in both; its own one is in the first
COLUMNS = ("x", "y")

tables = st.sampled_from(TABLES)
columns = st.sampled_from(COLUMNS)
texts = st.sampled_from([None, "sum", "copy"])
sources = st.lists(st.tuples(tables, columns), max_size=4)


@dataclass(frozen=True)
class Made:
    """What an event says of one column."""

    sources: list[tuple[str, str]]
    description: str | None
    kind: str | None


@dataclass(frozen=True)
class Event:
    """What an event says of its run, which reads tables of a namespace and writes one."""

    run: int
    second: int
    reads: list[str]
    writes: str
    made: dict[str, Made]
    reads_in: str = "db"

    def edges(self, read):
        for column, made in self.made.items():
            for table, source in made.sources:
                if table in read:
                    yield (self.writes, column), (table, source), (made.description, made.kind)


@st.composite
def histories(draw):
    """Few different things are said, so that some are said again: by the same run, or by others."""
    made = st.dictionaries(columns, st.builds(Made, sources, texts, texts), min_size=1)
    sayings = draw(st.lists(made, min_size=1, max_size=3))
    reads = draw(st.lists(st.lists(tables, max_size=3, unique=True), min_size=1, max_size=2))
    event = st.builds(
        Event,
        st.integers(1, 3),
        st.integers(0, 4),
        st.sampled_from(reads),
        tables,
        st.sampled_from(sayings),
        st.sampled_from(NAMESPACES),
    )
    return draw(st.lists(event, max_size=10))


def a_dataset(table, namespace="db", made=None, reads_in="db"):
    other = {"namespace": NAMESPACES[1], "name": table, "type": "TABLE"}
    facets = {
        "schema": {**FACET, "fields": [{"name": column, "type": "int"} for column in COLUMNS]},
        "symlinks": {**FACET, "identifiers": [other]},
    }
    if made is not None:
        facets["columnLineage"] = {
            **FACET,
            "fields": {
                column: {
                    "inputFields": [
                        {"namespace": reads_in, "name": name, "field": field}
                        for name, field in said.sources
                    ],
                    "transformationDescription": said.description,
                    "transformationType": said.kind,
                }
                for column, said in made.items()
            },
        }
    return {"namespace": namespace, "name": table, "facets": facets}


def stored(said):
    body = {
        "eventType": "COMPLETE",
        "eventTime": f"2026-04-07T10:00:{said.second:02}Z",
        "run": {"runId": f"00000000-0000-4000-8000-{said.run:012}"},
        "job": {"namespace": "jobs", "name": "j"},
        "inputs": [a_dataset(table, said.reads_in) for table in said.reads],
        "outputs": [a_dataset(said.writes, made=said.made, reads_in=said.reads_in)],
        "producer": "https://example.org/p",
        "schemaURL": "https://example.org/s",
    }
    return NewEvent(json.dumps(body).encode(), "run", START_US + said.second * 1_000_000)


def newest(told):
    """The edges that count: of each pair of columns the newest, and of these the last to arrive."""
    read = defaultdict(set)  # by run, in all its events so far
    edges = []
    for said in told:
        read[said.run] |= set(said.reads)
        edges += [(said.second, edge) for edge in said.edges(read[said.run])]
    return {(output, source): how for _, (output, source, how) in sorted(edges, key=itemgetter(0))}


def walked(edges, table, depth, *, downstream):
    """The edges that are reached from a table's columns, level by level."""
    level = {edge for edge in edges if edge[0][0] == table}
    reached = set()
    for _ in range(max(depth, 1)):
        new = level - reached
        reached |= new
        inputs = {source for _, source in new}
        outputs = {output for output, _ in new} if downstream else set()
        level = {edge for edge in edges if edge[0] in inputs or edge[1] in outputs}
    return reached


def node_id(column):
    return f"datasetField:db:{column[0]}:{column[1]}"


def expected_graph(edges, reached):
    ends = sorted({node_id(end) for edge in reached for end in edge})
    return {
        end: {
            "inputs": sorted(
                [source[0], source[1], *map(str, edges[output, source])]
                for output, source in reached
                if node_id(output) == end
            ),
            "in": sorted(node_id(source) for output, source in reached if node_id(output) == end),
            "out": sorted(node_id(output) for output, source in reached if node_id(source) == end),
        }
        for end in ends
    }


def shown_graph(graph):
    return {
        node["id"]: {
            "inputs": shown_inputs(node["data"]["inputFields"]),
            "in": [edge["destination"] for edge in node["inEdges"]],
            "out": [edge["destination"] for edge in node["outEdges"]],
        }
        for node in graph
    }


def shown_inputs(inputs):
    members = ("dataset", "field", "transformationDescription", "transformationType")
    assert all(source["namespace"] == "db" for source in inputs)
    return sorted([str(source[member]) for member in members] for source in inputs)


def answer(handler, connection, names=None, **query):
    request = Request("GET", "/", urlencode(query), names=names or {})
    return json.loads(b"".join(handler(connection, request).body))


SUM = {"x": Made([("a", "x")], "sum", None)}
COPY = {"x": Made([("a", "x")], "copy", None)}


@example(  # the first run says again what another one has said otherwise
    told=[
        Event(1, 1, ["a"], "b", SUM),
        Event(2, 2, ["a"], "b", COPY),
        Event(1, 3, ["a"], "b", SUM),
    ],
    table="b",
    depth=1,
    downstream=False,
)
@given(told=histories(), table=tables, depth=st.integers(0, 4), downstream=st.booleans())
def test_the_graph_and_each_dataset_show_the_newest_edge_of_each_pair(
    told, table, depth, downstream
):
    edges = newest(told)
    with tempfile.TemporaryDirectory() as home, Journal(Path(home)) as journal:
        first = Event(0, 0, list(TABLES), "none", {})  # so that all columns are known
        journal.append(map(stored, [first, *told]), "http")
        catch_up(journal, CollectorModel())
        with journal.reading() as connection:
            query = {"nodeId": f"dataset:db:{table}", "depth": str(depth)}
            query |= {"withDownstream": str(downstream).lower()}
            graph = answer(get_column_lineage, connection, **query)["graph"]
            names = {"namespace": "db", "dataset": table}
            dataset = answer(get_dataset, connection, names)
            by_other_name = answer(get_dataset, connection, {**names, "namespace": "lake"})

    reached = walked(set(edges), table, depth, downstream=downstream)
    assert shown_graph(graph) == expected_graph(edges, reached)
    assert by_other_name["columnLineage"] is None
    assert {
        made["name"]: shown_inputs(made["inputFields"]) for made in dataset["columnLineage"] or ()
    } == {
        column: sorted(
            [*source, *map(str, how)]
            for (output, source), how in edges.items()
            if output == (table, column)
        )
        for column in {output[1] for output, _ in edges if output[0] == table}
    }
