"""What P6's readers read: its keys, its words and its numbers, with findings of ours."""

from __future__ import annotations

import json

import pytest
from builders import a_foreign_event, a_journal, at
from conftest import run_command
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.times import format_time, parse_time

P6_CHECKS = [
    "file_exists",
    "valid_json",
    "dataset_name_present",
    "dataset_version_present",
    "freshness_computable",
]
AS_P6 = "[policies.freshness.default]\nwarn_seconds = 1800\nerror_seconds = 1800\n"


def check(path):
    result = run_command("check", path, "--format", "p6", "--home", path.parent / "home")
    return result, [(one["check"], one["passed"]) for one in result.json["results"]]


def test_metadata_of_p6_passes_its_five_checks_as_it_did_there(nyc):
    files = sorted((nyc / "p6" / "dataset_metadata").glob("*.json"))
    for path in files:
        result, found = check(path)
        assert result.code == 0
        assert result.json["metadata_path"] == str(path)
        assert result.json["all_passed"]
        assert found[:5] == [(name, True) for name in P6_CHECKS]
        assert {one["detail"] for one in result.json["results"]} == {""}
    assert len(files) == 14


def test_what_is_no_dataset_fails_what_it_failed_in_p6(nyc, tmp_path):
    training = next((nyc / "p6" / "training_metadata").glob("*.json"))
    result, found = check(training)
    assert result.code == 1
    assert found == [(name, n < 2) for n, name in enumerate(P6_CHECKS)]
    assert not result.json["all_passed"]
    assert all(one["detail"] for one in result.json["results"] if not one["passed"])

    result, found = check(tmp_path / "nowhere.json")
    assert (result.code, found) == (1, [("file_exists", False)])


TEXTS = st.one_of(st.just(""), st.just("x"), st.just("2026-04-07T00:00:00Z"), st.none(), st.just(3))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(
    ("dataset_name", "dataset_version", "built_at"), TEXTS)))  # fmt: skip
def test_any_metadata_fails_where_it_failed_in_p6_and_where_a_time_is_none(
    tmp_path_factory, document
):
    path = tmp_path_factory.mktemp("metadata") / "dataset.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    result, found = check(path)
    by_name = dict(found)
    for field, name in (("dataset_name", P6_CHECKS[2]), ("dataset_version", P6_CHECKS[3])):
        assert by_name[name] == bool(isinstance(document.get(field), str) and document[field])
    assert by_name["freshness_computable"] == (document.get("built_at") == "2026-04-07T00:00:00Z")
    assert result.json["all_passed"] == all(by_name.values()) == (result.code == 0)


def test_several_files_are_a_list_and_a_warning_has_not_passed(nyc, tmp_path):
    files = sorted((nyc / "p2" / "output").glob("*_20260403_002019.parquet"))
    files += sorted((nyc / "p6" / "dataset_metadata").glob("*_20260403_002019.json"))
    args = ("check", "--footer", *files, "--home", tmp_path)
    shown, written = run_command(*args, "--json"), run_command(*args, "--format", "p6")
    assert written.code == shown.code == 0
    reports = {one["metadata_path"]: one for one in written.json}
    for version in shown.json["versions"]:
        report = reports[version["name"]]
        failed = [one["check"] for one in version["checks"] if one["status"] == "failed"]
        assert [one["check"] for one in report["results"] if not one["passed"]] == failed
        assert len(report["results"]) == version["passed"] + len(failed)
        assert report["all_passed"] == (not failed)
    assert any(not one["all_passed"] for one in written.json)


