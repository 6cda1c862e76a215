"""What training records say of themselves, checked after a backfill and told of the models."""

from __future__ import annotations

import json
import shutil

import pytest
from conftest import run_command

from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.journal import Journal

pytestmark = pytest.mark.slow  # `make test` runs the samples


def told(home):
    """The findings on models in the order in which they came, each with its model version."""
    with Journal(home, readonly=True) as journal:
        events = [json.loads(stored.body) for stored in journal.read(limit=10_000)]
    for event in events:
        if event["job"]["name"].startswith("observe.models."):
            (read,) = event["inputs"]
            version = read["facets"]["version"]["datasetVersion"]
            yield f"{read['name']}@{version}", read, event


def findings(home):
    return {model: read["facets"][ValidationFacet.key] for model, read, _ in told(home)}


def failed(facet):
    return {one["code"] for one in facet["checks"] if one["status"] == "failed"}


@pytest.fixture
def bundle(tmp_path):
    """Write a bundle of a training; what is given as None is left out."""

    def write(name="alpha", metrics=None, **members):
        folder = tmp_path / "p4" / f"run-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            "run_id": f"run-{name}",
            "candidate_name": name,
            "model_version": "v1",
            "created_at": "2026-04-01T02:00:00Z",
            "started_at": "2026-04-01T01:00:00Z",
            "completed_at": "2026-04-01T02:00:00Z",
            "input_dataset_name": "training_dataset_20260401_003505",
            "input_dataset_version": "2026-04-01T00:35:05Z",
        } | members
        said = {key: value for key, value in said.items() if value is not None}
        (folder / "metadata.json").write_text(json.dumps(said))
        if metrics is not None:
            (folder / "metrics.json").write_text(json.dumps(metrics))
        return tmp_path / "p4"

    return write


