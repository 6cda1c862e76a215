"""Each row of docs/from-p6.md: what P6 did is done by what the row names, seen from the outside."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from conftest import run_command
from datasets import dataset, write
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge.assess.policies import Policies
from lineage_bridge.naming import Slot
from lineage_bridge.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "from-p6.md"
AT = "2026-04-07T10:30:00Z"
P6_CHECKS = [
    "file_exists",
    "valid_json",
    "dataset_name_present",
    "dataset_version_present",
    "freshness_computable",
]
SLOT = Slot("mobility-serving-layer", "production", "dep-nyc-prod-001")


def rows() -> dict[str, dict[str, str]]:
    """By heading, what the first column of its table names -> what the second one does."""
    found: dict[str, dict[str, str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| `"):
            theirs, here, _ = [cell.strip() for cell in line.strip("|").split(" | ", 2)]
            found.setdefault(heading, {})[theirs.strip("` |")] = here.replace("`", "")
    return found


ROWS = rows()


@pytest.fixture
def ask(nyc, nyc_home, tmp_path):
    """Run a command as the page writes it, with the names of real files for its words."""

    def run(command, *more, **words):
        named = {"FOLDER": nyc, "PORT": "0", **words}
        args = [str(named.get(word, word)) for word in command.split()[1:]]
        return run_command(*args, *more)

    return run


def metadata(nyc, kind):
    return sorted((nyc / "p6" / f"{kind}_metadata").glob("*.json"))


def events(home):
    file = home.parent / "exported.ndjson.gz"
    assert run_command("journal", "export", file, "--home", home).code == 0
    return [json.loads(line) for line in gzip.open(file, "rt", encoding="utf-8")]


def told(home, job):
    return [one for one in events(home) if one["job"]["name"].startswith(job)]


# Commands


def test_a_build_is_told_once(ask, nyc, tmp_path):
    path = metadata(nyc, "dataset")[0]
    said = json.loads(path.read_text(encoding="utf-8"))
    command = ROWS["Commands"]["monitoring emit-lineage-dataset-build --metadata-path FILE"]
    for _ in range(2):
        assert ask(command, "--home", tmp_path / "home", FILE=path).code in {0, 1}
    (event,) = told(tmp_path / "home", "build.")
    assert (event["eventType"], event["eventTime"]) == ("COMPLETE", said["built_at"])
    version = event["outputs"][0]["facets"]["version"]["datasetVersion"]
    assert version == said["built_at"]


def test_a_training_is_told_with_the_version_that_it_read(ask, nyc, tmp_path):
    (path,) = [one for one in metadata(nyc, "training") if one.stem.startswith("42be0bc8")]
    said = json.loads(path.read_text(encoding="utf-8"))
    command = ROWS["Commands"]["monitoring emit-lineage-training-run --metadata-path FILE"]
    dataset = nyc / "p6" / "dataset_metadata" / f"{said['input_dataset_name']}.json"
    home = ("--home", tmp_path / "home")
    assert run_command("backfill", "--p6", dataset, *home).code in {0, 1}
    assert ask(command, *home, FILE=path).code == 0
    found = told(tmp_path / "home", "train.")
    assert [one["eventType"] for one in found] == ["START", "COMPLETE"]
    for one in found:
        (read,) = one["inputs"]
        assert read["facets"]["version"]["datasetVersion"] == "2026-04-01T00:35:05Z"
        assert said["run_id"] == one["run"]["runId"].replace("-", "")


FRESHNESS = {
    ("Commands", "monitoring compute-freshness --metadata-path FILE --threshold SECONDS"),
    ("What it wrote", "FreshnessResult"),
}


@pytest.mark.parametrize(("table", "row"), sorted(FRESHNESS))
def test_freshness_has_the_keys_of_p6(ask, nyc_home, table, row):
    found = ask(ROWS[table][row], "--all", "--home", nyc_home, "--at", AT).json
    assert found
    for one in found:
        assert list(one) == ["dataset_name", "dataset_version", "freshness_seconds", "status"]
        assert one["status"] in {"FRESH", "STALE"}
        assert isinstance(one["freshness_seconds"], float)


CHECKS = {
    ("Commands", "monitoring run-checks --metadata-path FILE"),
    ("What it wrote", "CheckReport"),
}


@pytest.mark.parametrize(("table", "row"), sorted(CHECKS))
def test_checks_have_the_names_keys_and_exits_of_p6(ask, nyc, tmp_path, table, row):
    good, bad = metadata(nyc, "dataset")[0], tmp_path / "list.json"
    bad.write_text("[]", encoding="utf-8")
    for path, passed in ((good, True), (bad, False)):
        answer = ask(ROWS[table][row], "--home", tmp_path / "home", FILE=path)
        assert list(answer.json) == ["metadata_path", "all_passed", "results"]
        assert (answer.json["all_passed"], answer.code) == (passed, int(not passed))
        assert all(list(one) == ["check", "passed", "detail"] for one in answer.json["results"])
        if passed:
            assert [one["check"] for one in answer.json["results"]][:5] == P6_CHECKS


def scrape(ask, nyc_home):
    command = ROWS["Commands"]["monitoring serve-metrics --port PORT"]
    answer = ask(command, "--once", "--home", nyc_home, "--at", AT)
    assert answer.code == 0, answer.err
    return {one.name: one for one in text_string_to_metric_families(answer.out)}


def test_the_metrics_are_served_with_what_is_known(ask, nyc_home):
    assert {"ml_training_duration_seconds", "ml_prediction"} <= scrape(ask, nyc_home).keys()


@pytest.mark.slow
def test_the_demo_shows_real_values(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = ask(ROWS["Commands"]["monitoring demo-metrics --port PORT"])
    assert answer.code == 0
    assert "dep-nyc-prod-slow" in answer.out


def test_what_counted_nothing_real_has_no_successor(ask):
    assert ROWS["Commands"]["monitoring simulate-prediction --count N"] == "none"
    assert run_command("simulate-prediction").code == 2


# Assets, job and schedule


def test_every_version_is_validated(tmp_path):
    key = ROWS["Assets, job and schedule"]["validation_result"]
    (tmp_path / "p2").mkdir()
    for hour in (1, 2):
        write(tmp_path / "p2", dataset(stations=2, slots=8), stamp=f"20260407_0{hour}5500")
    run_command("backfill", "--p2", tmp_path / "p2", "--home", tmp_path / "home")
    found = [one["inputs"][0]["facets"] for one in told(tmp_path / "home", "observe.features")]
    assert [one["version"]["datasetVersion"][11:13] for one in found if key in one] == ["01", "02"]


@pytest.mark.parametrize("row", ["freshness_result", "serving_health_state"])
def test_findings_are_facets_of_datasets(nyc_home, row):
    key = ROWS["Assets, job and schedule"][row]
    nodes = run_command("graph", "--home", nyc_home, "--json").json["nodes"]
    assert any(key in node["facets"] for node in nodes if node["kind"] == "dataset")


@pytest.mark.parametrize("row", ["dataset_lineage", "training_lineage", "serving_metrics_raw"])
def test_lineage_is_a_node_with_its_runs_or_versions(nyc_home, row):
    name = ROWS["Assets, job and schedule"][row]
    nodes = {
        one["name"]: one for one in run_command("graph", "--home", nyc_home, "--json").json["nodes"]
    }
    node = nodes[name]
    assert node.get("runs") or node.get("versions")


def test_windows_of_replicas_count_and_a_bad_line_costs_itself(nyc, tmp_path):
    folder = tmp_path / "artifacts" / "serving" / "metrics" / "2026-04-07" / "10"
    folder.mkdir(parents=True)
    for file in sorted(nyc.glob("p5/**/2026-04-07/10/metrics_2*.jsonl")):
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text('{"schema_version": \n' + text, encoding="utf-8")
    lines = "".join(one.read_text(encoding="utf-8") for one in folder.iterdir()).splitlines()
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    home = ("--home", tmp_path / "home")
    answer = run_command("backfill", "--p5", tmp_path / "artifacts", *home, "--json")
    assert (answer.code, len(answer.json["rejected"])) == (1, len(lines) - len(whole))
    found = run_command("health", *home, "--json").json["deployments"]
    requests = {one["deployment"]: one["totals"]["requests"] for one in found}
    for name, count in requests.items():
        assert count == sum(w["request_count"] for w in whole if w["deployment_id"] == name)
    assert len(requests) > 3


def test_the_job_is_a_backfill_and_again_it_says_nothing(nyc, nyc_home, ask, tmp_path):
    command = ROWS["Assets, job and schedule"]["p6_monitoring_job"]
    home = ("--home", tmp_path / "home", "--no-observe", "--json")
    first, second = (ask(f"{command} --p4 P4", *home, P4=nyc / "p4").json for _ in range(2))
    assert first["events"] > 0 == second["events"]


def test_the_schedule_is_the_watcher(ask, nyc, tmp_path):
    command = ROWS["Assets, job and schedule"]["p6_monitoring_schedule"]
    assert ask(f"{command} --help").code == 0
    assert "--watch" in run_command("up", "--help").out


# Metrics


@pytest.mark.parametrize("name", ROWS["Metrics"])
def test_metrics_have_the_type_and_labels_of_p6(ask, nyc_home, name):
    kind, *labels = ROWS["Metrics"][name].split()
    found = scrape(ask, nyc_home)
    if name == "ml_dataset_build_duration_seconds":  # no artifact of P2 says when a build began
        assert name not in found
        return
    family = found[name.removesuffix("_total")]
    assert family.type == kind
    for sample in family.samples:
        assert set(sample.labels) - {"le"} == set(labels)
    shown = {sample.labels[labels[0]] for sample in family.samples}
    assert not any(value.startswith(("models.", "features.")) for value in shown)


# What it wrote


def test_lineage_is_exported_as_events_one_a_line(ask, nyc_home, tmp_path):
    command = ROWS["What it wrote"]["logs/lineage/lineage-<day>.ndjson"]
    file = tmp_path / "lineage.ndjson"
    assert ask(command, "--home", nyc_home, FILE=file).code == 0
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len({one["run"]["facets"]["lineageBridge_event"]["id"] for one in lines})


def test_deployments_have_the_keys_of_p6(ask, nyc_home):
    command = ROWS["What it wrote"]["DeploymentHealthState"]
    found = ask(command, "--home", nyc_home, "--at", AT).json
    assert {one["status"] for one in found} <= {"healthy", "degraded", "unhealthy"}
    assert {tuple(one) for one in found} == {
        (
            "deployment_id", "model_name", "model_version", "bundle_id", "input_dataset_name",
            "input_dataset_version", "status", "evaluated_windows", "latest_window_end",
            "missing_window_count", "detail",
        )
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["dataset", "training"])
def test_its_metadata_is_read_whole(ask, nyc, tmp_path, kind):
    command = ROWS["What it wrote"][f"{kind.capitalize()}Metadata"]
    folder = nyc / "p6" / f"{kind}_metadata"
    answer = ask(command, "--home", tmp_path / "home", "--json", FILE=folder)
    assert answer.json["rejected"] == []
    assert answer.json["events"] >= len(metadata(nyc, kind))


# Settings

SETTING = {
    "DEFAULT_FRESHNESS_THRESHOLD_SECONDS": 1800.0,
    "latency_p95_ms": 500.0,
    "latency_p99_ms": 1000.0,
    "failure_rate_pct": 0.05,
    "rejection_rate_pct": 0.05,
    "expected_window_seconds": 60.0,
    "max_allowed_gap_factor": 2.0,
    "max_missing_windows": 3,
    "max_gap_minutes": 300.0,
    "max_staleness_minutes": 600.0,
}


@pytest.mark.parametrize("name", SETTING)
def test_a_threshold_is_a_setting_with_the_default_of_p6(name, tmp_path):
    _, kind, _, field = ROWS["Settings"][name].split(".")
    wanted = SETTING[name] * 2 if SETTING[name] > 1 else SETTING[name] / 2

    def policy(text):
        (tmp_path / "lineage-bridge.toml").write_text(text, encoding="utf-8")
        policies = Policies.of(load_settings({"home": tmp_path}, {}, working_folder=tmp_path))
        return policies.serving(SLOT) if kind == "serving" else policies.freshness("any")

    table = f"[policies.{kind}.default]\n{field} = {wanted}\n"
    assert getattr(policy(""), field) == SETTING[name]
    assert getattr(policy(table), field) == wanted


@pytest.mark.parametrize("name", ["P2_PARQUET_PATH", "P4_BUNDLE_PATH", "P5_BASE_DIR"])
def test_paths_are_sources(name, nyc, tmp_path):
    section, family = ROWS["Settings"][name].split(".")
    (tmp_path / "lineage-bridge.toml").write_text(f"[{section}]\n{family} = ['{nyc / family}']\n")
    config = ("--config", tmp_path / "lineage-bridge.toml", "--home", tmp_path / "home")
    (source,) = run_command("sources", "list", "--json", *config).json["sources"]
    assert (source["family"], source["path"]) == (family, str(nyc / family))


def test_the_environment_is_that_of_the_deployment(nyc_home):
    key = ROWS["Settings"]["DEFAULT_ENVIRONMENT"]
    found = run_command("health", "--home", nyc_home, "--json", "--at", AT).json["deployments"]
    assert len({one[key] for one in found}) > 1


def test_the_folder_of_events_is_the_home(nyc_home):
    assert ROWS["Settings"]["LINEAGE_LOG_DIR"] == "home"
    assert run_command("journal", "status", "--home", nyc_home).code == 0


def test_every_row_has_a_proof() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    for table, of_table in ROWS.items():
        for row in of_table:
            kind = row.removesuffix("Metadata").lower()
            is_proven = row in source or table == "Metrics" or kind in {"dataset", "training"}
            assert is_proven, f"{table}: {row}"
    assert sum(map(len, ROWS.values())) == len(PAGE.read_text(encoding="utf-8").split("\n| `")) - 1
