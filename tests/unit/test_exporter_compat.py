"""Metrics under the names of the systems before."""

from __future__ import annotations

from collections import defaultdict

import pytest
from builders import a_journal, at
from conftest import run_command
from platform_events import SLOT, a_build, a_drift, a_look, a_platform, a_start, a_training
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge.times import format_time

P6 = {
    "ml_dataset_build_duration_seconds": "dataset_name",
    "ml_training_duration_seconds": "model_name",
    "ml_prediction_total": "model_name",
    "ml_feature_freshness_seconds": "dataset_name",
}
COUNTS = {"requests": 900, "failures": 30, "timeouts": 10, "rejected": 45, "successes": 825}


@pytest.fixture
def scrape(tmp_path):
    def run(*args, events, minute=50):
        home = tmp_path / f"home-{minute}-{len(args)}-{len(events)}"
        with a_journal(home, events):
            pass
        when = ("--at", format_time(at(minute)))
        result = run_command("exporter", "--once", *when, "--home", home, *args)
        assert result.code == 0, result.err
        found = defaultdict(list)
        for family in text_string_to_metric_families(result.out):
            for sample in family.samples:
                found[sample.name].append((sample.labels, sample.value))
        return found

    return run


def of_p6(found):
    """The values of P6's metrics, without the label that `--compat` replaces."""
    values = defaultdict(list)
    for name, samples in found.items():
        for metric, label in P6.items():
            if name.startswith(metric):
                values[name] += [
                    ({k: v for k, v in labels.items() if k != label}, value)
                    for labels, value in samples
                ]
    return {name: sorted(map(repr, listed)) for name, listed in values.items()}


def named(found, metric):
    label = P6[metric]
    return {labels[label] for name in found for labels, _ in found[name] if name.startswith(metric)}


def test_with_p6s_labels_nothing_is_added_and_no_value_changes(scrape):
    plain, old = scrape(events=a_platform()), scrape("--compat", "p6", events=a_platform())
    assert of_p6(plain) == of_p6(old)
    assert plain.keys() == old.keys()
    others = [name for name in plain if not name.startswith((*P6, "lineage_bridge_"))]
    assert {name: plain[name] for name in others} == {name: old[name] for name in others}

    assert named(plain, "ml_training_duration_seconds") == {"models.default"}
    assert named(old, "ml_training_duration_seconds") == {"default"}
    assert named(old, "ml_prediction_total") == {"default", "flaky"}
    assert named(old, "ml_feature_freshness_seconds") == {"trips"}
    assert named(old, "ml_dataset_build_duration_seconds") == {"trips"}


def test_a_name_that_two_would_have_stays_whole(scrape):
    events = [
        *a_build(0, started=-2),
        *a_build(1, name="features.taxi.trips"),
        *a_build(2, name="features.taxi.stops%2Eof%20the%20city"),
    ]
    found = scrape("--compat", "p6", events=events)
    assert named(found, "ml_feature_freshness_seconds") == {
        "features.mobility.trips",
        "features.taxi.trips",
        "stops.of the city",
    }


def a_service():
    return [*a_build(0), *a_training(20), a_start(30), a_look(45, counts=COUNTS)]


def test_sentinelmls_names_are_there_on_request_alone(scrape):
    plain = scrape(events=a_service())
    found = scrape("--compat", "sentinelml", "--compat", "p6", events=a_service())
    added = found.keys() - plain.keys()
    assert added
    assert all(name.startswith(("ml_api_", "ml_monitor_")) for name in added)
    assert named(found, "ml_prediction_total") == {"default"}
    slot = {
        "service": SLOT.service,
        "environment": SLOT.environment,
        "deployment": SLOT.deployment,
    }
    assert found["ml_api_requests_total"] == [(slot, 900)]
    assert found["ml_api_errors_total"] == [(slot, 75)]
    assert found["ml_api_requests_by_version_total"] == [({"model_version": "v1", **slot}, 900)]
    kinds = {labels["kind"]: value for labels, value in found["ml_api_errors_by_kind_total"]}
    assert kinds == {"inference_error": 20, "timeout": 10, "validation_error": 45}


@pytest.mark.parametrize("minute", [45, 50, 60, 600])
def test_a_rate_falls_while_nothing_comes(scrape, minute):
    found = scrape("--compat", "sentinelml", events=a_service(), minute=minute)
    seconds = 900 + 60 * (minute - 45)  # since the look-back of 15 minutes began
    [(_, requests)] = found["ml_api_request_rate_per_sec"]
    [(_, errors)] = found["ml_api_error_rate_per_sec"]
    assert requests == pytest.approx(900 / seconds)
    assert errors == pytest.approx(3 / seconds)  # of the ratios that the finding lists


def test_without_windows_sentinelml_has_no_series(scrape):
    found = scrape("--compat", "sentinelml", events=[*a_training(20), a_start(30)])
    assert not [name for name in found if name.startswith("ml_api_")]


MOVED = {"worst": "critical", "less": "warning", **{f"f{n:02}": "none" for n in range(22)}}


def monitored(found):
    """SentinelML's metrics of drift: value by name and the label that a series has of its own."""
    values = {}
    for name, samples in found.items():
        for labels, value in samples if name.startswith("ml_monitor_drift_") else ():
            own = labels.get("feature") or labels.get("model_version") or ""
            values[name.removeprefix("ml_monitor_drift_"), own] = value
    return values


def test_drift_is_shown_as_sentinelml_did(scrape):
    events = [*a_service(), a_drift(46, moved=MOVED, answers="warning")]
    found = monitored(scrape("--compat", "sentinelml", events=events))
    assert found["overall", "v1"] == found["prediction", "v1"] == 1
    assert found["feature_count", "v1"] == 2
    assert found["rate_pct", "v1"] == pytest.approx(100 * 2 / 24)
    assert (found["critical_count", ""], found["warning_count", ""]) == (1, 1)
    drifted = {own: value for (name, own), value in found.items() if name == "feature_drifted"}
    assert len(drifted) == 20
    assert {own for own, value in drifted.items() if value} == {"worst", "less"}
    assert found["report_age_seconds", ""] == 4 * 60


@pytest.mark.parametrize(
    "events",
    [
        [a_drift(46, status="insufficient_data")],
        [a_drift(46, moved=MOVED), a_start(48, version="v2")],
        [],
    ],
    ids=["too few rows", "of another version", "no log"],
)
def test_where_nothing_was_judged_sentinelml_has_an_age_alone(scrape, events):
    found = monitored(scrape("--compat", "sentinelml", events=[*a_service(), *events]))
    assert {name for name, _ in found} == {"report_age_seconds"}
    few_rows = bool(events) and len(events) == 1
    assert found["report_age_seconds", ""] == (4 * 60 if few_rows else float("inf"))


def test_only_the_answers_drift(scrape):
    events = [*a_service(), a_drift(46, moved={"x": "none"}, answers="critical")]
    found = monitored(scrape("--compat", "sentinelml", events=events))
    assert (found["overall", "v1"], found["critical_count", ""]) == (1, 0)
    events = [*a_service(), a_drift(46, moved={"x": "none"})]
    found = monitored(scrape("--compat", "sentinelml", events=events, minute=51))
    assert found["overall", "v1"] == 0
    assert ("prediction", "v1") not in found


def test_a_system_that_is_not_known_is_an_error(tmp_path):
    result = run_command("exporter", "--once", "--compat", "p7", "--home", tmp_path)
    assert result.code == 2
    assert "p7" in result.err
