from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from builders import a_journal, an_event, at
from platform_events import (
    HOSTILE,
    SICK_SLOT,
    SLOT,
    a_build,
    a_check,
    a_drift,
    a_look,
    a_platform,
    a_slow_reason,
    a_start,
    a_training,
)
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge import __version__
from lineage_bridge.events import Dataset, Event
from lineage_bridge.exporter.families import METRICS, families
from lineage_bridge.exporter.metric import Metric
from lineage_bridge.exporter.metrics_collector import MetricsCollector, registry_of
from lineage_bridge.exporter.platform_metrics import DATASET_ROWS
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

GOLDEN = Path(__file__).parents[1] / "golden" / "exposition.txt"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Clock:
    def __init__(self, minute: float) -> None:
        self.instant = at(minute)

    def __call__(self) -> datetime:
        return self.instant


@contextmanager
def a_home(home: Path, recorded: Iterable[Event]) -> Iterator[Journal]:
    with Journal(home) as journal:
        with journal.transaction(received_us=1_775_600_000_000_000) as tx:
            for event in recorded:
                tx.append(event, "artifact")
        yield journal


def a_collector(journal: Journal, minute: float = 50, **options: object) -> MetricsCollector:
    return MetricsCollector(
        journal,
        Settings(),
        now=Clock(minute),
        stopwatch=lambda: 0.0,
        **options,  # type: ignore[arg-type]
    )


def exposition(collector: MetricsCollector) -> str:
    return generate_latest(registry_of(collector)).decode()


