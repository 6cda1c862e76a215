"""Our events against the official client's classes and against our published schemas."""

from __future__ import annotations

import json
from pathlib import Path

import attr
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import event_v2, facet_v2
from openlineage.client.generated import base

import lineage_bridge
from lineage_bridge.facets import definitions, standard_url
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.journal import Journal

SCHEMAS = Path(lineage_bridge.__file__).parent / "schemas"

CLASSES = {
    "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet,
    "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
    "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
    "dataQualityAssertions": (
        facet_v2.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet
    ),
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet,
    "storage": facet_v2.storage_dataset.StorageDatasetFacet,
    "dataQualityMetrics": facet_v2.data_quality_metrics_dataset.DataQualityMetricsDatasetFacet,
    "outputStatistics": (
        facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
    ),
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "executionParameters": facet_v2.execution_parameters_run.ExecutionParametersRunFacet,
}


@pytest.fixture(scope="module")
def events(nyc_home):
    with Journal(nyc_home, readonly=True) as journal:
        return [json.loads(stored.body) for stored in journal.read(limit=100_000)]


def facets_of(event):
    yield from event["run"]["facets"].items()
    yield from event["job"]["facets"].items()
    for dataset in event["inputs"] + event["outputs"]:
        for place in ("facets", "inputFacets", "outputFacets"):
            yield from dataset.get(place, {}).items()


def test_every_event_is_one_that_the_official_client_would_send(events):
    for event in events:
        made = event_v2.RunEvent(
            eventType=event_v2.RunState[event["eventType"]],
            eventTime=event["eventTime"],
            run=event_v2.Run(runId=event["run"]["runId"], facets=event["run"]["facets"]),
            job=event_v2.Job(**event["job"]),
            inputs=[event_v2.InputDataset(**d) for d in event["inputs"]],
            outputs=[event_v2.OutputDataset(**d) for d in event["outputs"]],
            producer=event["producer"],
        )
        assert made.schemaURL.rsplit("/", 1)[-1] == event["schemaURL"].rsplit("/", 1)[-1]
        assert event["inputs"] or event["job"]["name"].startswith("train.")


def test_standard_facets_have_the_members_of_their_classes(events):
    seen = set()
    for event in events:
        for key, value in facets_of(event):
            if key.startswith("lineageBridge_"):
                continue
            seen.add(key)
            names = {field.name.lstrip("_") for field in attr.fields(CLASSES[key])}
            members = set(value) - {"_producer", "_schemaURL"}
            assert members <= names, key
            required = {
                field.name
                for field in attr.fields(CLASSES[key])
                if field.default is attr.NOTHING and not field.name.startswith("_")
            }
            assert required <= members, key
    assert seen == set(CLASSES)


def test_schema_urls_name_the_schemas_that_the_client_follows():
    for key, known in CLASSES.items():
        assert standard_url(key) == known._get_schema()
    of_jobs = facet_v2.documentation_job.DocumentationJobFacet
    assert standard_url("documentation of a job") == of_jobs._get_schema()
    assert issubclass(CLASSES["version"], base.DatasetFacet)


def validator_of(ours):
    schema = json.loads((SCHEMAS / f"{ours.schema}-{ours.version}.json").read_text())
    assert schema["$id"] == ours.schema_url()
    definition = schema["$defs"][ours.schema]
    own = next(part for part in definition["allOf"] if "properties" in part)
    document = {**own, "$defs": schema["$defs"]}
    return Draft202012Validator(document, format_checker=FormatChecker()), set(own["properties"])


def test_facets_of_ours_are_valid_by_their_published_schemas(events):
    validators = {key: validator_of(ours) for key, ours in definitions().items()}
    seen = set()
    for event in events:
        for key, value in facets_of(event):
            if key in validators:
                seen.add(key.removeprefix("lineageBridge_"))
                validator, members = validators[key]
                validator.validate(value)
                assert set(value) <= members | {"_producer", "_schemaURL"}
    assert seen >= {"event", "freshness", "featureSet", "training", "deployment", "servingHealth"}


def test_every_field_of_our_schemas_is_described():
    for path in SCHEMAS.glob("*.json"):
        undescribed = list(fields_without_description(json.loads(path.read_text())["$defs"]))
        assert not undescribed, path.name


def fields_without_description(node):
    if not isinstance(node, dict):
        return
    for name, field in node.get("properties", {}).items():
        if "description" not in field:
            yield name
    for child in node.values():
        for item in child if isinstance(child, list) else [child]:
            yield from fields_without_description(item)


def test_ids_are_unique_and_survive_a_resend(events, nyc_home):
    ids = [event["run"]["facets"][EventFacet.key]["id"] for event in events]
    assert len(set(ids)) == len(ids)


def test_a_job_has_one_set_of_inputs_and_outputs_but_for_old_bundles(events):
    names = {}
    for event in events:
        ends = (
            tuple(sorted(d["name"] for d in event["inputs"])),
            tuple(sorted(d["name"] for d in event["outputs"])),
        )
        if event["inputs"]:
            names.setdefault(event["job"]["name"], set()).add(ends)
    assert all(len(ends) == 1 for ends in names.values())
