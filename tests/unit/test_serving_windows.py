from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import orjson
import pytest
from jsonschema import Draft202012Validator
from openlineage.client.event_v2 import InputDataset, Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
)
from openlineage.client.generated.data_quality_assertions_dataset import (
    Assertion,
    DataQualityAssertionsDatasetFacet,
)
from openlineage.client.serde import Serde
from serving import Service, a_window
from windows import a_line, a_record

import lineage_bridge
from lineage_bridge.adapters.serving_windows import (
    check_names,
    is_inconsistent,
    judged_facts,
    names_of,
    observer_job,
    read_window,
    window_event,
)
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facet_classes import CLASSES
from lineage_bridge.facets import PRODUCER
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.naming import Slot, run_uuid
from lineage_bridge.times import to_micros

SCHEMAS = Path(lineage_bridge.__file__).parent / "schemas"


def read_whole(line: bytes) -> None:
    window = read_window(line)
    check_names(names_of(window))
    judged_facts(window)


def refused(line: bytes) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        read_whole(line)
    return caught.value


def test_a_line_becomes_what_is_judged_of_it():
    line = a_line(3, 20, failure_count=5, timeout_count=2, rejected_count=1)
    facts, at_us = judged_facts(read_window(line))

    assert facts.requests == 20
    assert facts.bad == (3, 2, 0, 0, 0, 0, 1)  # a timeout is not also a failure
    assert (facts.p50_ms, facts.p95_ms, facts.p99_ms, facts.flush) == (20, 40, 60, False)
    assert at_us == facts.end_us + 5_000_000


def test_a_nan_counts_once_though_it_is_null_and_non_finite():
    line = a_line(0, prediction_null_count=3, prediction_non_finite_count=5)

    assert judged_facts(read_window(line))[0].bad == (0, 0, 5, 0, 0, 0, 0)


def test_without_a_heartbeat_a_window_is_known_at_its_end():
    facts, at_us = judged_facts(read_window(a_line(heartbeat_emitted_at=None)))

    assert (at_us, facts.flush) == (facts.end_us, False)


def test_written_before_its_end_is_a_flush_and_before_its_start_is_a_clock():
    early = a_line(0, heartbeat_emitted_at="2026-04-07T08:00:40Z")
    skewed = a_line(0, heartbeat_emitted_at="2026-04-07T07:00:00Z")

    assert judged_facts(read_window(early))[0].flush
    facts, at_us = judged_facts(read_window(skewed))
    assert (at_us, facts.flush) == (facts.end_us, False)
    assert refused(a_line(0, heartbeat_emitted_at="2026-04-01T07:00:00Z")).field == (
        "heartbeat_emitted_at"
    )


