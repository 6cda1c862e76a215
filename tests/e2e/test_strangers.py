"""Facets of strangers under our names: a broken one costs itself alone, and `doctor` says so."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from builders import NS, at
from conftest import run_command
from hypothesis import given
from hypothesis import strategies as st
from platform_events import SLOT, a_look, a_platform

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.events import decode, event_of
from lineage_bridge.exporter.metrics_collector import MetricsCollector
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.page.content import read_content
from lineage_bridge.page.html import page_html
from lineage_bridge.settings import Settings
from lineage_bridge.show.shapes import freshness_json, health_json

NOW = at(50)
GOOD = json.loads(a_look(45).body)["inputs"][0]["facets"][ServingHealthFacet.key]
BROKEN = [
    {},
    [],
    5,
    "text",
    {"totals": None},
    {"status": 5, "endpoints": "x"},
    {"evaluatedAt": "never"},
    {**GOOD, "evaluatedAt": "9999-12-31T23:59:59-23:59"},
    {**GOOD, "totals": 7},
    {**GOOD, "endpoints": [{"status": "healthy"}]},
    {**GOOD, "endpoints": [{**GOOD["endpoints"][0], "reasons": [{"code": None}]}]},
    {**GOOD, "policy": {"silentSeconds": "long"}},
    {**GOOD, "reasons": {"code": "x"}},
]


def a_stranger(number: int, facet: object, *, namespace: str = "theirs", name: str = "") -> bytes:
    """An event with that facet under our keys, everywhere where a facet may be."""
    own = dict.fromkeys((ServingHealthFacet.key, FreshnessFacet.key), facet)
    own["version"] = {"datasetVersion": "v"}
    dataset = {
        "namespace": namespace,
        "name": name or f"predictions.a.b.{number}",
        "facets": own,
        "inputFacets": own,
    }
    return orjson.dumps(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-04-07T08:46:00Z",
            "run": {
                "runId": f"00000000-0000-0000-0000-{number:012d}",
                "facets": {DeploymentFacet.key: facet},
            },
            "job": {"namespace": namespace, "name": f"their.{number}"},
            "inputs": [dataset],
            "outputs": [{"namespace": namespace, "name": f"x{number}", "facets": own}],
            "producer": "https://example.com/their-pipeline",
        }
    )


def answers(journal: Journal) -> dict[str, object]:
    """What every surface says, of what is in our own namespace and was not written by strangers."""
    snapshot = Snapshots(journal, Policies()).at(NOW)
    collector = MetricsCollector(journal, Settings(namespace=NS), at=NOW)
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in collector.collect()
        for sample in family.samples
        if family.name.startswith("ml_")
    }
    health, freshness = health_json(snapshot.health, NOW), freshness_json(snapshot.freshness, NOW)
    assert page_html(read_content(snapshot, 0), metrics_url=None)
    return {
        "health": [d for d in health["deployments"] if d["service"] == SLOT.service],
        "freshness": [
            d for d in freshness["datasets"] if d["namespace"] == NS and d["name"][0] != "x"
        ],
        "health series": {
            key: value for key, value in samples.items() if ("service", SLOT.service) in key
        },
    }


def filled(home: Path, bodies: list[bytes]) -> Journal:
    journal = Journal(home)
    journal.append(a_platform(), "artifact")
    journal.append([event_of(decode(body), body) for body in bodies], "http")
    return journal


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    with filled(tmp_path_factory.mktemp("undisturbed"), []) as journal:
        return answers(journal)


@pytest.mark.parametrize("name", ["", SLOT.predictions], ids=["theirs", "ours"])
def test_a_broken_facet_costs_itself_alone(tmp_path, undisturbed, name):
    namespace = NS if name else "theirs"
    bodies = [
        a_stranger(number, facet, namespace=namespace, name=name)
        for number, facet in enumerate(BROKEN)
    ]
    with filled(tmp_path, bodies) as journal:
        found = answers(journal)

    assert found == undisturbed
    assert len(found["health"]) == 2


def test_a_sound_facet_of_a_stranger_counts(tmp_path, undisturbed):
    late = {**GOOD, "status": "unhealthy", "evaluatedAt": "2026-04-07T08:46:00Z"}
    with filled(tmp_path, [a_stranger(0, late, namespace=NS, name=SLOT.predictions)]) as journal:
        assert answers(journal) != undisturbed


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def odd_facets(draw):
    """A sound facet with another value in one place, at any depth."""

    def with_a_change(value):
        if isinstance(value, dict) and value and draw(st.integers(0, 3)):
            key = draw(st.sampled_from(sorted(value)))
            return {**value, key: with_a_change(value[key])}
        if isinstance(value, list) and value and draw(st.integers(0, 3)):
            return [with_a_change(value[0]), *value[1:]]
        return draw(json_values)

    return with_a_change(GOOD)


@pytest.mark.slow
@given(st.lists(odd_facets(), min_size=1, max_size=4))
def test_whatever_a_stranger_says_of_his_own_nothing_changes_for_others(
    tmp_path_factory, undisturbed, facets
):
    bodies = [a_stranger(number, facet) for number, facet in enumerate(facets)]
    with filled(tmp_path_factory.mktemp("odd"), bodies) as journal:
        assert answers(journal) == undisturbed


@pytest.mark.parametrize("command", [["health"], ["freshness"], ["graph"], ["doctor"]])
def test_no_command_fails_by_it(tmp_path, command):
    bodies = [a_stranger(number, facet) for number, facet in enumerate(BROKEN)]
    filled(tmp_path, bodies).close()
    when = [] if command == ["doctor"] else ["--at", "2026-04-07T08:50:00Z"]
    result = run_command(*command, "--home", tmp_path, *when)

    assert result.code == (0 if command == ["graph"] else 1)
    assert result.err == ""


def a_run(facets=None, *, job="their.1", namespace="theirs", inputs=(), job_facets=None, **more):
    return orjson.dumps(
        {
            "eventType": "START",
            "eventTime": "2026-04-07T08:20:00Z",
            "run": {"runId": "00000000-0000-0000-0000-000000000077", "facets": facets or {}},
            "job": {"namespace": namespace, "name": job, "facets": job_facets or {}},
            "inputs": list(inputs),
            "outputs": [],
            "producer": "https://example.com/their-pipeline",
            **more,
        }
    )


def a_slot(**names):
    slot = {"service": SLOT.service, "environment": SLOT.environment, "deployment": SLOT.deployment}
    return {DeploymentFacet.key: {**slot, "model": "evil", "modelVersion": "v9", **names}}


def seen(name, facet=None, namespace="theirs"):
    facets = {ServingHealthFacet.key: facet or {**GOOD, "status": "unhealthy"}}
    return {"namespace": namespace, "name": name, "facets": facets}


UNHEALTHY = {"code": "failure_ratio", "level": "unhealthy", "since": "2026-04-07T08:40:00Z"}


@pytest.mark.parametrize(
    "body",
    [
        a_run(a_slot(service="")),
        a_run(a_slot(deployment=" \t")),
        a_run(a_slot(), namespace=NS, job="zzz"),
        a_run(a_slot(service="other"), namespace=NS, job=SLOT.job),
        a_run(job_facets={ServingHealthFacet.key: GOOD}, namespace=NS),
        a_run({ServingHealthFacet.key: GOOD}, namespace=NS),
        a_run(inputs=[seen(SLOT.predictions)]),
        a_run(inputs=[seen(SLOT.predictions, namespace="aaa")]),
        a_run(inputs=[seen(SLOT.predictions.replace("-", "%2d"), namespace=NS)]),
        a_run(inputs=[seen("x", {**GOOD, "totals": {"requests": 1e25, "windows": None}})]),
        a_run(inputs=[seen("features.mobility.trips"), seen(f"{NS}:features.mobility.trips")]),
    ],
    ids=[
        *("blank service", "blank deployment", "another job", "another service", "of a job"),
        *("of a run", "their namespace", "a namespace before ours", "another spelling", "huge"),
        "names of ours",
    ],
)
def test_what_others_say_of_theirs_leaves_ours_as_it_is(tmp_path, undisturbed, body):
    with filled(tmp_path, [body]) as journal:
        found = answers(journal)
    ours = [d for d in found["health"] if d.get("namespace", NS) == NS]
    for deployment in ours:
        deployment.pop("namespace", None)

    assert [d for d in ours if d["service"] == SLOT.service] == undisturbed["health"]
    assert found["freshness"] == undisturbed["freshness"]
    series = {k: v for k, v in found["health series"].items() if k in undisturbed["health series"]}
    assert series == undisturbed["health series"]


def test_two_deployments_of_one_slot_can_be_told_apart(tmp_path):
    filled(tmp_path, [a_run(inputs=[seen(SLOT.predictions)])]).close()
    at = ("--home", tmp_path, "--at", "2026-04-07T08:50:00Z")
    found = run_command("health", *at, "--json").json["deployments"]
    named = {d["namespace"] for d in found if d["deployment"] == SLOT.deployment}

    assert named == {NS, "theirs"}
    assert f"theirs: {SLOT.environment}/{SLOT.deployment}" in run_command("health", *at).out


@pytest.mark.parametrize(
    "change",
    [
        {"endpoints": None, "reasons": [UNHEALTHY]},
        {"endpoints": None, "reasons": None},
        {"endpoints": [{**GOOD["endpoints"][0], "status": "unhealthy", "reasons": []}]},
    ],
    ids=["reasons alone", "status alone", "an endpoint without reasons"],
)
def test_what_a_facet_calls_unhealthy_is_never_shown_as_healthy(tmp_path, change):
    facet = {**GOOD, "status": "unhealthy", **change}
    filled(tmp_path, [a_run(inputs=[seen("predictions.a.b.c", facet)])]).close()
    at = ("--home", tmp_path, "--at", "2026-04-07T08:50:00Z", "--json")
    found = run_command("health", *at).json["deployments"]

    (theirs,) = [d for d in found if d["deployment"] == "a"]
    assert theirs["status"] == "unhealthy"


def test_an_endless_name_is_cut_in_a_table_and_whole_in_json(tmp_path):
    name = "n" * 100_000
    filled(tmp_path, [a_run(inputs=[{"namespace": "theirs", "name": name}])]).close()

    assert len(run_command("graph", "--home", tmp_path).out) < 50_000
    nodes = run_command("graph", "--home", tmp_path, "--json").json["nodes"]
    assert name in {node["name"] for node in nodes}


def test_doctor_names_facet_place_producer_and_what_to_do(tmp_path):
    same = [a_stranger(number, {"totals": None}, name="predictions.x") for number in (1, 2)]
    filled(tmp_path, same).close()
    notes = run_command("doctor", "--home", tmp_path, "--json").json["notes"]

    of_health = [
        note
        for note in notes
        if note.get("field") == ServingHealthFacet.key and "predictions.x" in note["what"]
    ]
    (note,) = of_health
    assert note["kind"] == "broken_facet"
    assert "dataset:theirs:predictions.x" in note["what"]
    assert "status" in note["what"]
    assert "2 events" in note["what"]
    assert "https://example.com/their-pipeline" in note["what"]
    assert "LineageBridgeServingHealthDatasetFacet-1-0-1.json" in note["mend"]
    assert {note["field"] for note in notes if note["kind"] == "broken_facet"} == {
        ServingHealthFacet.key,
        FreshnessFacet.key,
        DeploymentFacet.key,
    }