def samples(collector: MetricsCollector) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition(collector))
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_the_exposition_is_the_golden_one(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        text = exposition(a_collector(journal)).replace(f'"{__version__}"', '"VERSION"')

    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_both_strict_parsers_read_back_every_sample(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        collector = a_collector(journal)
        exposed = {
            (s.name, frozenset(s.labels.items()), s.value)
            for family in collector.collect()
            for s in family.samples
        }
        plain = exposition(collector)
        strict = openmetrics(registry_of(collector)).decode()

    for families_read in (text_string_to_metric_families(plain), parse_openmetrics(strict)):
        read = {
            (s.name, frozenset(s.labels.items()), s.value)
            for family in families_read
            for s in family.samples
        }
        assert read == exposed


def test_promtool_finds_nothing_to_say(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package `prometheus`)")
    with a_home(tmp_path, a_platform()) as journal:
        text = exposition(a_collector(journal))

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_describing_reads_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        collector = a_collector(journal)

    described = [family.name for family in collector.describe()]  # the journal is closed

    assert len(described) == len(METRICS)


def test_an_empty_journal_has_nothing_of_the_platform(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        names = {name for name, _ in samples(a_collector(journal))}

    assert not {name for name in names if name.startswith("ml_")}
    assert "lineage_bridge_build_info" in names


def test_checks_are_of_the_newest_version_and_their_age_of_the_newest_that_was_checked(
    tmp_path: Path,
) -> None:
    newer = a_build(30, version="2026-04-07T08:30:00Z")
    checked = a_check(1, failed={"nulls": "a lot"})
    with a_home(tmp_path, [*a_build(0), checked, *newer]) as journal:
        then = samples(a_collector(journal, minute=20))
        now = samples(a_collector(journal, minute=50))

    def read(found: Samples, name: str) -> dict[str, float]:
        return {
            "/".join(v for k, v in sorted(labels) if k in {"severity", "status"}): value
            for (metric, labels), value in found.items()
            if metric == name
        }

    counts = read(then, "ml_dataset_checks")
    assert len(counts) == 6
    assert {name for name, count in counts.items() if count} == {"error/failed", "error/passed"}
    assert read(then, "ml_dataset_check_age_seconds") == {"": 19 * 60}
    assert not read(now, "ml_dataset_checks")
    assert read(now, "ml_dataset_check_age_seconds") == {"": 49 * 60}


def test_drift_is_of_the_version_that_serves(tmp_path: Path) -> None:
    moved = {f"f{number:02}": "warning" for number in range(30)} | {"worst": "critical"}
    history = [a_start(30), a_drift(46, moved=moved), a_start(60, version="v2")]
    with a_home(tmp_path, history) as journal:
        then = samples(a_collector(journal, minute=50))
        now = samples(a_collector(journal, minute=61))

    def read(found: Samples, name: str) -> dict[str, float]:
        return {
            dict(labels).get("severity") or dict(labels).get("feature", ""): value
            for (metric, labels), value in found.items()
            if metric == name
        }

    assert read(then, "ml_drift_features") == {"none": 0, "warning": 30, "critical": 1}
    assert len(read(then, "ml_drift_psi_above_floor")) == 20
    assert read(then, "ml_deployment_untrained_requests_ratio") == {"": 0.01}
    assert read(then, "ml_drift_age_seconds") == {"": 4 * 60}
    assert {name for name, _ in now if "drift" in name} == {"ml_drift_age_seconds"}
    assert read(now, "ml_drift_age_seconds") == {"": math.inf}


def test_what_is_asked_and_answered_is_that_of_the_shortest_window(tmp_path: Path) -> None:
    found = a_drift(
        46,
        moved={"speed": "none"},
        unseen=["city"],
        meanConfidence=0.7,
        answers="warning",
        classes=[{"label": "yes", "share": 0.75}, {"label": "no", "share": 0.25}],
    )
    with a_home(tmp_path, [a_start(30), found]) as journal:
        shown = samples(a_collector(journal, minute=50))

    own = {"answer", "feature", "prediction", "sort"}
    read = {
        (name, *(text for label, text in labels if label in own)): value
        for (name, labels), value in shown.items()
    }
    assert read["ml_prediction_mean_confidence",] == 0.7
    assert read["ml_prediction_class_ratio", "yes"] == 0.75
    assert read["ml_prediction_class_ratio", "no"] == 0.25
    assert read["ml_prediction_drift", "prediction"] == 1
    assert read["ml_feature_missing_ratio", "speed"] == 0
    assert read["ml_deployment_untrained_features", "unseen_label"] == 1


def test_too_few_rows_have_no_series_of_drift(tmp_path: Path) -> None:
    with a_home(
        tmp_path, [a_start(30), a_drift(46, status="insufficient_data", meanConfidence=0.5)]
    ) as journal:
        found = {name for name, _ in samples(a_collector(journal, minute=50))}

    told = {name for name in found if "drift" in name or "prediction" in name}
    assert told == {"ml_drift_age_seconds"}


def test_ages_grow_between_scrapes_without_an_event(tmp_path: Path) -> None:
    labels = {"dataset_name": "features.mobility.trips", "environment": "local"}
    clock = Clock(10)
    with a_home(tmp_path, a_build(0)) as journal:
        collector = MetricsCollector(journal, Settings(), now=clock)
        first = samples(collector)
        clock.instant = at(65)
        second = samples(collector)

    assert value(first, "ml_feature_freshness_seconds", **labels) == 600
    assert value(second, "ml_feature_freshness_seconds", **labels) == 3900
    assert value(first, "ml_dataset_freshness_status", **labels, status="FRESH") == 1
    assert value(second, "ml_dataset_freshness_status", **labels, status="FRESH") == 0
    assert value(second, "ml_dataset_freshness_status", **labels, status="STALE") == 1


def test_the_environment_is_a_setting_where_no_fact_names_one(tmp_path: Path) -> None:
    with a_home(tmp_path, a_build(0)) as journal:
        settings = Settings(environment="staging")
        found = samples(MetricsCollector(journal, settings, now=Clock(5)))

    labels = {"dataset_name": "features.mobility.trips", "environment": "staging"}
    assert value(found, "ml_feature_freshness_seconds", **labels) == 300


def test_a_build_in_the_future_has_a_skew_and_no_age(tmp_path: Path) -> None:
    labels = {"dataset_name": "features.mobility.trips", "environment": "local"}
    with a_home(tmp_path, a_build(0, built=at(120))) as journal:
        found = samples(a_collector(journal, 60))

    assert value(found, "ml_dataset_clock_skew_seconds", **labels) == 3600
    assert value(found, "ml_feature_freshness_seconds", **labels) is None
    assert value(found, "ml_dataset_freshness_status", **labels, status="UNKNOWN") == 1


def test_a_run_counts_once_and_only_with_a_known_start(tmp_path: Path) -> None:
    resent = a_training(20, started=15)
    recorded = [*resent, *resent, *a_training(25, version="v2", started=None)]
    with a_home(tmp_path, recorded) as journal:
        found = samples(a_collector(journal))

    labels = {"model_name": "models.default", "environment": "local"}
    assert value(found, "ml_training_duration_seconds_count", **labels) == 1
    assert value(found, "ml_training_duration_seconds_sum", **labels) == 300
    assert value(found, "ml_training_duration_seconds_bucket", **labels, le="120.0") == 0
    assert value(found, "ml_training_duration_seconds_bucket", **labels, le="300.0") == 1
    assert value(found, "ml_training_duration_seconds_bucket", **labels, le="+Inf") == 1


def test_a_build_without_a_start_has_no_duration(tmp_path: Path) -> None:
    with a_home(tmp_path, a_build(0)) as journal:
        names = {name for name, _ in samples(a_collector(journal))}

    assert "ml_dataset_build_duration_seconds_count" not in names


def test_how_the_newest_batch_run_of_a_job_ended(tmp_path: Path) -> None:
    def run(minute: float, state: str, job: str = "report") -> Event:
        return an_event(job, minute, run=f"{minute}", state=state, streaming=job == "stream")

    recorded = [run(0, "COMPLETE"), run(10, "FAIL"), run(15, "START"), run(30, "ABORT")]
    with a_home(tmp_path, [*recorded, run(5, "FAIL", "stream")]) as journal:
        ended = {
            minute: {
                (dict(labels)["job_name"], dict(labels)["state"]): value
                for (name, labels), value in samples(a_collector(journal, minute)).items()
                if name == "ml_job_last_state"
            }
            for minute in (6, 20, 40)
        }

    def of(*values: int) -> dict[tuple[str, str], float]:
        states = ("COMPLETED", "FAILED", "ABORTED")
        return {("report", state): value for state, value in zip(states, values, strict=True)}

    assert ended == {6: of(1, 0, 0), 20: of(0, 1, 0), 40: of(0, 0, 1)}


def test_predictions_are_counted_for_the_model_as_the_graph_names_it(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        found = samples(a_collector(journal))

    production = {"model_name": "models.default", "environment": "production"}
    assert value(found, "ml_prediction_total", **production) == 94


def test_predictions_of_two_deployments_add_up(tmp_path: Path) -> None:
    other = type(SLOT)("taxi", "production", "dep-2")
    looks = [a_look(45, slot=slot, counts={"predictions": 7}) for slot in (SLOT, other)]
    with a_home(tmp_path, [a_start(30), a_start(30, slot=other), *looks]) as journal:
        found = samples(a_collector(journal))

    labels = {"model_name": "models.default", "environment": "production"}
    assert value(found, "ml_prediction_total", **labels) == 14


def test_health_is_judged_again_at_each_scrape(tmp_path: Path) -> None:
    labels = {"service": "taxi", "environment": "production", "deployment": "dep-1"}
    clock = Clock(46)
    with a_home(tmp_path, [a_start(30), a_look(45)]) as journal:
        collector = MetricsCollector(journal, Settings(), now=clock)
        before = samples(collector)
        clock.instant = at(90)
        after = samples(collector)

    assert value(before, "ml_deployment_health_status", **labels, status="healthy") == 1
    assert value(after, "ml_deployment_health_status", **labels, status="healthy") == 0
    assert value(after, "ml_deployment_health_status", **labels, status="unknown") == 1
    assert value(after, "ml_deployment_silence_seconds", **labels) == 45 * 60


def test_exactly_one_status_holds_for_each_deployment(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        found = samples(a_collector(journal))

    held = [v for (name, _), v in found.items() if name == "ml_deployment_health_status"]
    assert sorted(held) == [0.0] * 8 + [1.0] * 2


def test_a_reason_says_for_how_long_it_holds(tmp_path: Path) -> None:
    looks = [a_look(45, reasons=[a_slow_reason(40)])]
    with a_home(tmp_path, [a_start(30), *looks]) as journal:
        found = samples(a_collector(journal, 50))

    ages = [v for (name, _), v in found.items() if name == "ml_deployment_reason_age_seconds"]
    assert ages == [600]


def test_hostile_names_come_through_as_they_are(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        found = samples(a_collector(journal))

    deployments = {dict(labels).get("deployment") for _, labels in found}
    assert SICK_SLOT.deployment == HOSTILE
    assert HOSTILE in deployments


def test_no_run_id_is_a_label(tmp_path: Path) -> None:
    events = a_platform()
    with a_home(tmp_path, events) as journal:
        text = exposition(a_collector(journal))

    runs = {event.body.split(b'"runId":"')[1][:36].decode() for event in events}
    assert not [run for run in runs if run in text]


def test_a_name_that_two_namespaces_use_is_shown_with_its_namespace(tmp_path: Path) -> None:
    outputs = [Dataset(namespace, "trips", "1") for namespace in ("lake", "ns")]
    with a_home(tmp_path, [an_event("etl", 0, outputs=outputs)]) as journal:
        found = samples(a_collector(journal))

    infos = [dict(labels) for name, labels in found if name == "ml_dataset_info"]
    assert sorted(info["dataset_name"] for info in infos) == ["lake:trips", "ns:trips"]


def test_at_shows_the_platform_as_it_was(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        found = samples(a_collector(journal, at=at(10)))

    names = {name for name, _ in found}
    assert "ml_feature_freshness_seconds" in names
    assert "ml_deployment_health_status" not in names
    labels = {"dataset_name": "features.mobility.trips", "environment": "local"}
    assert value(found, "ml_feature_freshness_seconds", **labels) == 600


def test_a_look_at_the_past_raises_no_mark(tmp_path: Path) -> None:
    with a_home(tmp_path, a_platform()) as journal:
        samples(a_collector(journal))
        past = samples(a_collector(journal, at=at(35)))

    assert "ml_prediction_total" not in {name for name, _ in past}


def test_new_events_are_in_the_next_scrape(tmp_path: Path) -> None:
    with a_home(tmp_path, [a_start(30)]) as journal:
        collector = a_collector(journal)
        before = samples(collector)
        journal.append([a_look(45, counts={"predictions": 5})], "artifact")
        after = samples(collector)

    assert "ml_prediction_total" not in {name for name, _ in before}
    labels = {"model_name": "models.default", "environment": "production"}
    assert value(after, "ml_prediction_total", **labels) == 5


def test_an_event_of_a_later_time_shows_when_that_time_has_come(tmp_path: Path) -> None:
    labels = {"model_name": "models.default", "environment": "production"}
    clock = Clock(44)
    with a_home(tmp_path, [a_start(30), a_look(45, counts={"predictions": 5})]) as journal:
        collector = MetricsCollector(journal, Settings(), now=clock)
        before = samples(collector)
        clock.instant = at(45)
        after = samples(collector)

    assert value(before, "ml_prediction_total", **labels) is None
    assert value(after, "ml_prediction_total", **labels) == 5


def test_events_are_counted_by_origin(tmp_path: Path) -> None:
    with a_journal(tmp_path, [a_start(30)]) as journal:
        journal.append([an_event("etl", 1), an_event("etl", 2)], "http")
        found = samples(a_collector(journal))

    assert value(found, "lineage_bridge_journal_events_total", origin="artifact") == 1
    assert value(found, "lineage_bridge_journal_events_total", origin="http") == 2


def test_numbers_that_are_none_are_passed_over(tmp_path: Path) -> None:
    event = an_event("etl", 0, outputs=["table@1"])
    body = event.body.replace(
        b'"datasetVersion":"1"}', b'"datasetVersion":"1"},"dataQualityMetrics":{"rowCount":"many"}'
    )
    with a_home(tmp_path, [Event(body, event.kind, event.time_us, event.id)]) as journal:
        names = {name for name, _ in samples(a_collector(journal))}

    assert "ml_dataset_info" in names
    assert "ml_dataset_rows" not in names


@pytest.mark.parametrize("facet", [{"evaluatedAt": "never"}, {"endpoints": "none"}, {}])
def test_a_facet_that_breaks_its_schema_says_nothing_and_costs_nothing_else(
    tmp_path: Path, facet: dict[str, object]
) -> None:
    health = Dataset("ns", "predictions.a.b.c", None, {ServingHealthFacet.key: facet})
    deployment = {DeploymentFacet.key: facet}
    broken = an_event("serve.a.b.c", 1, inputs=[health], run_facets=deployment)
    with a_home(tmp_path, [*a_build(0), broken]) as journal:
        found = samples(a_collector(journal))

    labels = {"dataset_name": "features.mobility.trips", "environment": "local"}
    assert value(found, "ml_dataset_rows", **labels) == 1200
    assert value(found, "ml_feature_freshness_seconds", **labels) == 3000
    assert value(found, "lineage_bridge_scrape_part_success", part="freshness") == 1
    assert value(found, "lineage_bridge_scrape_part_success", part="health") == 1


def test_a_metric_never_has_more_series_than_its_bound() -> None:
    readings = [DATASET_ROWS.read(f"d{i:02}", "local", value=i) for i in reversed(range(10))]

    rows, dropped = families(readings, max_series=4)

    assert [s.labels["dataset_name"] for s in rows.samples] == ["d00", "d01", "d02", "d03"]
    assert [(s.labels, s.value) for s in dropped.samples] == [({"metric": "ml_dataset_rows"}, 6)]


def test_of_two_readings_with_the_same_labels_the_first_counts() -> None:
    readings = [DATASET_ROWS.read("d", "local", value=v) for v in (1, 2)]

    rows, dropped = families(readings)

    assert [s.value for s in rows.samples] == [1]
    assert [s.value for s in dropped.samples] == [1]


def test_half_a_surrogate_pair_does_not_cost_the_whole_scrape() -> None:
    rows, *_ = families([DATASET_ROWS.read("\ud800", "local", value=1)])

    assert rows.samples[0].labels["dataset_name"] == "?"


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_a_name_follows_the_conventions(metric: Metric) -> None:
    assert metric.name.startswith(("ml_", "lineage_bridge_"))
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert not metric.help.endswith(".")
    assert not {"run", "run_id"} & set(metric.labels)
