"""`blame` and `impact`: what is named, and in which shape."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from builders import a_journal, an_event, at
from platform_events import HOSTILE, a_build, a_check, a_look, a_start, a_training

from lineage_bridge.naming import Slot
from lineage_bridge.times import format_time

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
FEATURES = "dataset:ns:features.mobility.trips"
OLD, NEW = "2026-04-07T08:00:00Z", "2026-04-07T08:05:00Z"
LIMITS = (1e6, 1e6)
FIRST, SECOND = Slot("taxi", "production", "dep-1"), Slot("taxi", "production", "dep-2")
SHADOW = Slot("taxi", "shadow", "dep-3")


def a_reason(code, minute, value=0.3, level="degraded"):
    return {
        "code": code, "level": level, "since": format_time(at(minute)), "endpoint": "/predict",
        "value": value, "threshold": 0.01,
    }  # fmt: skip


def two_versions(*, bad=None):
    """Two builds, each with a training; the second one may have failed checks."""
    return [
        *a_build(0, version=OLD, limits=LIMITS),
        *a_build(5, version=NEW, limits=LIMITS),
        a_check(0, version=OLD),
        a_check(5, version=NEW, failed=bad),
        *a_training(10, version="v1", started=8, features=f"features.mobility.trips@{OLD}"),
        *a_training(20, version="v2", started=18, features=f"features.mobility.trips@{NEW}"),
    ]


@pytest.fixture
def home(tmp_path):
    def fill(*events):
        a_journal(tmp_path / "home", events).close()

    return fill


@pytest.fixture
def ask(lb):
    """Ask at the end of the hour, check the shape, and return it."""

    def asked(command, node, *args, minute=75):
        result = lb(command, node, "--at", format_time(at(minute)), "--json", *args)
        assert result.code in {0, 1}, result.err
        schema = json.loads((SCHEMAS / f"{command}.json").read_text())
        jsonschema.validate(result.json, schema)
        if command == "blame":
            assert result.code == bool(result.json["causes"])
        return result.json

    return asked


def released_bad(reason="prediction_null_ratio", minute=61, slot=FIRST):
    return [
        a_start(30, slot=slot, version="v1"),
        a_look(45, slot=slot, version="v1", counts={"requests": 900}),
        a_look(60, slot=slot, version="v1", counts={"requests": 1800}),
        a_start(60.5, slot=slot, version="v2"),
        a_look(
            75,
            slot=slot,
            version="v2",
            counts={"requests": 2700},
            reasons=[a_reason(reason, minute)] if reason else [],
        ),
    ]


def test_a_version_with_nulls_is_the_cause_and_the_release_passes_it_on(home, ask):
    home(*two_versions(bad={"nulls": "40 % in `fare`"}), *released_bad())
    found = ask("blame", "dep-1")
    first, second = found["causes"]
    assert first["node"] == f"{FEATURES}@{NEW}"
    assert second["node"].startswith("job:ns:serve.dep-1")
    assert second["carrier_of"] == [first["node"]]
    assert first["path"][0] == first["node"]
    assert first["path"][-1] == "dataset:ns:predictions.dep-1.production.taxi"
    assert first["onset"] == format_time(at(60.5))
    assert first["evidence"][0]["value"] == "40 % in `fare`"
    product = 1.0
    for part in first["parts"].values():
        product *= part
    assert first["score"] == pytest.approx(product, abs=1e-4)
    assert [r["code"] for r in found["symptom"]["reasons"]] == ["prediction_null_ratio"]


def test_a_release_over_good_data_is_the_cause(home, ask):
    home(*two_versions(), *released_bad("latency_p95_ms"))
    (cause,) = ask("blame", "dep-1")["causes"]
    assert cause["evidence"][0]["code"] == "release"
    assert cause["evidence"][0]["before"].endswith("models.default@v1")


def test_what_failed_before_the_bad_version_came_is_not_its_fault(home, ask):
    home(
        *two_versions(bad={"columns_dropped": "`fare`"}),
        a_start(30, version="v1"),
        a_look(60, version="v1", reasons=[a_reason("failure_ratio", 40)]),
        a_start(60.5, version="v2"),
        a_look(75, version="v2", reasons=[a_reason("failure_ratio", 61)]),
    )
    found = ask("blame", "dep-1")
    assert found["symptom"]["reasons"][0]["since"] == format_time(at(40))
    assert [c["node"] for c in found["causes"]] == ["job:ns:serve.dep-1.production.taxi"]
    rejected = {one["node"]: one["against"] for one in found["looked_at"]["rejected"]}
    assert rejected[f"{FEATURES}@{NEW}"] == "onset"


def test_what_was_served_before_the_repair_is_not_named(home, ask):
    home(
        *two_versions(),
        a_check(1, version=OLD, failed={"nulls": "90 %"}),
        *released_bad(),
    )
    named = [cause["node"] for cause in ask("blame", "dep-1")["causes"]]
    assert named
    assert f"{FEATURES}@{OLD}" not in named


def test_one_that_is_well_has_no_cause(home, ask, lb):
    home(*two_versions(), *released_bad(None))
    assert ask("blame", "dep-1")["causes"] == []
    shown = lb("blame", "dep-1", "--at", format_time(at(75)))
    assert shown.code == 0
    assert "is well" in shown.out


def test_no_cause_says_what_was_looked_at(home, ask, lb):
    home(*two_versions(bad={"nulls": "40 %"}), *released_bad(None))
    known = ask("blame", f"{FEATURES}@{OLD}")
    assert known["causes"] == []
    assert known["symptom"]["reasons"] == []


def test_a_dataset_and_a_model_have_causes_too(home, ask):
    home(*two_versions(bad={"nulls": "40 %"}), *released_bad())
    for node in (f"{FEATURES}@{NEW}", "models.default@v2", "job:ns:train.default"):
        assert ask("blame", node)["causes"][0]["node"] == f"{FEATURES}@{NEW}"


def test_a_failed_job_is_the_cause_of_the_age_of_what_it_writes(home, ask):
    builds = [an_event("load", 5 * n, run=str(n), outputs=["orders"]) for n in range(4)]
    home(*builds, an_event("load", 20, run="9", state="FAIL", outputs=["orders"]))
    found = ask("blame", "orders", minute=70)["causes"]
    assert found[0]["node"] == "job:ns:load"
    assert found[1]["carrier_of"] == ["job:ns:load"]


def test_a_poor_training_is_inherited_by_a_deployment_that_still_serves_well(home, ask):
    features = f"features.mobility.trips@{NEW}"
    poor = a_training(25, version="v3", started=22, features=features, auc=0.55)
    home(
        *two_versions(),
        *poor,
        a_start(30, version="v3"),
        a_look(60, version="v3"),
    )
    found = ask("blame", "dep-1", minute=61)
    assert found["symptom"]["reasons"][0]["code"] == "inherited"
    assert found["causes"][0]["node"] == "dataset:ns:models.default@v3"


def test_impact_is_of_the_version_that_serves_and_counts_no_shadow(home, ask):
    home(
        *two_versions(),
        *released_bad(),
        a_start(31, slot=SECOND, version="v1"),
        a_look(45, slot=SECOND, version="v1", counts={"requests": 100}),
        a_look(60, slot=SECOND, version="v1", counts={"requests": 250}),
        a_look(75, slot=SECOND, version="v1", counts={"requests": 400}),
        a_start(32, slot=SHADOW, version="v2"),
        a_look(60, slot=SHADOW, version="v2", counts={"requests": 500}),
        a_look(75, slot=SHADOW, version="v2", counts={"requests": 900}),
    )
    hit = {d["deployment"]: d for d in ask("impact", f"{FEATURES}@{NEW}")["deployments"]}
    assert hit.keys() == {"dep-1", "dep-3"}
    assert hit["dep-1"]["requests_per_minute"] == pytest.approx(60)
    assert hit["dep-3"]["requests_per_minute"] == 0
    assert hit["dep-1"]["path"][0] == f"{FEATURES}@{NEW}"
    everything = ask("impact", FEATURES)
    assert everything["requests_per_minute"] == pytest.approx(70)
    assert "dataset:ns:models.default" in everything["nodes"]
    (only,) = ask("impact", "job:ns:serve.dep-2.production.taxi")["deployments"]
    assert only["deployment"] == "dep-2"


def test_a_deployment_that_fell_silent_is_asked_nothing(home, ask):
    home(
        *two_versions(), a_start(0, version="v1"), a_look(15, version="v1", counts={"requests": 9})
    )
    (hit,) = ask("impact", "models.default@v1")["deployments"]
    assert hit["requests_per_minute"] == 0


@pytest.mark.parametrize("command", ["blame", "impact"])
def test_what_does_not_exist_is_suggested_and_what_is_ambiguous_listed(home, lb, command):
    home(*two_versions(), *released_bad(), a_start(30, slot=Slot("bus", "production", "dep-1")))
    missing = lb(command, "models.defalt")
    assert missing.code == 2
    assert "models.default" in missing.err
    several = lb(command, "dep-1")
    assert several.code == 2
    assert "bus" in several.err
    before = lb(command, "models.default", "--at", "2001-01-01T00:00:00Z")
    assert before.code == 2
    assert "Traceback" not in before.err


@pytest.mark.parametrize("command", ["blame", "impact"])
def test_names_of_others_are_harmless(home, lb, command):
    name = HOSTILE + "\x1b[31m\n" + "x" * 3000
    home(
        *a_build(0, name=name, version=OLD, limits=LIMITS),
        a_check(0, name=name, version=OLD, failed={"nulls": "\x1b[2J"}),
        an_event("read", 5, inputs=[f"{name}@{OLD}"], outputs=["out@1"]),
    )
    shown = lb(command, "out", "--at", format_time(at(9)))
    assert "\x1b" not in shown.out
    assert lb(command, "out", "--at", format_time(at(9)), "--json").code in {0, 1}


def test_self_loops_and_ten_thousand_children_are_answered(home, ask):
    children = [an_event(f"j{n}", 6, inputs=["a@1"], outputs=[f"c{n}@1"]) for n in range(2000)]
    home(
        an_event("loop", 5, inputs=["a@1"], outputs=["a@1", "b@1"]),
        a_check(5, name="a", version="1", failed={"nulls": "50 %"}),
        *children,
    )
    assert len(ask("impact", "a@1")["nodes"]) == 4002
    assert ask("blame", "c7")["causes"][0]["node"] == "dataset:ns:a@1"
