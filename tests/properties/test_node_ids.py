"""Every id of a node that the API gives out can be asked for, whatever its names look like."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

from contract.collector_world import RUN_EVENT, event, run_id, world
from hypothesis import example, given
from hypothesis import strategies as st

FACET = {"_producer": "tests", "_schemaURL": "https://example.org/s"}
UUID = run_id(7)

namespaces = st.one_of(
    st.text(st.sampled_from("a:/1;"), min_size=1, max_size=6),
    st.sampled_from(["file:/warehouse/lake", "pg://db:5432", "s3://b", "arn:aws:glue:us-1:12"]),
)
names = st.one_of(
    st.text(st.sampled_from("a:/1# é\n"), min_size=1, max_size=6).filter(str.strip),
    st.sampled_from(["default.orders", "2024/t", "1t", "t", f"t#{UUID}", "a:b:c", "//x"]),
)
datasets = st.tuples(namespaces, names)


def a_dataset(namespace, name, column, source=None):
    schema = {**FACET, "fields": [{"name": column, "type": "int"}]}
    facets = {"schema": schema}
    if source is not None:
        inputs = [dict(zip(("namespace", "name", "field"), source, strict=True))]
        facets["columnLineage"] = {**FACET, "fields": {column: {"inputFields": inputs}}}
    return {"namespace": namespace, "name": name, "facets": facets}


@example(
    read=("postgres://db:None", "shop.public.orders"),
    written=("file:/warehouse/lake", "default.orders"),
    job=("c", "copy"),
    column="id",
)
@example(
    read=("s3://b", "2024/t"), written=("pg://db:5432", "1t"), job=("a:1", "1:a"), column="b:1"
)
@given(read=datasets, written=datasets, job=datasets, column=names)
def test_every_id_that_is_given_out_can_be_asked_for(read, written, job, column):
    source = (*read, column)
    sent = {
        **event("COMPLETE", "10:00:00"),
        "job": {"namespace": job[0], "name": job[1]},
        "inputs": [a_dataset(*read, column)],
        "outputs": [a_dataset(*written, column, source if read != written else None)],
        "schemaURL": RUN_EVENT,
    }
    with tempfile.TemporaryDirectory() as home, world(Path(home)) as collector:
        collector.send(sent)

        def graph(path, node_id):
            answer = collector.get(f"{path}nodeId={quote(node_id, safe='')}")
            return {node["id"] for node in answer["graph"]}

        found = {result["nodeId"] for result in collector.get("/search?q=%25")["results"]}
        shown = set()
        for node_id in found:
            around = graph("/lineage?", node_id)
            assert node_id in around
            shown |= around
            if node_id.startswith("dataset:"):
                columns = graph("/column-lineage?withDownstream=true&", node_id)
                for column_id in columns:
                    graph("/column-lineage?", column_id)
                assert columns or node_id != f"dataset:{':'.join(written)}" or read == written
        assert shown == found
