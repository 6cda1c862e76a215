"""Days of inference logs, checked against what the served model was trained on."""

from __future__ import annotations

import json
import random
from datetime import datetime

import pytest
from conftest import run_command
from datasets import dataset, write
from inference_logs import write_lines
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge.adapters.feature_columns import MADE_OF
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.journal import Journal

pytestmark = pytest.mark.slow  # `make test` runs the samples

FEATURES = [name for name in MADE_OF if name.startswith("ft_")]
LOG = "inference_log.dep-1.prod.bikes"
NOT_MADE = ("features_unknown_labels", "confidence")  # there is nothing to compare


def row(number, *, day=7, prediction=None, **changed):
    chance = random.Random(number)
    features = {name: chance.gauss(0, 0.8) for name in FEATURES} | changed
    return {
        "request_id": f"{day}-{number}",
        "timestamp": f"2026-04-{day:02}T{number // 60:02}:{number % 60:02}:00Z",
        "service": "bikes",
        "environment": "prod",
        "deployment_id": "dep-1",
        "model": {"name": "alpha", "version": "v1"},
        "features": {name: value for name, value in features.items() if value != "gone"},
        "prediction": number % 2 if prediction is None else prediction,
    }


@pytest.fixture
def platform(tmp_path, lb):
    """A model with the dataset that it was trained on, in a home."""
    folder = tmp_path / "platform"
    folder.mkdir()
    columns = dataset(start=datetime(2026, 4, 3), slots=288)  # noqa: DTZ001
    write(folder, columns, stamp="20260406_001500")
    bundle = folder / "run-alpha"
    bundle.mkdir()
    said = {
        "run_id": "run-alpha",
        "candidate_name": "alpha",
        "model_version": "v1",
        "created_at": "2026-04-06T02:00:00Z",
        "input_dataset_name": "training_dataset_20260406_001500",
        "input_dataset_version": "2026-04-06T00:15:00Z",
    }
    (bundle / "metadata.json").write_text(json.dumps(said))
    assert lb("backfill", folder).code == 0
    return folder


@pytest.fixture
def log(tmp_path, lb):
    """Write rows into a log, and let a backfill look at it."""
    folder = tmp_path / "logs"
    folder.mkdir()

    def look(rows, name="requests.jsonl"):
        write_lines(folder / name, rows)
        return lb("backfill", "--json", "--logs", folder).json["observed"]["events"]

    return look


def told(home):
    """The findings on days of the log, in the order of their arrival, with their assertions."""
    with Journal(home, readonly=True) as journal:
        events = [json.loads(stored.body) for stored in journal.read(limit=10_000)]
    for event in events:
        for read in event["inputs"] if event["job"]["name"] == f"observe.{LOG}" else ():
            if ValidationFacet.key in read["facets"]:
                asserted = read["inputFacets"]["dataQualityAssertions"]["assertions"]
                yield event["eventTime"], read["facets"][ValidationFacet.key], asserted


def statuses(facet):
    return {one["code"]: one["status"] for one in facet["checks"]}


@pytest.mark.sample
def test_requests_as_the_model_knows_them_pass(platform, log, lb, tmp_path):
    assert log([row(n) for n in range(120)])["validation"] == 1
    ((time, facet, _),) = told(tmp_path / "home")
    assert time == "2026-04-07T02:00:00.001000Z"
    assert (facet["status"], facet["rows"]) == ("passed", 120)
    found = statuses(facet)
    assert {found.pop(name) for name in NOT_MADE} == {"skipped"}
    assert set(found.values()) == {"passed"}
    shown = lb("check", LOG, "--json")
    assert (shown.code, shown.json["versions"][0]["version"]) == (0, "alpha/v1")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ft_capacity": None}, "features_missing"),
        ({"ft_capacity": 1e9}, "features_out_of_range"),
        ({"prediction": 2}, "predictions_known"),
    ],
)
def test_what_is_wrong_with_requests_is_found(changed, code, platform, log, lb, tmp_path):
    log([row(n, **changed) if n % 2 else row(n) for n in range(120)])
    ((_, facet, asserted),) = told(tmp_path / "home")
    failed = {one for one, status in statuses(facet).items() if status == "failed"}
    assert failed - {"features_few_missing"} == {code}
    by_code = {one["assertion"]: one["success"] for one in asserted}
    assert by_code[code] is False
    assert "drift" in json.dumps(asserted)  # a reader keeps the newest assertions alone
    assert lb("check", LOG).code == (code != "predictions_known")


