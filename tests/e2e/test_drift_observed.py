"""Drift of deployments on the real city: hours of their logs against what their models are of."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import run_command
from jsonschema import Draft202012Validator, FormatChecker
from logged import answered, log_hours

from lineage_bridge.facets.drift import DriftFacet
from lineage_bridge.journal import Journal
from lineage_bridge.observe.logs.hours import HOUR_US
from lineage_bridge.times import format_time, from_micros

pytestmark = pytest.mark.slow  # `make test` runs the samples

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
WEEK = "output/training_dataset_20260401_003505.parquet"
THREE_DAYS = "output/training_dataset_20260328_002012.parquet"
BUG = answered("dep-nyc-batch-bug")
HOUR = 493_059  # of 2026-04-01T03:00Z, since 1970
BROKEN = {
    "ft_docks_available",
    "ft_pct_docks_of_capacity",
    "ft_availability_ratio",
    "ft_avg_ratio_60m",
    "ft_low_avail_freq_24h",
}


def drift_events(home):
    with Journal(home, readonly=True) as journal:
        events = [json.loads(stored.body) for stored in journal.read(limit=10_000)]
    return [event for event in events if event["job"]["name"].startswith("observe.drift.")]


def facet_of(event):
    return event["inputs"][0]["facets"][DriftFacet.key]


def drifted(window):
    return {one["feature"] for one in window["features"] if one["severity"] != "none"}


def features(path):
    table = pq.read_table(path)
    return table.select([name for name in table.column_names if name.startswith("ft_")])


@pytest.fixture(scope="session")
def city(nyc, rows, tmp_path_factory):
    """The real city; of the dataset that its models were trained on, all rows are there."""
    folder = tmp_path_factory.mktemp("drifting")
    for family in ("p4", "p5"):
        shutil.copytree(nyc / family, folder / family)
    (folder / "p2" / "output").mkdir(parents=True)
    for path, name in ((WEEK, "week"), (THREE_DAYS, "base3d")):
        said = pq.read_schema(nyc / "p2" / path).metadata
        table = pq.read_table(rows / f"{name}.parquet")
        pq.write_table(table.replace_schema_metadata(said), folder / "p2" / path)
    return folder


@pytest.fixture(scope="session")
def backfilled(city, tmp_path_factory):
    home = tmp_path_factory.mktemp("drifting") / "home"
    folders = [f"--{family}={city / family}" for family in ("p2", "p4", "p5")]
    assert run_command("backfill", "--home", home, *folders).code == 0
    return home


@pytest.fixture
def home(backfilled, tmp_path):
    shutil.copytree(backfilled, tmp_path / "home")
    return tmp_path / "home"


def failed(event):
    """The assertions of a log that did not hold: code and column."""
    said = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    return {(one["assertion"], one["column"]) for one in said if not one["success"]}


def log_file(path, table, deployment, hour):
    """Write a log as the serving layer leaves it: a row for each request of 24 minutes."""
    at = hour * HOUR_US + np.arange(table.num_rows) * 1_000_000
    said = {
        "deployment_id": [deployment] * table.num_rows,
        "model_version": ["v1"] * table.num_rows,
        "served_at": pa.array(at, pa.timestamp("us", "UTC")),
        "prediction": np.linspace(0, 1, table.num_rows),
    }
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(said | dict(zip(table.column_names, table.columns, strict=True))), path)


def test_the_real_deployments_drift_as_they_were_made_to(lb, home, city, rows, tmp_path):
    for name, hour in (("bug", HOUR), ("nodrift", HOUR - 1), ("double", HOUR + 24)):
        deployment = f"dep-nyc-batch-{name}"
        table = pq.read_table(rows / f"{name}.parquet")
        log_file(tmp_path / "logs" / f"{deployment}.parquet", table, deployment, hour)
    logs = "--logs", tmp_path / "logs", "--p5", city / "p5"
    assert lb("backfill", *logs, "--json").json["observed"]["events"]["drift"] == 3
    found = {event["job"]["name"].split(".")[3]: event for event in drift_events(home)}
    bug = facet_of(found["dep-nyc-batch-bug"])
    assert [drifted(window) for window in bug["windows"]] == [BROKEN, BROKEN]
    assert found["dep-nyc-batch-bug"]["eventTime"] == "2026-04-01T04:00:00Z"
    assert bug["reference"]["version"] == "2026-04-01T00:35:05Z"
    assert bug["reference"]["rows"] == 40_198
    asserted = failed(found["dep-nyc-batch-bug"])
    assert {column for code, column in asserted if code == "drift"} < BROKEN
    assert ("trained.beyond_range", "ft_docks_available") in asserted
    assert facet_of(found["dep-nyc-batch-nodrift"])["severity"] == "none"
    assert failed(found["dep-nyc-batch-nodrift"]) == set()
    double = facet_of(found["dep-nyc-batch-double"])["windows"][-1]
    assert set(double["calendar"]) == {"ft_day_of_week", "ft_is_weekend"}
    assert not drifted(double) & {"ft_day_of_week", "ft_hour_of_day", "ft_is_weekend"}
    # What was read is named with its version, and is no input that anything would be blamed on.
    log, trained = found["dep-nyc-batch-bug"]["inputs"]
    assert log["facets"]["version"]["datasetVersion"] == "lightgbm_default/v1"
    assert trained["name"] == "features.mobility.training_dataset"
    assert lb("backfill", *logs, "--json").json["observed"]["events"] == {}


@pytest.fixture(scope="session")
def drifting(backfilled, city, rows, tmp_path_factory):
    """A home in which one deployment drifts and one does not; tests must not change it."""
    home = tmp_path_factory.mktemp("drifting") / "home"
    shutil.copytree(backfilled, home)
    for number, name in enumerate(("bug", "nodrift")):
        table = features(rows / f"{name}.parquet")
        log_hours(home, answered(f"dep-nyc-batch-{name}"), [(HOUR, table)], file=number)
    assert run_command("backfill", "--home", home, "--p5", city / "p5").code == 0
    return home


@pytest.mark.sample
def test_each_deployment_has_a_line_and_one_without_a_log_is_unknown(drifting, monkeypatch):
    monkeypatch.setenv("COLUMNS", "240")
    shown = run_command("drift", "--home", drifting)
    assert shown.code == 1
    lines = {line.split()[0]: line for line in shown.out.splitlines() if "/" in line}
    assert "critical" in lines["batch/dep-nyc-batch-bug"]
    assert "5 of 19 features" in lines["batch/dep-nyc-batch-bug"]
    assert "none" in lines["batch/dep-nyc-batch-nodrift"]
    assert "unknown" in lines["production/dep-nyc-prod-001"]
    assert "no inference log" in lines["production/dep-nyc-prod-001"]
    document = run_command("drift", "--json", "--home", drifting).json
    schema = json.loads((SCHEMAS / "deployment-drift.json").read_text())
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
    found = {one["deployment"]: one for one in document["deployments"]}
    assert "why" not in found["dep-nyc-batch-bug"]
    assert found["dep-nyc-prod-001"]["why"] == "no_log"


@pytest.mark.parametrize(
    "name",
    [
        "dep-nyc-batch-bug",
        "batch/dep-nyc-batch-bug",
        "inference_log.dep-nyc-batch-bug.batch.mobility-serving-layer",
        "serve.dep-nyc-batch-bug.batch.mobility-serving-layer",
    ],
)
def test_one_deployment_says_what_moved_how_far_and_since_when(drifting, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = run_command("drift", name, "--home", drifting)
    assert shown.code == 1
    assert "5 of 19 features drifted" in shown.out
    assert "features.mobility.training_dataset@2026-04-01T00:35:05Z (40,198 rows)" in shown.out
    (docks,) = [line for line in shown.out.splitlines() if "critical" in line and
                line.startswith("ft_docks_available")]  # fmt: skip
    assert "2026-04-01T03:00:00Z" in docks
    assert "was never trained on" in shown.out
    one = run_command("drift", name, "--feature", "ft_capacity", "--home", drifting)
    assert "ft_capacity" in one.out
    assert "ft_docks_available" not in one.out
    assert run_command("drift", name, "--feature", "no_such", "--home", drifting).code == 2
    assert "ft_capacity" not in shown.out
    assert "ft_capacity" in run_command("drift", name, "--all", "--home", drifting).out


def test_what_is_known_at_a_time_is_answered_and_no_log_yet_is_no_all_clear(drifting):
    args = ("drift", "dep-nyc-batch-bug", "--home", drifting, "--json")
    before = run_command(*args, "--at", "2026-04-01T03:59:59Z")
    assert (before.code, before.json["deployments"][0]["status"]) == (0, "unknown")
    after = run_command(*args, "--at", "2026-04-01T04:00:00Z").json["deployments"][0]
    assert (after["status"], after["age_seconds"]) == ("critical", 0)
    assert run_command("drift", "dep-nyc-batch-nodrift", "--home", drifting).code == 0
    assert run_command("drift", "dep-nyc-batch-bgu", "--home", drifting).code == 2


class Words(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text = ""
        self.feed(text)

    def handle_data(self, data):
        self.text += data


@pytest.mark.sample
def test_a_deployment_has_a_report_with_both_distributions(drifting, tmp_path):
    path = tmp_path / "report.html"
    shown = run_command("drift", "dep-nyc-batch-bug", "--html", path, "--home", drifting)
    assert shown.code == 1
    page = Words(path.read_text(encoding="utf-8"))
    assert "5 of 19 features drifted" in page.text
    assert "batch/dep-nyc-batch-bug up to 2026-04-01T04:00:00Z" in page.text
    assert run_command("drift", "dep-nyc-prod-001", "--html", path, "--home", drifting).code == 2


@pytest.mark.sample
def test_what_cannot_be_meant_is_said(drifting, city):
    one = city / "p2" / WEEK
    for args in ((one,), (one, one, one), ("--html", "x.html"), ("--feature", "x")):
        shown = run_command("drift", *args, "--home", drifting)
        assert shown.code == 2
        assert shown.out == ""


@pytest.mark.sample
def test_versions_of_a_dataset_are_compared_from_what_the_home_keeps(drifting, city):
    name = "features.mobility.training_dataset"
    versions = f"{name}@2026-03-28T00:20:12Z", f"{name}@2026-04-01T00:35:05Z"
    document = run_command("drift", *versions, "--json", "--home", drifting).json
    files = city / "p2" / THREE_DAYS, city / "p2" / WEEK
    same = run_command("drift", *files, "--json", "--home", drifting).json
    assert document["features"] == same["features"]
    mixed = run_command("drift", versions[0], files[1], "--json", "--home", drifting).json
    assert mixed["features"] == same["features"]
    gone = run_command("drift", f"{name}@2026-04-07T00:20:03Z", files[0], "--home", drifting)
    assert gone.code == 2
    assert "Traceback" not in gone.err


@pytest.mark.sample
def test_metrics_say_what_moved_and_a_deployment_without_a_log_has_an_age_only(drifting):
    text = run_command("exporter", "--once", "--home", drifting).out
    bug = 'deployment="dep-nyc-batch-bug",environment="batch",service="mobility-serving-layer"'
    assert f'ml_drift_features{{{bug},severity="critical"}} 5.0' in text
    assert f'ml_drift_features{{{bug},severity="none"}} 14.0' in text
    assert f'ml_deployment_untrained_features{{{bug},sort="beyond_range"}} 2.0' in text
    psi = [line for line in text.splitlines() if line.startswith("ml_drift_psi_above_floor")]
    assert len(psi) == 2 * 19
    without = [line for line in text.splitlines() if "drift" in line and "dep-nyc-prod-001" in line]
    assert len(without) == 1
    assert without[0].startswith("ml_drift_age_seconds")
    assert without[0].endswith("+Inf")


def normal(seed, rows=60, shift=0.0):
    """Rows of two features of the real dataset, near to it or not."""
    random = np.random.default_rng(seed)
    return {
        "ft_bikes_available": random.integers(0, 20, rows) + shift,
        "ft_capacity": random.choice([20.0, 25.0, 30.0], rows),
        "prediction": random.random(rows),
    }


def standing(home):
    """What stands of drift: by run the facet of the newest event, and all ids in order."""
    return {event["run"]["runId"]: facet_of(event) for event in drift_events(home)}


HOURS = [(HOUR + at, normal(at, shift=30.0 * (at > 27))) for at in (0, 1, 2, 7, 24, 26, 28, 29, 55)]


@pytest.fixture(scope="session")
def at_once(backfilled, city, tmp_path_factory):
    home = tmp_path_factory.mktemp("at once") / "home"
    shutil.copytree(backfilled, home)
    log_hours(home, BUG, HOURS)
    assert run_command("backfill", "--home", home, "--p5", city / "p5").code == 0
    return home


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_followed_hour_by_hour_the_findings_are_the_same(lb, home, at_once, city, cut):
    for part in (HOURS[:cut], HOURS[cut:]):
        log_hours(home, BUG, part)
        lb("backfill", "--p5", city / "p5")
    ids = [[event["run"]["facets"]["lineageBridge_event"]["id"] for event in drift_events(one)]
           for one in (home, at_once)]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(ids[0]) >= 3


@pytest.mark.sample
def test_what_is_told_of_one_version_makes_no_finding_of_another_due(lb, home, at_once, city):
    other = answered("dep-nyc-batch-bug", model="lightgbm_small")  # judged after the other one
    log_hours(home, other, [(number, normal(7)) for number in (HOUR - 1, HOUR)], file=1)
    log_hours(home, BUG, HOURS, file=2)
    lb("backfill", "--p5", city / "p5")
    found = standing(home).values()
    times = {
        model: [facet["evaluatedAt"] for facet in found if facet["model"] == model]
        for model in ("lightgbm_default", "lightgbm_small")
    }
    assert time_of(HOUR) in times["lightgbm_default"]
    assert times["lightgbm_small"] == [time_of(HOUR - 1)]


@pytest.mark.parametrize("late", [0, 2])
def test_an_hour_that_turns_up_late_changes_what_stands(lb, home, at_once, city, late):
    log_hours(home, BUG, [hour for hour in HOURS if hour != HOURS[late]])
    lb("backfill", "--p5", city / "p5")
    before = standing(home)
    log_hours(home, BUG, [HOURS[late]], file=2)
    lb("backfill", "--p5", city / "p5")
    found, whole = standing(home), standing(at_once)
    assert {run: facet for run, facet in found.items() if run in whole} == whole
    assert before.keys() <= found.keys()
    # Also what would not be due any more says what is known by now.
    ends = {f"{facet['evaluatedAt']}": facet["hoursKnown"] for facet in found.values()}
    known = {time_of(number): at + 1 for at, (number, _) in enumerate(HOURS)}
    assert ends == {time: known[time] for time in ends}


def time_of(number):
    """The end of an hour, as events have it."""
    return format_time(from_micros((number + 1) * HOUR_US))


def test_a_home_that_knows_fewer_hours_leaves_what_stands(lb, at_once, home, city, tmp_path):
    lb("journal", "export", "--home", at_once, tmp_path / "all.jsonl")
    lb("journal", "import", tmp_path / "all.jsonl")
    log_hours(home, BUG, HOURS[3:])
    lb("backfill", "--p5", city / "p5")
    found = standing(home)
    assert {run: found[run] for run in standing(at_once)} == standing(at_once)


@pytest.mark.sample
def test_limits_are_those_of_the_settings_and_impossible_ones_are_named(lb, home, city, tmp_path):
    log_hours(home, BUG, HOURS)
    settings = tmp_path / "lineage-bridge.toml"
    settings.write_text(
        '[policies.drift."dep-nyc-batch-bug"]\nhours = [2, 48]\nfewest_rows = 5000\n'
    )
    lb("backfill", "--p5", city / "p5")
    for facet in standing(home).values():
        assert [window["hours"] for window in facet["windows"]] == [2, 48]
        assert facet["status"] == "insufficient_data"
    assert lb("drift", "dep-nyc-batch-bug", "--json").json["deployments"][0]["status"] == "unknown"
    for wrong in ("hours = []", "hours = [0]", "warning_psi = 0.3\ncritical_psi = 0.2",
                  "false_share = 1", "no_such_limit = 1", "fewest_rows = 0"):  # fmt: skip
        settings.write_text(f"[policies.drift.default]\n{wrong}\n")
        shown = lb("drift")
        assert shown.code == 2, wrong
        assert "lineage-bridge.toml" in shown.err
        assert "policies.drift.default" in shown.err


@pytest.mark.sample
def test_odd_columns_of_a_log_end_in_a_finding(lb, home, city, monkeypatch):
    monkeypatch.setenv("COLUMNS", "240")
    odd = {
        "ft_bikes_available": ["a", "b"] * 30,
        "ft_capacity": [None] * 60,
        "ft_docks_available": [float("inf"), float("nan")] * 30,
        "ft_is_weekend": pa.array([{"x": 1}] * 60),
        "ft_avg_bikes_60m": pa.array([b"x"] * 60),
        'never <b>"seen\u202e': [1] * 60,
    }
    log_hours(home, BUG, [(HOUR, odd)])
    lb("backfill", "--p5", city / "p5")
    shown = lb("drift", "dep-nyc-batch-bug", "--all")
    assert (shown.code, shown.err) == (1, "")
    assert "kind" in shown.out


@pytest.mark.sample
def test_a_backfill_without_news_of_logs_does_not_import_numpy(drifting, city):
    code = (
        "import sys\nfrom lineage_bridge.cli.main import cli\n"
        f"cli(['backfill', '--home', {str(drifting)!r}, '--p5', {str(city / 'p5')!r}],"
        " standalone_mode=False)\nassert 'numpy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
