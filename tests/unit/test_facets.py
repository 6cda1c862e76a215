"""One definition of each facet: what is published, what the client's classes are, what is read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import attr
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client.event_v2 import InputDataset, Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde

import lineage_bridge
from lineage_bridge.errors import FacetError
from lineage_bridge.facet_classes import CLASSES, LineageBridgeTrainingRunFacet
from lineage_bridge.facets import definitions, problem_of, read_facet
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.schema import published_schema
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.transport import encode

SCHEMAS = Path(lineage_bridge.__file__).parent / "schemas"
BASE = {"_producer", "_schemaURL", "_deleted"}
KEYS = list(definitions())


def published(key):
    ours = definitions()[key]
    return json.loads((SCHEMAS / f"{ours.schema}-{ours.version}.json").read_text())


def inlined(node, defs):
    """A schema without references, and without what two ways of writing the same differ in."""
    if isinstance(node, list):
        return [inlined(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    name = node.get("$ref", "").removeprefix("#/$defs/")
    if name in defs:
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return inlined({**defs[name], **rest}, defs)
    found = {key: inlined(value, defs) for key, value in node.items()}
    if "properties" in found:
        found["required"] = sorted(found.get("required", []))
        found.pop("description", None)  # of the object as a whole
    if "enum" in found:
        found["enum"] = sorted(found["enum"])
    return found


def facet_schema(document, name):
    parts = document["$defs"][name]["allOf"]
    return [inlined(part, document["$defs"]) for part in parts]


def example_of(schema):
    """A value of that schema, with every member that it names."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"]
    if kind == "object":
        members = schema.get("properties", {})
        found = {name: example_of(member) for name, member in members.items()}
        return found or {"auc": 0.9}
    if kind == "array":
        return [example_of(schema["items"])]
    if kind == "string":
        is_time = schema.get("format") == "date-time"
        return "2026-04-07T08:00:00Z" if is_time else "0" * 32
    return {"integer": 3, "number": 0.5, "boolean": True}[kind]


def full(key):
    (own,) = [p for p in facet_schema(published(key), definitions()[key].schema) if "type" in p]
    return example_of(own)


