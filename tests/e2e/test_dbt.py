"""dbt: models, tests and sources of its target folder, under the names of openlineage-dbt."""

from __future__ import annotations

import json
import shutil

import pytest
from conftest import unpack

AT = "2026-04-08T03:00:00Z"
JOB = "mobility.main.mobility.{}.build.run"
READS = [
    ("raw_station_metrics_1min", "stg_station_metrics"),
    ("stg_station_metrics", "mart_station_hourly"),
    ("mart_station_hourly", "mart_station_weather"),
    ("weather_hourly", "mart_station_weather"),
]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return unpack("reports.tar.gz", tmp_path_factory.mktemp("reports"))


@pytest.fixture
def target(reports, tmp_path):
    """A target folder of its own: manifest, catalog and nothing that happened."""
    folder = tmp_path / "shop" / "target"
    folder.mkdir(parents=True)
    for name in ("manifest.json", "catalog.json"):
        shutil.copy(reports / "dbt" / name, folder)
    return folder


def results(reports, name="run_results.json"):
    return json.loads((reports / "dbt" / name).read_text())


def edges(lb):
    found = lb("graph", "--json").json["edges"]
    plain = [(e["from"].split(":")[-1], e["to"].split(":")[-1].partition("@")[0]) for e in found]
    return {(source, target) for source, target in plain if not target.startswith("observe.")}


def test_models_that_ran_are_jobs_of_openlineage_dbt_and_what_was_skipped_is_none(lb, reports):
    lb("backfill", "--no-observe", reports / "dbt")
    found = lb("graph", "--json").json
    reading = {(f"main.{source}", JOB.format(model)) for source, model in READS}
    assert reading <= edges(lb)
    jobs = {node["name"] for node in found["nodes"] if node["kind"] == "job"}
    models = {JOB.format(model) for _, model in READS}
    assert {job for job in jobs if not job.startswith("observe.")} == models
    read_again = lb("backfill", "--no-observe", reports / "dbt")
    assert "0 events appended" in read_again.out


def test_tests_and_freshness_are_the_verdicts_of_dbt(lb, reports):
    lb("backfill", "--no-observe", reports / "dbt")
    nodes = lb("health", "--json", "--at", AT).json["nodes"]
    said = {
        (node["id"].rpartition(".")[2], reason["code"])
        for node in nodes
        for reason in node["reasons"]
    }
    assert ("mart_station_weather", "not_null") in said
    assert ("stg_station_metrics", "relationships") in said
    assert ("station_information", "freshness") in said
    assert ("raw_station_metrics_1min", "freshness") in said  # though a test passed after it
    assert not any(name == "weather_hourly" for name, _ in said)


def test_a_home_without_the_files_says_the_same(lb, reports, target):
    for name in ("run_results.json", "sources.json"):
        shutil.copy(reports / "dbt" / name, target)
    lb("backfill", "--no-observe", target)
    before = lb("graph", "--json").json
    shutil.rmtree(target)
    target.mkdir()
    assert "0 events appended" in lb("backfill", "--no-observe", target).out
    assert lb("graph", "--json", "--at", before["at"]).json == before


def test_the_profile_joins_the_names_of_openlineage_dbt(lb, reports, target):
    shutil.copy(reports / "dbt" / "run_results.json", target)
    profile = {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "/srv/m.duckdb"}}}
    (target.parent / "profiles.yml").write_text(json.dumps({"mobility": profile}))
    lb("backfill", "--no-observe", target.parent)
    lb("journal", "export", target / "events.ndjson")
    assert '"duckdb:///srv/m.duckdb"' in (target / "events.ndjson").read_text().replace(" ", "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r["metadata"].update(invocation_id="other"), "expected one run"),
        (
            lambda r: r["metadata"].update(
                dbt_schema_version="https://schemas.getdbt.com/dbt/run-results/v99.json"
            ),
            "expected run-results v5 or v6",
        ),
        (lambda r: r.update(results=3), "expected `array`"),
        (lambda r: r["results"][0].update(failures="many"), "expected `int"),
    ],
)
def test_results_that_cannot_be_trusted_are_rejected_with_field_and_reason(
    lb, reports, target, change, why
):
    document = results(reports)
    change(document)
    (target / "run_results.json").write_text(json.dumps(document))
    assert why in " ".join(lb("backfill", "--json", target).out.split())


def test_torn_results_and_a_missing_manifest_cost_only_themselves(lb, reports, target):
    shutil.copy(reports / "bad" / "dbt" / "run_results_torn.json", target / "run_results.json")
    shutil.copy(reports / "bad" / "dbt" / "sources_runtime_error.json", target / "sources.json")
    alone = target.parent / "alone"
    alone.mkdir()
    shutil.copy(reports / "dbt" / "run_results.json", alone)
    output = lb("backfill", "--json", "--no-observe", target.parent).out
    assert "is not JSON" in output
    assert "expected the manifest of the same run" in output
    assert json.loads(output)["rejected_count"] == 2  # each once, by dbt alone
    nodes = lb("graph", "--json").json["nodes"]
    assert any(node["name"] == "observe.dbt.main.station_information" for node in nodes)


def test_what_docs_generate_calls_success_never_ran(lb, reports, target):
    shutil.copy(reports / "dbt" / "run_results_after_docs.json", target / "run_results.json")
    assert "0 events appended" in lb("backfill", "--no-observe", target).out
