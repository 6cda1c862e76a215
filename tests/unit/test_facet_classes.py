from __future__ import annotations

import json
import pickle
from pathlib import Path

import attr
import pytest
from openlineage.client.event_v2 import InputDataset, Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde

import lineage_bridge
from lineage_bridge import facets
from lineage_bridge.facet_classes import CLASSES, LineageBridgeTrainingRunFacet
from lineage_bridge.transport import encode

SCHEMAS = Path(lineage_bridge.__file__).parent / "schemas"
BASE = {"_producer", "_schemaURL", "_deleted"}

VALUES = {
    "str": "text",
    "int": 3,
    "float": 0.5,
    "bool": False,
    "list[str]": ["a"],
    "list[dict[str, Any]]": [{"a": 1, "b": [1.5]}],
    "dict[str, Any]": {"a": {"b": 1}},
}


def fields_of(cls):
    return [field for field in attr.fields(cls) if field.name not in BASE]


def values_of(cls):
    return {field.name: VALUES[str(field.type).removesuffix(" | None")] for field in fields_of(cls)}


def schema_of(key):
    path = SCHEMAS / f"{facets.SCHEMAS[key]}.json"
    definition = json.loads(path.read_text())["$defs"][path.name.rsplit("-1-0-0", 1)[0]]
    return next(part for part in definition["allOf"] if "properties" in part)


@pytest.mark.parametrize("key", facets.SCHEMAS)
def test_a_class_serialises_to_what_the_facet_is(key):
    cls = CLASSES[key]
    values = values_of(cls)

    assert Serde.to_dict(cls(**values)) == facets.facet(key, values)


@pytest.mark.parametrize("key", facets.SCHEMAS)
def test_a_class_has_the_fields_of_its_schema_and_wants_the_same_ones(key):
    schema = schema_of(key)
    cls = CLASSES[key]

    assert {field.name for field in fields_of(cls)} == set(schema["properties"])
    wanted = {field.name for field in fields_of(cls) if field.default is attr.NOTHING}
    assert wanted == set(schema.get("required", []))


@pytest.mark.parametrize("key", facets.SCHEMAS)
def test_a_class_is_named_as_its_schema(key):
    assert facets.SCHEMAS[key] == f"{CLASSES[key].__name__}-1-0-0"
    base = "RunFacet" if "RunFacet" in CLASSES[key].__name__ else "DatasetFacet"
    assert base in [parent.__name__ for parent in CLASSES[key].__mro__]


def test_what_is_absent_or_not_finite_is_left_out_at_any_depth():
    metrics = {"rmse": 1.5, "r2": float("nan"), "of": [{"x": float("inf"), "y": 1}]}
    made = LineageBridgeTrainingRunFacet(
        upstreamRunId="r", model="m", metrics=metrics, durationSeconds=float("nan")
    )

    assert Serde.to_dict(made) == facets.facet(
        facets.TRAINING,
        {"upstreamRunId": "r", "model": "m", "metrics": metrics, "durationSeconds": float("nan")},
    )
    assert made.metrics == {"rmse": 1.5, "of": [{"y": 1}]}


def test_another_producer_may_be_named_and_a_facet_can_be_pickled():
    made = LineageBridgeTrainingRunFacet(upstreamRunId="r", model="m", producer="https://p")

    assert Serde.to_dict(made)["_producer"] == "https://p"
    assert pickle.loads(pickle.dumps(made)) == made


def test_all_go_through_an_event_of_the_client():
    made = {key: cls(**values_of(cls)) for key, cls in CLASSES.items()}
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
    assert found == {key: facets.facet(key, values_of(cls)) for key, cls in CLASSES.items()}