def test_ages_are_those_that_p6_computed(nyc, nyc_home, tmp_path):
    settings = tmp_path / "lineage-bridge.toml"
    settings.write_text(AS_P6, encoding="utf-8")
    moment = "2026-04-07T01:20:00Z"
    found = run_command(
        *("freshness", "--all", "--format", "p6", "--at", moment),
        *("--home", nyc_home, "--config", settings),
    ).json
    said = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (nyc / "p6" / "dataset_metadata").glob("*.json")
    ]
    ages = {
        one["dataset_version"]: (parse_time(moment)[0] - parse_time(one["built_at"])[0])
        for one in said
    }
    expected = {
        version: round(age.total_seconds(), 1)
        for version, age in ages.items()
        if age.total_seconds() >= 0
    }
    assert {one["dataset_version"]: one["freshness_seconds"] for one in found} == expected
    assert {one["dataset_name"] for one in found} == {"training_dataset"}
    for one in found:
        was_fresh = one["freshness_seconds"] < 1800
        assert one["status"] == "STALE" or was_fresh  # its data may be older than its build


@pytest.fixture
def ask(tmp_path):
    """Ask of a table that was written at minute 0, and is stale after half an hour."""
    with a_journal(tmp_path / "home", [a_foreign_event(outputs=["orders"])]):
        pass

    def run(minute, *args, toml=AS_P6):
        settings = tmp_path / "lineage-bridge.toml"
        settings.write_text(toml, encoding="utf-8")
        when = ("--at", format_time(at(minute)), "--format", "p6")
        home = ("--home", tmp_path / "home", "--config", settings)
        return run_command("freshness", *args, *when, *home)

    return run


@pytest.mark.parametrize(("minute", "status"), [(29, "FRESH"), (30, "STALE"), (31, "STALE")])
def test_one_dataset_is_one_object_with_the_edge_of_p6(ask, minute, status):
    result = ask(minute, "orders")
    assert result.json == {
        "dataset_name": "orders",
        "dataset_version": "",
        "freshness_seconds": minute * 60.0,
        "status": status,
    }
    assert result.code == (status == "STALE")
    assert ask(minute).json == [result.json]


def test_what_is_late_is_stale_in_p6_and_no_error(ask):
    limits = "[policies.freshness.default]\nwarn_seconds = 1800\nerror_seconds = 1e9\n"
    result = ask(40, toml=limits)
    assert (result.json[0]["status"], result.code) == ("STALE", 0)


def test_of_what_has_no_time_p6_has_no_result(tmp_path, ask):
    with a_journal(tmp_path / "home", [a_foreign_event("use", 1, inputs=["prices"])]):
        pass
    named = AS_P6 + '[policies.freshness."prices"]\nwarn_seconds = 60\nerror_seconds = 60\n'
    result = ask(5, toml=named)
    assert [one["dataset_name"] for one in result.json] == ["orders"]
    assert "1 dataset of unknown age" in result.err


def test_deployments_are_called_as_the_service_calls_them(nyc_home):
    args = ("--at", "2026-04-07T09:00:30Z", "--home", nyc_home)
    states = {
        one["deployment_id"]: one for one in run_command("health", "--format", "p6", *args).json
    }
    assert states["dep-nyc-prod-001"] == {  # as P6 wrote it, but of the newest finding
        "deployment_id": "dep-nyc-prod-001",
        "model_name": "lightgbm_default",
        "model_version": "v1",
        "bundle_id": "/srv/nyc/mobility-serving-layer/models/lightgbm_default/v1",
        "input_dataset_name": "training_dataset_20260401_003505",
        "input_dataset_version": "2026-04-01T00:35:05+00:00",
        "status": "healthy",
        "evaluated_windows": 15,
        "latest_window_end": "2026-04-07T08:49:00Z",
        "missing_window_count": 0,
        "detail": "all checks passed",
    }
    ours = run_command("health", "--json", *args).json["deployments"]
    for one in ours:
        state = states[one["deployment"]]
        if one["status"] == state["status"]:
            assert one["reasons"] == [] or state["detail"] != "all checks passed"
        else:
            assert (one["status"], state["status"]) in {
                ("idle", "healthy"),
                ("unknown", "unhealthy"),
            }
            assert state["detail"].startswith(f"{one['status']}: ")
    assert {one["status"] for one in ours} > {"idle", "unknown"}
