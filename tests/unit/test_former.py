"""Events under former names, of deployments of any words, and what becomes of them."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest
from builders import a_facet
from serving import minute_at

from lineage_bridge.care.rename import rename
from lineage_bridge.events import Dataset, Job, decode, own_facet, run_event, view_event
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot, observe_job, run_uuid, serving_run_uuid
from lineage_bridge.times import format_time

NS = "ns"
TAXI = Slot("taxi", "production", "dep")
TURNED = Slot("dep", "production", "taxi")  # its names of today are the former ones of the other
LONG = Slot("s" * 130, "production", "d" * 130)
SAME = Slot("bikes", "production", "bikes")


def start(slot, minute=0, event_type="START"):
    words = {"service": slot.service, "environment": slot.environment}
    facet = DeploymentFacet(**words, deployment=slot.deployment, model="m", model_version="v1")
    started = format_time(minute_at(minute))
    late = timedelta(minutes=0 if event_type == "START" else 5)
    return run_event(
        event_type,
        minute_at(minute) + late,
        Job(NS, slot.former_job),
        serving_run_uuid(NS, slot.former_job, None, "m", "v1", started),
        inputs=[Dataset(NS, "models.m", "v1")],
        outputs=[Dataset(NS, slot.former_predictions, "m/v1")],
        run_facets={DeploymentFacet.key: facet.as_json()},
    )


def look(slot, minute=1, supersedes=None, **facts):
    at = format_time(minute_at(minute))
    told = {"status": "healthy", "evaluatedAt": at, "environment": slot.environment, **facts}
    job = observe_job(slot.former_predictions)
    health = a_facet(ServingHealthFacet.key, told)
    for word in ("service", "deployment"):
        health.pop(word, None)
    return run_event(
        "COMPLETE",
        minute_at(minute),
        Job(NS, job),
        run_uuid(NS, job, at),
        inputs=[Dataset(NS, slot.former_predictions, "m/v1", {ServingHealthFacet.key: health})],
        supersedes=supersedes,
    )


def after_renaming(tmp_path, *parts):
    """The views of the events that stand once every part has arrived and names were looked at."""
    with Journal(tmp_path) as journal:
        for events in parts:
            journal.append(events, "artifact")
            rename(journal)
        bodies = [decode(stored.body) for stored in journal.read(limit=sys.maxsize)]
    gone = {own_facet(body).supersedes for body in bodies}
    return [view_event(body) for body in bodies if own_facet(body).id not in gone]


@pytest.mark.parametrize("slot", [TAXI, TURNED, LONG], ids=["taxi", "turned", "long"])
def test_job_datasets_links_and_runs_follow_the_words_of_the_facet(tmp_path, slot):
    standing = after_renaming(tmp_path, [start(slot), start(slot, 0, "COMPLETE"), look(slot)])

    began, looked, ended = standing  # by event time
    assert {view.job.name for view in (began, ended)} == {slot.job}
    assert looked.job.name == observe_job(slot.predictions)
    run_id = serving_run_uuid(NS, slot.job, None, "m", "v1", format_time(minute_at(0)))
    assert began.run_id == ended.run_id == run_id
    assert looked.run_id == run_uuid(NS, looked.job.name, format_time(minute_at(1)))
    for dataset in (*began.outputs, *ended.outputs, *looked.inputs):
        assert dataset.name == (NS, slot.predictions)
    health = looked.inputs[0].facets[ServingHealthFacet.key]
    assert (health["service"], health["deployment"]) == (slot.service, slot.deployment)
    assert health["_schemaURL"] == ServingHealthFacet.schema_url()


def test_of_two_deployments_whose_names_are_each_others_both_are_renamed(tmp_path):
    standing = after_renaming(tmp_path, [start(TAXI), start(TURNED), look(TAXI), look(TURNED)])
    assert [view.job.name for view in standing[:2]] == [TAXI.job, TURNED.job]
    names = [view.inputs[0].facets[ServingHealthFacet.key]["deployment"] for view in standing[2:]]
    assert sorted(names) == ["dep", "taxi"]


def test_a_name_that_reads_the_same_both_ways_stays_but_its_findings_tell_its_words(tmp_path):
    began, looked = after_renaming(tmp_path, [start(SAME), look(SAME)])
    assert began.id == start(SAME).id
    assert looked.inputs[0].facets[ServingHealthFacet.key]["service"] == "bikes"


def test_an_end_without_a_start_is_left_alone(tmp_path):
    (ended,) = after_renaming(tmp_path, [start(TAXI, 0, "COMPLETE")])
    assert ended.job.name == TAXI.former_job


@pytest.mark.parametrize("cut", range(1, 4))
def test_what_supersedes_a_renamed_event_supersedes_its_successor_too(tmp_path, cut):
    first = look(TAXI)
    second = look(TAXI, status="idle", supersedes=first.id)
    third = look(TAXI, status="degraded", supersedes=second.id)
    chain = [first, second, third]

    standing = after_renaming(tmp_path, chain[:cut], chain[cut:])

    health = [view.inputs[0].facets[ServingHealthFacet.key] for view in standing]
    assert {found["status"] for found in health} == {"degraded"}
    assert {view.job.name for view in standing} == {observe_job(TAXI.predictions)}


def test_a_chain_that_comes_one_by_one(tmp_path):
    first = look(TAXI)
    second = look(TAXI, status="idle", supersedes=first.id)
    third = look(TAXI, status="degraded", supersedes=second.id)
    standing = after_renaming(tmp_path, [first], [second], [third])
    assert {v.inputs[0].facets[ServingHealthFacet.key]["status"] for v in standing} == {"degraded"}


def test_a_facet_that_is_broken_leaves_its_event_alone(tmp_path):
    event = start(TAXI)
    body = json.loads(event.body)
    body["run"]["facets"][DeploymentFacet.key]["service"] = 5
    with Journal(tmp_path) as journal:
        journal.append(
            [type(event)(json.dumps(body).encode(), "run", event.time_us, event.id)], "import"
        )
        assert rename(journal) == 0
