"""Reports of Great Expectations and Evidently: their verdicts, by their name, and no row."""

from __future__ import annotations

import json
import shutil

import pytest
from conftest import unpack


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return unpack("reports.tar.gz", tmp_path_factory.mktemp("reports"))


def inputs(lb, tmp_path):
    """What each report says of the dataset that it looked at, by file."""
    exported = tmp_path / "events.ndjson"
    lb("journal", "export", exported)
    found = {}
    for line in exported.read_text().splitlines():
        event = json.loads(line)
        event = event.get("event", event)
        run = event["run"]["facets"]
        if "lineageBridge_report" in run:
            path = run["lineageBridge_event"]["artifact"]["path"]
            found[path] = (run["lineageBridge_report"], event["inputs"])
    return found


def asserted(said):
    return {
        (one["assertion"], one.get("column"), one.get("severity"))
        for one in said["facets"]["dataQualityAssertions"]["assertions"]
        if not one["success"]
    }


def test_verdicts_of_great_expectations_are_of_the_version_in_the_file(lb, reports, tmp_path):
    result = lb("backfill", "--no-observe", reports / "gx")
    assert "names no file and no table" in " ".join(result.out.split())  # the frame in memory
    found = list(inputs(lb, tmp_path).values())
    assert {(f["passed"], f["failed"]) for f, _ in found} == {(7, 0), (5, 2)}
    (frozen,) = [read[0] for facet, read in found if facet["failed"]]
    assert asserted(frozen) == {
        ("expect_table_row_count_to_be_between", None, "error"),
        ("expect_column_values_to_not_be_null", "ft_bikes_available_lag_24h", "error"),
    }
    producer = frozen["facets"]["dataQualityAssertions"]["_producer"]
    assert producer == "https://github.com/great-expectations/great_expectations/tree/1.24.1"
    assert frozen["facets"]["version"]["datasetVersion"] == "2026-04-04T00:20:27Z"
    assert "lineageBridge_validation" not in frozen["facets"]
    shown = lb("status", "--all", "--json", "--at", "2026-04-04T07:00:00Z").out
    assert producer in shown


def old_result(secret):
    """A result as 0.18 writes it, with a row's value in each place that may have one."""
    kwargs = {"column": "email", "value_set": [secret]}
    result = {"unexpected_count": 1, "partial_unexpected_list": [secret], "observed_value": secret}
    checks = [
        {
            "success": False,
            "expectation_config": {"expectation_type": "expect_in_set", "kwargs": kwargs},
            "result": result,
            "exception_info": {"raised_exception": False},
        },
        {
            "success": False,
            "expectation_config": {"expectation_type": "expect_other", "kwargs": {}},
            "exception_info": {"raised_exception": True, "exception_traceback": secret},
        },
    ]
    meta = {
        "great_expectations_version": "0.18.22",
        "expectation_suite_name": "people",
        "validation_time": "20260512T043203.265922Z",
        "batch_spec": {"path": "data/people_20260512_040000.parquet"},
    }
    return {"success": False, "results": checks, "meta": meta, "statistics": {}}


def test_a_result_of_0_18_is_read_and_none_of_its_rows_is_told(lb, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "anything.json").write_text(json.dumps(old_result("ann@example.org")))
    lb("backfill", "--no-observe", folder)
    ((facet, read),) = inputs(lb, tmp_path).values()
    assert (facet["suite"], facet["failed"], facet["errors"]) == ("people", 1, 1)
    assert asserted(read[0]) == {("expect_in_set", "email", "error")}
    assert "ann@example.org" not in (tmp_path / "events.ndjson").read_text()


def test_bad_results_are_rejected_and_the_checks_decide(lb, reports, tmp_path):
    out = " ".join(lb("backfill", "--json", "--no-observe", reports / "bad" / "gx").out.split())
    assert "nothing was checked" in out
    assert '"field": "meta"' in out
    ((facet, _),) = inputs(lb, tmp_path).values()
    assert facet["failed"] > 0  # though the file says success


def test_a_snapshot_of_evidently_says_which_columns_drifted(lb, reports, tmp_path):
    shutil.copytree(reports / "evidently", tmp_path / "work")
    source = tmp_path / "work" / "evidently_drift_ks.json"
    document = json.loads(source.read_text())
    document["metadata"] = {
        "current": "training_dataset_20260402_005217",
        "reference": "training_dataset_20260401_003505",
    }
    document["timestamp"] = "2026-04-05 03:31:02.653995"
    source.write_text(json.dumps(document))
    result = lb("backfill", "--no-observe", tmp_path / "work")
    assert "names no dataset" in " ".join(result.out.split())  # the others
    ((facet, read),) = inputs(lb, tmp_path).values()
    drifted = {column for code, column, _ in asserted(read[0]) if code == "drift"}
    assert drifted == {"ft_availability_ratio", "ft_low_avail_freq_24h"}  # a p-value each
    versions = [one["facets"]["version"]["datasetVersion"] for one in read]
    assert versions == ["2026-04-02T00:52:17Z", "2026-04-01T00:35:05Z"]
    assert facet["tool"] == "evidently"
    assert "lineageBridge_drift" not in read[0]["facets"]


@pytest.mark.parametrize(("name", "drifted"), [("drift", 5), ("no_drift", 0)])
def test_distances_drift_from_the_threshold_on(lb, reports, tmp_path, name, drifted):
    folder = tmp_path / "work"
    folder.mkdir()
    target = folder / "training_dataset_20260402_005217.json"  # the name says which version
    shutil.copy(reports / "evidently" / f"evidently_{name}.json", target)
    lb("backfill", "--no-observe", folder)
    ((facet, read),) = inputs(lb, tmp_path).values()
    assert facet["timeIsMtime"] is True
    columns = {column for code, column, _ in asserted(read[0]) if code == "drift"}
    assert len(columns) == drifted


def test_a_report_of_0_4_says_itself_what_drifted(lb, tmp_path):
    columns = {
        name: {
            "column_name": name,
            "drift_score": 0.2,
            "drift_detected": drifted,
            "stattest_name": "Wasserstein distance (normed)",
            "stattest_threshold": 0.1,
        }
        for name, drifted in (("a", True), ("b", False))
    }
    metrics = [{"metric": "DataDriftTable", "result": {"drift_by_columns": columns}}]
    document = {"version": "0.4.40", "timestamp": "2026-04-05 03:31:02.6", "metrics": metrics}
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "shop_20260402_005217.json").write_text(json.dumps(document))
    lb("backfill", "--no-observe", folder)
    ((facet, read),) = inputs(lb, tmp_path).values()
    assert facet["toolVersion"] == "0.4.40"
    assert asserted(read[0]) == {("drift", "a", "warn")}


def test_numbers_that_are_none_are_no_finding_and_a_list_is_no_report(lb, reports, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    bad = reports / "bad" / "evidently"
    shutil.copy(bad / "nan_and_null.json", folder / "shop_20260402_005217.json")
    shutil.copy(bad / "list_at_top.json", folder)
    result = lb("backfill", "--json", "--no-observe", folder)
    assert "expected a JSON object" in result.out
    ((facet, _),) = inputs(lb, tmp_path).values()
    assert facet["errors"] == 2
