from __future__ import annotations

import json

import pytest

from lineage_bridge.share.marquez.limits import problem_of

FACET = {"_producer": "p", "_schemaURL": "https://example.org/s.json"}


def an_event(**more):
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-04-07T12:00:00Z",
        "run": {"runId": "00000000-0000-4000-8000-000000000000"},
        "job": {"namespace": "ns", "name": "job"},
        "inputs": [],
        "outputs": [],
        "producer": "p",
        **more,
    }


def of_input(**dataset):
    return an_event(inputs=[{"namespace": "ns", "name": "d", **dataset}])


def with_facet(key, **fields):
    return of_input(facets={key: {**FACET, **fields}})


def of_job(**job):
    return an_event(job={"namespace": "ns", "name": "job", **job})


def problem(document):
    return problem_of(json.dumps(document).encode())


@pytest.mark.parametrize(
    "document",
    [
        an_event(),
        an_event(inputs=None, outputs=None, eventType=None),
        of_input(namespace="duckdb://a;b=c/d_e.f@g+h-1", name="x" * 2600),
        with_facet("schema", fields=[{"name": "f" * 255}]),
        with_facet("schema", fields=None),
        with_facet("x" * 255),
        with_facet("dataSource", name="x", uri="s3://bücher/a%20b;c=d"),
        with_facet("custom", text="\\u0000 as six characters"),
        of_input(facets={"schema": None, "symlinks": None, "dataSource": None}),
        of_job(namespace="any text, Marquez rewrites it"),
        of_job(
            facets={
                "jobType": {**FACET, "processingType": "BATCH", "integration": "X", "jobType": "J"}
            }
        ),
        of_job(facets={"sourceCodeLocation": {**FACET, "url": "u" * 255}}),
        {"dataset": {"namespace": "ns", "name": "d"}, "eventTime": "2026-04-07T12:00:00Z"},
    ],
)
def test_what_marquez_holds_has_no_problem(document):
    assert problem(document) is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (with_facet("schema", fields=[{"name": "f" * 256}]), "schema.fields[0].name` has 256"),
        (with_facet("schema", fields=[None]), "schema.fields[0]` must not be null"),
        (with_facet("schema", fields=[{"name": "\t"}]), "schema.fields[0].name` must not be blank"),
        (with_facet("x" * 256), "inputs[0].facets."),
        (of_input(inputFacets={"x" * 256: {}}), "inputs[0].inputFacets."),
        (an_event(run={"runId": "r", "facets": {"x" * 256: {}}}), "run.facets."),
        (of_job(facets={"x" * 256: {}}), "job.facets."),
        (of_job(facets={"sourceCodeLocation": {"url": "u" * 256}}), "sourceCodeLocation.url"),
        (of_job(facets={"jobType": {"processingType": "BATCH", "integration": "X"}}), "`jobType`"),
        (of_job(namespace=""), "job.namespace"),
        (of_job(namespace="n" * 1025), "job.namespace"),
        (of_job(name=" "), "job.name` must not be blank"),
        (of_job(name="ä" * 651), "job.name` has 1302 bytes"),
        (of_input(namespace="a b"), "inputs[0].namespace"),
        (of_input(namespace="é"), "inputs[0].namespace"),
        (of_input(namespace="n" * 1025), "inputs[0].namespace"),
        (of_input(name=""), "inputs[0].name"),
        (of_input(name=None), "inputs[0].name"),
        (of_input(name="x" * 2601), "inputs[0].name` has 2601"),
        (an_event(outputs=[None]), "outputs[0]` must be an object"),
        (an_event(outputs=[{"namespace": "%", "name": "d"}]), "outputs[0].namespace"),
        (with_facet("dataSource", uri="u"), "dataSource.name"),
        (with_facet("dataSource", name="x", uri="s3://a/b c"), "dataSource.uri"),
        (with_facet("dataSource", name="x", uri="s3://a/100%"), "dataSource.uri"),
        (with_facet("symlinks"), "symlinks` needs `identifiers`"),
        (
            with_facet("symlinks", identifiers=[{"namespace": "a b", "name": "x", "type": "T"}]),
            "identifiers[0].namespace",
        ),
        (
            with_facet("symlinks", identifiers=[{"namespace": "a", "name": "x", "type": "T" * 65}]),
            "identifiers[0].type",
        ),
        (with_facet("lifecycleStateChange", lifecycleStateChange="L" * 64), "has 64 characters"),
        (
            with_facet("columnLineage", fields={"c": {"transformationType": "T" * 256}}),
            "transformationType",
        ),
        (with_facet("custom", deep=[{"text": "a\0b"}]), "U+0000"),
        (with_facet("custom", **{"a\0": 1}), "U+0000"),
        (an_event(eventType=None, run={"runId": "r", "facets": {}}), "needs an `eventType`"),
        ({"dataset": {"namespace": "a b", "name": "d"}}, "dataset.namespace"),
    ],
)
def test_what_marquez_cannot_hold_is_said(document, said):
    assert said in (problem(document) or "no problem")


def test_what_is_no_json_is_said():
    assert "not JSON" in (problem_of(b"{") or "")