@pytest.mark.sample
def test_the_trainings_of_the_city_are_well_but_for_what_they_leave_out(nyc, lb, tmp_path):
    lb("backfill", "--p2", nyc / "p2", "--p4", nyc / "p4")
    found = findings(tmp_path / "home")
    wrong = {model: failed(facet) for model, facet in found.items() if failed(facet)}
    assert wrong.pop("models.lightgbm_small@v0") == {"training_dataset_seen"}  # it was deleted
    assert set(map(frozenset, wrong.values())) == {frozenset({"training_dataset"})}
    assert len(wrong) == 3  # of the older form, which names no dataset
    assert len(found) > 15


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"metrics": {"rmse": 0.0, "mae": 0.0}}, "training_perfect"),
        ({"metrics": {}}, "training_metrics"),
        ({"metrics": None}, "training_metrics"),
        ({"metrics": {"rmse": float("nan"), "mae": 0.2}}, "training_metrics_finite"),
        ({"completed_at": "2026-04-01T00:50:00Z"}, "training_times"),
        ({"started_at": "2026-03-31T00:00:00Z"}, "training_after_build"),
        ({"input_dataset_name": None, "input_dataset_version": None}, "training_dataset"),
        ({"input_dataset_version": "2026-05-01T00:00:00Z",
          "input_dataset_name": "training_dataset_20260501_000000"}, "training_dataset_seen"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_record_is_found(changed, code, nyc, lb, tmp_path, bundle):
    folder = bundle(**({"metrics": {"rmse": 0.3}} | changed))
    assert lb("backfill", "--json", "--p2", nyc / "p2", "--p4", folder).code == 0
    result = lb("check", "--json", "models.alpha")
    (version,) = result.json["versions"]
    found = {
        one["check"]: one["severity"] for one in version["checks"] if one["status"] == "failed"
    }
    assert set(found) == {code}
    assert result.code == (found[code] == "error")
    (read,) = [read for model, read, _ in told(tmp_path / "home") if model == "models.alpha@v1"]
    assertions = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {one["assertion"] for one in assertions if not one["success"]} == {code}


def test_a_build_that_turns_up_later_mends_what_was_said(nyc, lb, tmp_path, bundle):
    folder, home = bundle(metrics={"rmse": 0.3}), tmp_path / "home"
    lb("backfill", "--p4", folder)
    assert failed(findings(home)["models.alpha@v1"]) == {"training_dataset_seen"}
    done = lb("backfill", "--json", "--p2", nyc / "p2" / "output").json
    assert done["observed"]["events"]["validation"] > 0
    assert failed(findings(home)["models.alpha@v1"]) == set()
    assert len([model for model, *_ in told(home) if model == "models.alpha@v1"]) == 2
    again = lb("backfill", "--json", folder, nyc / "p2" / "output").json
    assert again["observed"]["events"] == {}
    run_command("backfill", "--home", tmp_path / "other", folder, nyc / "p2" / "output")
    assert findings(tmp_path / "other") == {
        model: facet for model, facet in findings(home).items() if "alpha" in model
    }


@pytest.mark.sample
def test_a_training_is_judged_where_its_artifacts_are_gone(nyc, lb, tmp_path, bundle):
    folder = bundle(metrics={"rmse": 0.0})
    lb("backfill", "--no-observe", "--p4", folder)
    shutil.rmtree(folder)
    folder.mkdir()
    lb("backfill", "--p4", folder)
    assert "training_perfect" in failed(findings(tmp_path / "home")["models.alpha@v1"])


@pytest.mark.sample
def test_the_settings_say_what_is_expected_of_a_model(lb, tmp_path, bundle):
    folder = bundle(metrics={})
    (tmp_path / "lineage-bridge.toml").write_text(
        '[checks."models.*".severity]\ntraining_metrics = "error"\ntraining_dataset_seen = "off"\n'
    )
    lb("backfill", "--p4", folder)
    result = lb("check", "models.alpha", "--json")
    (version,) = result.json["versions"]
    assert (result.code, version["status"]) == (1, "error")
    assert version["failed"] == {"error": 1, "warn": 0}


# P6's checks of any metadata, which is that of no dataset here.
AS_A_DATASET = {"dataset_name_present", "dataset_version_present", "freshness_computable"}


@pytest.mark.sample
@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({}, set()),
        ({"metrics": {"rmse": 0}}, {"training_perfect"}),
        ({"metrics": "low"}, {"readable", "training_metrics"}),
        ({"completed_at": "2026-04-01T00:50:00Z"}, {"training_times"}),
        ({"input_dataset_name": None, "input_dataset_version": None}, {"training_dataset"}),
    ],
)
def test_a_record_is_checked_as_a_file_by_what_it_says_alone(changed, failed, lb, bundle):
    folder = bundle(**({"metrics": {"rmse": 0.3}} | changed))
    result = lb("check", "--json", folder / "run-alpha" / "metadata.json")
    (version,) = result.json["versions"]
    found = {one["check"]: one["status"] for one in version["checks"]}
    wrong = {code for code, status in found.items() if status == "failed"}
    assert wrong == failed | AS_A_DATASET
    assert found["training_dataset_seen"] == "skipped"  # a file knows of no other


@pytest.mark.sample
def test_the_record_of_another_family_and_what_is_no_record_at_all(nyc, lb, tmp_path):
    training = nyc / "p6" / "training_metadata" / "2260c092895b449096ef4d219f18dcc3.json"
    (version,) = lb("check", "--json", training).json["versions"]
    found = {one["check"]: one["status"] for one in version["checks"]}
    assert {code for code, status in found.items() if status == "failed"} == AS_A_DATASET
    assert found["training_times"] == "passed"
    (tmp_path / "metadata.json").write_text('{"run_id": 1, "candidate_name": "x"}')
    result = lb("check", "--json", tmp_path / "metadata.json")  # judged as any metadata
    assert result.code == 1
    assert "training_times" not in {c["check"] for c in result.json["versions"][0]["checks"]}