def test_offsets_become_utc_and_unknown_fields_are_left_alone():
    line = a_line(window_start="2026-04-07T10:00:00+02:00", future_field={"a": [1]})
    facts, _ = judged_facts(read_window(line))

    assert facts.start_us == to_micros(datetime(2026, 4, 7, 8, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"request_count": "12"}, "request_count", 'whole number, found `"12"`'),
        ({"request_count": True}, "request_count", "whole number, found `true`"),
        ({"request_count": 1.5}, "request_count", "whole number, found `1.5`"),
        ({"request_count": None}, "request_count", "whole number, found `null`"),
        ({"request_count": 10**30}, "request_count", "up to 1000000000000"),
        ({"failure_count": -3}, "failure_count", "at least 0, found `-3`"),
        ({"latency_p99_ms": -1.5}, "latency_p99_ms", "at least 0"),
        ({"latency_p95_ms": [1]}, "latency_p95_ms", "a number, found `[1]`"),
        ({"deployment_id": ""}, "deployment_id", "not empty"),
        ({"deployment_id": "  "}, "deployment_id", "only blanks"),
        ({"deployment_id": "d" * 20_000}, "deployment_id", "up to 10000"),
        ({"schema_version": "v2"}, "schema_version", '"v2"'),
        ({"schema_version": 1}, "schema_version", "`1`"),
        ({"window_start": 1775556000}, "window_start", "with its zone"),
        ({"window_start": "2026-04-07T08:00:00"}, "window_start", "with its zone"),
        ({"window_start": "2026-04-07 08:00:00Z"}, "window_start", "such as"),
        ({"window_start": "2026-02-30T08:00:00Z"}, "window_start", "2026-02-30"),
        ({"window_end": "2026-04-07T23:59:60Z"}, "window_end", "23:59:60"),
        ({"window_end": "2026-04-07T08:00:00Z"}, "window_end", "after window_start"),
        ({"heartbeat_emitted_at": "soon"}, "heartbeat_emitted_at", "`soon`"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected_and_found(change, field, said):
    error = refused(a_line(0, **change))

    assert error.field == field
    assert said in error.reason


def test_a_missing_field_is_named():
    record = a_record()
    del record["latency_p95_ms"]

    assert refused(json.dumps(record).encode()).field == "latency_p95_ms"
    assert "v1" in refused(b"{}").reason


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"null", "JSON object, found `null`"),
        (b"[]", "found `[]`"),
        (b'{"a":', "not JSON"),
        (a_line().replace(b"40.0", b"NaN"), "not JSON"),
        (a_line().replace(b"40.0", b"1e400"), "a computer can hold"),
        (a_line(service_name="caf\u00e9").replace(b"\\u00e9", b"\xe9"), "not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "JSON"),
        (a_line()[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (b'{"event_type":"serving_deployment_activated"}', "deployment event"),
    ],
)
def test_a_line_that_is_no_window_at_all_is_refused(line, said):
    assert said in refused(line).reason


def test_the_last_of_two_equal_keys_counts():
    line = a_line().replace(b'"request_count": 20', b'"request_count": 5, "request_count": 7')

    assert read_window(line).request_count == 7


def test_numbers_that_contradict_each_other_are_read_and_seen():
    assert not is_inconsistent(read_window(a_line()))
    assert is_inconsistent(read_window(a_line(0, 5, success_count=9)))
    assert is_inconsistent(read_window(a_line(latency_p95_ms=10.0)))


def fields_of(facet):
    document = json.loads(orjson.dumps(facet.as_json()))
    return {key: value for key, value in document.items() if not key.startswith("_")}


def test_the_event_is_what_the_clients_own_classes_would_make():
    service = Service()
    service.minutes(0, 9, failures=3)
    slot = Slot("svc", "production", "dep")
    job = observer_job("ns", slot)

    found = service.assertions.values()
    event = window_event(service.facet, found, service.now, job=job, slot=slot)

    document = json.loads(event.body)
    assertions = DataQualityAssertionsDatasetFacet(
        [Assertion(**msgspec.structs.asdict(one), params=None) for one in found],
        producer=PRODUCER,
    )
    described = {
        "documentation": documentation_dataset.DocumentationDatasetFacet(
            "What the deployment dep (production) of svc predicts;"
            " a version is the model version that serves.",
            producer=PRODUCER,
        ),
        "dataSource": datasource_dataset.DatasourceDatasetFacet(
            "lineage-bridge:ns", "lineage-bridge:ns", producer=PRODUCER
        ),
    }
    health = CLASSES[ServingHealthFacet.key](**fields_of(service.facet))
    version = dataset_version_dataset.DatasetVersionDatasetFacet("model/v1", producer=PRODUCER)
    made = RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=document["eventTime"],
        run=Run(run_uuid("ns", job.name, document["eventTime"])),
        job=Job("ns", "observe.predictions.dep.production.svc"),
        inputs=[
            InputDataset(
                "ns",
                "predictions.dep.production.svc",
                facets={**described, "version": version, ServingHealthFacet.key: health},
                inputFacets={"dataQualityAssertions": assertions},
            )
        ],
        producer=PRODUCER,
    )
    expected = Serde.to_dict(made)
    for event_of_either in (document, expected):
        event_of_either["run"]["facets"] = event_of_either["job"]["facets"] = {}
        event_of_either["inputs"][0]["facets"]["version"].pop("_schemaURL")
    for part in ("eventType", "run", "job", "inputs"):
        assert document[part] == expected[part]


def test_the_facet_follows_its_published_schema():
    service = Service()
    service.minutes(0, 9, failures=3)
    slow = a_window(10, p50=2000, p95=3000, p99=4000)
    service.see(a_window(10, flush=True), other=slow, at_us=service.at_us + 60_000_000)
    schema = json.loads((SCHEMAS / f"{ServingHealthFacet.schema}-1-0-0.json").read_text())
    (definition,) = [part for part in _definition(schema)["allOf"] if "properties" in part]

    validator = Draft202012Validator(
        {**definition, "$defs": schema["$defs"], "additionalProperties": False},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )

    assert [error.message for error in validator.iter_errors(fields_of(service.facet))] == []


def _definition(schema):
    return schema["$defs"]["LineageBridgeServingHealthDatasetFacet"]
