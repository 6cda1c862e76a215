"""Column lineage between datasets that have further names, as a Marquez answers it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from contract.collector_world import dataset, event, world

FACET = {"_producer": "tests", "_schemaURL": "https://example.org/s"}
HIVE = "hive://meta:9083"


def table(name: str, column: str, *, namespace: str = "s3://lake", **facets: Any) -> dict[str, Any]:
    schema = {**FACET, "fields": [{"name": column, "type": "int"}]}
    return dataset(name, namespace, facets={"schema": schema, **facets})


def also(name: str, namespace: str = HIVE) -> dict[str, Any]:
    identifier = {"namespace": namespace, "name": name, "type": "TABLE"}
    return {"symlinks": {**FACET, "identifiers": [identifier]}}


def made_from(column: str, *source: str) -> dict[str, Any]:
    names = dict(zip(("namespace", "name", "field"), source, strict=True))
    return {"columnLineage": {**FACET, "fields": {column: {"inputFields": [names]}}}}


def run(number: int, read: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    sides = {"inputs": [read], "outputs": [written]}
    return {**event("COMPLETE", f"10:{number:02}:00", run=number, job=f"j{number}"), **sides}


@pytest.fixture
def collector(tmp_path):
    with world(tmp_path) as found:
        yield found


def lineage(collector, namespace, name):
    path = f"/namespaces/{quote(namespace, safe='')}/datasets"
    one = collector.get(f"{path}/{quote(name, safe='')}")["columnLineage"]
    listed = {found["name"]: found for found in collector.get(path)["datasets"]}
    assert listed[name]["columnLineage"] == one
    return one and {
        made["name"]: [
            (source["namespace"], source["dataset"], source["field"])
            for source in made["inputFields"]
        ]
        for made in one
    }


def test_inputs_are_listed_once_and_only_under_the_name_they_were_written_by(collector):
    collector.send(
        run(
            1,
            table("t1", "a", **also("dw.t1")),
            table("t2", "a", **also("dw.t2"), **made_from("a", "s3://lake", "t1", "a")),
        )
    )
    assert lineage(collector, "s3://lake", "t2") == {"a": [("s3://lake", "t1", "a")]}
    assert lineage(collector, HIVE, "dw.t2") is None


def test_a_reader_may_name_a_column_by_the_other_name(collector):
    collector.send(
        run(1, table("t0", "a"), table("t1", "a", **also("dw.t1"))),
        run(
            2,
            table("dw.t1", "a", namespace=HIVE),
            table("t2", "b", **made_from("b", HIVE, "dw.t1", "a")),
        ),
    )
    assert lineage(collector, "s3://lake", "t2") == {"b": [("s3://lake", "t1", "a")]}


def test_a_version_that_was_written_by_another_name_is_listed_under_that_name(collector):
    collector.send(
        run(1, table("t0", "a"), table("t1", "a", **also("dw.t1"))),
        run(2, table("t0", "a"), table("dw.t1", "a", namespace=HIVE)),
        run(3, table("t1", "a"), table("t2", "b", **made_from("b", "s3://lake", "t1", "a"))),
    )
    assert lineage(collector, "s3://lake", "t2") == {"b": [(HIVE, "dw.t1", "a")]}


def test_a_name_becomes_known_within_a_run(collector):
    output = table("t2", "a", **made_from("a", HIVE, "dw.t1", "a"))
    collector.send(
        run(1, table("t1", "a"), output),
        run(1, table("t1", "a", **also("dw.t1")), {**output, "outputFacets": {}}),
    )
    assert lineage(collector, "s3://lake", "t2") == {"a": [("s3://lake", "t1", "a")]}