@pytest.mark.sample
def test_a_feature_that_a_service_never_logs_and_an_id_that_comes_again(platform, log, tmp_path):
    rows = [row(n, ft_capacity="gone") for n in range(60)]
    log([*rows, *rows[:5]])
    ((_, facet, _),) = told(tmp_path / "home")
    failed = {one for one, status in statuses(facet).items() if status == "failed"}
    assert failed == {"features_needed", "request_ids"}


def test_a_day_that_goes_on_is_told_anew_and_the_days_before_are_not(platform, log, tmp_path):
    rows = [row(n) for n in range(120)]
    log([*rows, *(row(n, day=8) for n in range(60))])
    assert log([*rows, *(row(n, day=8) for n in range(90))])["validation"] == 1
    assert log([*rows, *(row(n, day=8) for n in range(90))]) == {}
    found = [(time, facet["rows"]) for time, facet, _ in told(tmp_path / "home")]
    assert found == [
        ("2026-04-07T02:00:00.001000Z", 120),
        ("2026-04-08T01:00:00.001000Z", 60),
        ("2026-04-08T02:00:00.001000Z", 90),
    ]


def test_bit_by_bit_says_the_same_as_at_once(platform, log, tmp_path):
    rows = [row(n, ft_capacity=1e9 if n > 80 else 0.5) for n in range(120)]
    for end in (50, 70, 120):
        log(rows[:end])
    *_, (time, facet, asserted) = told(tmp_path / "home")
    other = tmp_path / "other"
    run_command("backfill", "--home", other, platform)
    run_command("backfill", "--home", other, "--logs", tmp_path / "logs")
    assert list(told(other)) == [(time, facet, asserted)]


@pytest.mark.sample
def test_without_a_training_that_is_known_the_rest_is_checked(log, lb, tmp_path):
    log([row(n) for n in range(60)])
    ((_, facet, _),) = told(tmp_path / "home")
    found = statuses(facet)
    assert found["features_missing"] == found["request_ids"] == "passed"
    assert found["features_out_of_range"] == found["features_needed"] == "skipped"


@pytest.mark.sample
def test_the_settings_say_what_is_expected_of_a_log(log, lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text(
        '[checks."inference_log.*"]\nranges = { ft_capacity = [100, 200] }\nclasses = ["0", "1"]\n'
        'severity = { features_out_of_range = "warn" }\n'
    )
    log([row(n) for n in range(60)])
    shown = lb("check", LOG, "--json")
    (version,) = shown.json["versions"]
    found = {one["check"]: one["status"] for one in version["checks"]}
    assert (found["features_out_of_range"], found["predictions_known"]) == ("failed", "passed")
    assert (shown.code, version["status"]) == (0, "warn")


def scraped(home):
    shown = run_command("exporter", "--once", "--compat", "sentinelml", "--home", home).out
    return {
        (sample.name.removeprefix("ml_monitor_quality_"), sample.labels.get("check", "")): (
            sample.value,
            sample.labels,
        )
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    }


def test_quality_is_shown_as_sentinelml_did(platform, log, tmp_path):
    log([row(n, ft_capacity=1e9) if n % 2 else row(n) for n in range(120)])
    found = scraped(tmp_path / "home")
    value, labels = found["overall_passed", ""]
    assert (value, labels["model_version"], labels["deployment"]) == (0, "v1", "dep-1")
    assert found["hard_failures", ""][0] == 1
    assert found["window_size", ""][0] == 120
    checks = {check: value for (name, check), (value, _) in found.items() if check}
    assert checks["out_of_range"] == 0
    assert checks["duplicate_ids"] == checks["schema_presence"] == checks["missing_rate"] == 1
    assert "confidence_sanity" not in checks  # nothing says how sure the answers are
    assert found["check_passed", "out_of_range"][1]["severity"] == "hard"
    assert 0 < found["report_age_seconds", ""][0] < float("inf")
    assert ("ml_api_accuracy", "") not in found


@pytest.mark.sample
def test_labels_make_an_accuracy_under_its_old_name(log, tmp_path):
    log([row(n) | {"label": 1} for n in range(60)])
    found = scraped(tmp_path / "home")
    assert found["ml_api_accuracy", ""][0] == 0.5
    assert found["ml_api_labeled_total", ""][0] == 60