FULL = {key: full(key) for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
def test_the_published_schema_is_the_definition(key):
    name = definitions()[key].schema
    ours = published_schema(definitions()[key])

    assert published(key)["$id"] == ours["$id"]
    assert published(key)["properties"] == ours["properties"]
    # How a field reads as one of an object: its own description stays, that of its type goes.
    assert facet_schema(published(key), name) == facet_schema(ours, name)


@pytest.mark.parametrize("key", KEYS)
def test_what_is_read_is_written_as_it_was(key):
    read = read_facet(definitions()[key], json.dumps(FULL[key]))
    written = json.loads(orjson.dumps(read.as_json()))
    written = {name: value for name, value in written.items() if name not in BASE}

    assert written == FULL[key]


def fields_of(cls):
    return [field for field in attr.fields(cls) if field.name not in BASE]


@pytest.mark.parametrize("key", KEYS)
def test_a_class_of_the_client_has_the_fields_of_the_published_schema(key):
    name = definitions()[key].schema
    (schema,) = [part for part in facet_schema(published(key), name) if "properties" in part]
    wanted = {field.name for field in fields_of(CLASSES[key]) if field.default is attr.NOTHING}

    assert CLASSES[key].__name__ == name
    assert {field.name for field in fields_of(CLASSES[key])} == set(schema["properties"])
    assert wanted == set(schema["required"])


@pytest.mark.parametrize("key", KEYS)
def test_a_class_serialises_to_what_the_facet_is(key):
    made = Serde.to_dict(CLASSES[key](**FULL[key]))

    assert made == json.loads(
        orjson.dumps(read_facet(definitions()[key], json.dumps(FULL[key])).as_json())
    )


def test_what_is_absent_or_not_finite_is_left_out_at_any_depth():
    metrics = {"rmse": 1.5, "r2": float("nan"), "of": [{"x": float("inf"), "y": 1}]}
    made = LineageBridgeTrainingRunFacet(
        upstreamRunId="r", model="m", metrics=metrics, durationSeconds=float("nan")
    )
    ours = TrainingFacet(
        upstream_run_id="r",
        model="m",
        metrics={"rmse": 1.5, "r2": float("nan")},
        duration_seconds=float("nan"),
    )

    assert made.metrics == {"rmse": 1.5, "of": [{"y": 1}]}
    assert "durationSeconds" not in Serde.to_dict(made)
    assert ours.as_json()["metrics"] == {"rmse": 1.5}
    assert "durationSeconds" not in ours.as_json()


def test_another_producer_may_be_named_and_a_facet_can_be_pickled():
    made = LineageBridgeTrainingRunFacet(upstreamRunId="r", model="m", producer="https://p")

    assert Serde.to_dict(made)["_producer"] == "https://p"
    assert pickle.loads(pickle.dumps(made)) == made


def test_all_go_through_an_event_of_the_client():
    made = {key: cls(**FULL[key]) for key, cls in CLASSES.items()}
    of_runs = {k: f for k, f in made.items() if "RunFacet" in type(f).__name__}
    of_datasets = {k: f for k, f in made.items() if k not in of_runs}
    event = RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2026-04-07T12:00:00Z",
        run=Run(runId="00000000-0000-4000-8000-000000000000", facets=of_runs),
        job=Job(namespace="ns", name="job"),
        inputs=[InputDataset(namespace="ns", name="d", facets=of_datasets)],
    )

    document = json.loads(encode(event).body)
    found = document["run"]["facets"] | document["inputs"][0]["facets"]
    for key, facet in found.items():
        assert {k: v for k, v in facet.items() if k not in BASE} == FULL[key]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"totals": {"requests": "12"}}, "totals.requests"),
        ({"totals": [1]}, "totals"),
        ({"status": "fine"}, "status"),
        ({"status": None}, "status"),
        ({"evaluatedAt": "2026-04-07T10:00:00"}, "evaluatedAt"),
        ({"evaluatedAt": "9999-12-31T23:59:59-23:59"}, "9999"),
        ({"evaluatedAt": 1775556000}, "evaluatedAt"),
        ({"endpoints": [{"status": "healthy"}]}, "endpoints[0]"),
        ({"reasons": [{"code": "c", "level": "bad", "since": "x"}]}, "reasons[0]"),
        ({"windows": -1}, "windows"),
        ({"windows": True}, "windows"),
        ({"totals": {"predictions": 1.7e308}}, "totals.predictions"),
        ({"policy": {"minBad": "3"}}, "policy.minBad"),
    ],
)
def test_a_wrong_type_at_any_depth_is_refused_with_its_place(change, where):
    facet = {**FULL[ServingHealthFacet.key], **change}
    with pytest.raises(FacetError) as caught:
        read_facet(ServingHealthFacet, json.dumps(facet))

    assert where in str(caught.value)


def test_nulls_are_absent_facts_and_whole_numbers_may_have_a_point():
    facet = {**FULL[ServingHealthFacet.key], "totals": None, "windows": 5.0, "unheard_of": {"a": 1}}
    facet["reasons"] = [{**facet["reasons"][0], "value": None}]
    read = read_facet(ServingHealthFacet, json.dumps(facet))

    assert (read.totals, read.windows, read.reasons[0].value) == (None, 5, None)


def test_times_are_brought_into_utc():
    facet = {"status": "FRESH", "evaluatedAt": "2026-04-07T12:00:00+02:00"}
    read = read_facet(FreshnessFacet, json.dumps(facet))

    assert read.as_json()["evaluatedAt"] == "2026-04-07T10:00:00Z"


def test_an_event_of_the_first_release_is_read():
    assert read_facet(EventFacet, json.dumps({"id": "0" * 32})).links is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def mutated(value, draw):
    """The value with one part at any depth in another's place."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: mutated(value[key], draw)}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [mutated(value[0], draw), *value[1:]]
    return draw(json_values)


@given(st.data(), st.sampled_from(KEYS))
def test_whatever_stands_under_our_key_is_read_or_refused(data, key):
    facet = mutated(FULL[key], data.draw)
    try:
        text = orjson.dumps(facet)
    except (orjson.JSONEncodeError, TypeError):
        return  # no JSON
    problem = problem_of(key, text)

    if problem is None:
        orjson.dumps(read_facet(definitions()[key], text).as_json())
    else:
        assert problem
