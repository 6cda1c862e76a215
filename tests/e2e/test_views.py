"""The questions, asked as a user asks them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import run_command

SOURCE = "duckdb://mobility:main.raw_station_metrics_1min"
SLOW = "predictions.dep-nyc-prod-slow.production.mobility-serving-layer"


@pytest.fixture
def ask(nyc_home):
    def run(*args):
        return run_command(*args, "--home", nyc_home)

    return run


def test_a_path_goes_through_one_version_of_each_dataset(ask):
    result = ask("path", SOURCE, SLOW, "--json")

    assert result.code == 0
    hops = result.json["hops"]
    assert [hop["from"] for hop in hops[1:]] == [hop["to"] for hop in hops[:-1]]
    assert hops[0]["from"] == f"dataset:{SOURCE}"
    assert hops[-1]["to"].endswith("@lightgbm_slow/v1")
    assert "dataset:urban:features.mobility.training_dataset@2026-04-01T00:35:05Z" in {
        hop["to"] for hop in hops
    }


def test_a_version_in_the_question_is_answered(ask):
    roll = "predictions.dep-nyc-prod-roll.production.mobility-serving-layer"
    datasets = {}
    for version in ("v1", "v5"):
        hops = ask("path", SOURCE, f"{roll}@lightgbm_default/{version}", "--json").json["hops"]
        (datasets[version],) = (h["to"] for h in hops if "features" in h["to"].split("@")[0])
    assert datasets["v1"].endswith("@2026-04-01T00:35:05Z")
    assert datasets["v5"].endswith("@2026-04-07T00:20:03Z")


def test_no_path_is_said_with_how_far_up_it_is_known(ask):
    orphan = "predictions.dep-nyc-shadow-orphan.shadow.mobility-serving-layer"
    result = ask("path", SOURCE, orphan)

    assert result.code == 1
    assert "No path" in result.out
    assert "2026-03-27T00:20:55Z" in result.out


def test_a_near_miss_gets_a_suggestion(ask):
    result = ask("path", SOURCE, SLOW[:-1])
    assert result.code == 2
    assert "Did you mean" in result.err
    assert SLOW in result.err


def test_a_part_of_the_graph_and_its_forms(ask):
    small = ask("graph", "--node", "models.lightgbm_slow", "--depth", "1", "--json").json
    names = {node["name"] for node in small["nodes"]}
    assert {"models.lightgbm_slow", "publish.lightgbm_slow"} < names
    assert len(names) == 4
    for form, sign in (("mermaid", "flowchart"), ("dot", "digraph"), ("table", "models")):
        shown = ask("graph", "--node", "models.lightgbm_slow", "--format", form)
        assert shown.code == 0
        assert sign in shown.out


def test_the_graph_of_an_earlier_time_is_smaller(ask):
    early = ask("graph", "--json", "--at", "2026-04-01T00:40:00Z").json
    names = {node["name"] for node in early["nodes"]}
    assert "features.mobility.training_dataset" in names
    assert not any(name.startswith("serve.") for name in names)


def test_totals_are_the_sum_over_all_distinct_lines(ask, nyc):
    import json

    lines = {line for p in nyc.rglob("metrics_*.jsonl") for line in p.read_bytes().splitlines()}
    expected = sum(json.loads(line)["request_count"] for line in lines)
    assert len(lines) == 713

    shape = ask("health", "--at", "2026-04-07T12:00:00Z", "--json").json
    assert sum(d["totals"]["requests"] for d in shape["deployments"]) == expected
    assert sum(d["totals"]["windows"] for d in shape["deployments"]) == 713
    assert len(shape["deployments"]) == 18


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (
            "2026-04-07T09:25:00Z",
            {
                "dep-nyc-prod-001": "healthy",
                "dep-nyc-prod-errors": "degraded",
                "dep-nyc-prod-rejects": "degraded",
                "dep-nyc-prod-slow": "degraded",
                "dep-nyc-prod-stale": "unknown",
                "dep-nyc-batch-bug": "idle",
            },
        ),
        (
            "2026-04-07T10:30:00Z",
            {
                "dep-nyc-canary-nan": "degraded",
                "dep-nyc-prod-multi": "healthy",
                "dep-nyc-prod-minorgaps": "healthy",
                "dep-nyc-prod-roll": "healthy",
                "dep-nyc-prod-gaps": "degraded",
                "dep-nyc-prod-burst": "unhealthy",
                "dep-nyc-prod-idle": "idle",
                "local": "healthy",
            },
        ),
    ],
)
def test_health_at_a_time_is_what_happened_then(ask, at, expected):
    result = ask("health", "--at", at, "--json")

    assert result.code == 1
    found = {d["deployment"]: d["status"] for d in result.json["deployments"]}
    assert {name: found[name] for name in expected} == expected


def test_health_of_one_deployment(ask):
    one = ask("health", "local", "--at", "2026-04-07T10:30:00Z", "--json")
    assert one.code == 0
    (deployment,) = one.json["deployments"]
    assert deployment["model"] == {"name": "models.mobility", "version": "v1"}
    assert deployment["dataset"] == {
        "name": "features.mobility.training_dataset",
        "version": "2026-04-01T00:35:05Z",
    }
    assert ask("health", "loca", "--json").code == 2


def test_freshness_grows_with_time_alone(ask):
    answers = [
        ask("freshness", "--at", f"2026-04-{day}:00Z", "--json")
        for day in ("07T02:10", "08T00:00", "09T00:00")
    ]
    found = [answer.json["datasets"][0] for answer in answers]

    assert found[0]["build_age_seconds"] == 478.0
    assert found[0]["data_age_seconds"] < found[1]["data_age_seconds"]
    # It is built once a day, from data that ends an hour before; the last build brought older data.
    assert [one["status"] for one in found] == ["FRESH", "LATE", "STALE"]
    assert {one["basis"] for one in found} == {"data"}
    assert found[0]["policy"]["source"] == "rhythm"
    assert [answer.code for answer in answers] == [0, 0, 1]


def test_a_time_may_be_asked_for_as_people_write_it(ask):
    for text, instant in [
        ("2026-04-07T10:30", "2026-04-07T10:30:00Z"),
        ("2026-04-07 12:30+02:00", "2026-04-07T10:30:00Z"),
        ("2026-04-07", "2026-04-07T00:00:00Z"),
    ]:
        assert ask("health", "--json", "--at", text).json["at"] == instant


def test_a_time_may_be_asked_for_by_how_long_ago_it_was(ask):
    before = datetime.now(UTC)
    answer = datetime.fromisoformat(ask("health", "--json", "--at", "-1h30m").json["at"])
    assert before <= answer + timedelta(minutes=90) <= datetime.now(UTC)


def test_what_is_no_time_is_refused_with_an_example(ask):
    for text in ("yesterday", "2026-02-30", "-h", "-", "2026-04-07T25:00"):
        result = ask("health", "--at", text)
        assert (result.code, "Traceback" in result.err) == (2, False)
        assert repr(text) in result.err


def test_doctor_names_what_is_missing(ask):
    result = ask("doctor", "--json")
    assert result.code == 1
    kinds = [gap["kind"] for gap in result.json["gaps"]]
    assert sorted(kinds) == ["dataset_missing"] + ["training_without_dataset"] * 3
    assert all(gap["edge"] and gap["mend"] and gap["path"] for gap in result.json["gaps"])
    notes = {note["kind"] for note in result.json["notes"]}
    assert {"flagged", "blind_counters"} <= notes


def test_the_demo_shows_everything_and_can_be_run_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        result = run_command("demo", "--once")
        assert result.code == 0
        for expected in ("Rejected: 3", "entities_lost", "5 of 19 features", "dep-nyc-prod-roll"):
            assert expected in result.out
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").touch()
    refused = run_command("demo", "--once", "--home", "full")
    assert refused.code == 2
    assert (tmp_path / "full" / "precious.txt").exists()


def test_another_policy_is_followed_at_once(nyc_home, tmp_path):
    toml = tmp_path / "lineage-bridge.toml"
    toml.write_text('[policies.serving."dep-nyc-prod-stale"]\nexpects_traffic = true\n')
    at = ("--at", "2026-04-07T10:30:00Z", "--json")
    statuses = []
    for config in ([], ["--config", toml]):
        one = run_command("health", "dep-nyc-prod-stale", "--home", nyc_home, *config, *at)
        statuses.append(one.json["deployments"][0]["status"])
    assert statuses == ["unknown", "unhealthy"]


@pytest.mark.parametrize(
    "text",
    [
        "dep-nyc-prod-slow",
        "production/dep-nyc-prod-slow",
        "mobility-serving-layer/production/dep-nyc-prod-slow",
        SLOW,
        f"dataset:urban:{SLOW}",
        f"urban:{SLOW}",
        f"{SLOW}@lightgbm_slow/v1",
        "serve.mobility-serving-layer.production.dep-nyc-prod-slow",
        f"observe.{SLOW}",
    ],
)
def test_a_deployment_is_called_by_whatever_is_printed_of_it(ask, text):
    when = ("--at", "2026-04-07T10:30:00Z")
    (found,) = ask("health", text, *when, "--json").json["deployments"]
    assert (found["environment"], found["deployment"]) == ("production", "dep-nyc-prod-slow")

    assert ask("graph", "--node", text, "--depth", "1").code == 0
    path = ask("path", SOURCE, text, "--json")
    is_observer = text.startswith("observe.")
    assert path.code == (1 if is_observer else 0)
    assert is_observer or path.json["hops"][0]["from"] == f"dataset:{SOURCE}"


def test_a_deployment_with_a_version_or_a_run_means_that_one(ask):
    roll = "production/dep-nyc-prod-roll"
    end = ask("path", SOURCE, f"{roll}@lightgbm_default/v1", "--json").json["to"]
    assert end.startswith("dataset:urban:predictions.")
    assert end.endswith("@lightgbm_default/v1")

    table = ask("graph", "--node", roll, "--depth", "1", "--direction", "up").out
    row = next(line for line in table.splitlines() if line.startswith("serve."))
    part = re.split(r"\s{2,}", row)[3]
    run = ask("path", SOURCE, f"{roll}@{part}", "--json").json["to"]
    assert run.startswith("job:urban:serve.")
    assert f"@{part}" in run
    assert ask("health", part, "--json").json["deployments"][0]["deployment"] in roll


def test_the_freshness_of_a_dataset_or_of_what_a_job_writes(ask):
    dataset = "features.mobility.training_dataset"
    whole = ask("freshness", "--json").json["datasets"]
    for text in (dataset, "build.mobility.training_dataset", f"dataset:urban:{dataset}"):
        (found,) = ask("freshness", text, "--json").json["datasets"]
        assert found["name"] == dataset
        assert dataset in {one["name"] for one in whole}


def test_what_is_no_deployment_is_not_known_as_one(ask):
    result = ask("health", "dep-nyc-prod-slo")
    assert result.code == 2
    assert "Did you mean `dep-nyc-prod-slow`" in result.err
    assert "No deployment `models.lightgbm_slow`" in ask("health", "models.lightgbm_slow").err
