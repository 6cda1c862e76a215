"""What `--json` prints is valid by the published schemas."""

from __future__ import annotations

import json
from pathlib import Path

import odd_tables
import pyarrow.parquet as pq
import pytest
from cases import others_slow
from conftest import run_command
from inference_logs import nested, request, write_lines
from jsonschema import Draft202012Validator, FormatChecker

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
AT = ("--at", "2026-04-07T10:30:00Z")


def validate(name: str, document: object) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("health", ["health", *AT]),
        ("health", ["health", "--at", "2026-04-01T02:10:00Z"]),
        ("freshness", ["freshness", "--all", *AT]),
        ("doctor", ["doctor"]),
        ("changes", ["changes", "--since", "2026-04-01", *AT]),
        ("graph", ["graph", *AT]),
        ("blame", ["blame", "dep-nyc-prod-errors", *AT]),
        ("blame", ["blame", "features.mobility.training_dataset", *AT]),
        ("impact", ["impact", "features.mobility.training_dataset", *AT]),
    ],
)
def test_a_shape_is_as_published(nyc_home, name, args):
    validate(name, run_command(*args, "--home", nyc_home, "--json").json)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("p6-health", ["health", *AT]),
        ("p6-freshness", ["freshness", "--all", *AT]),
        ("p6-freshness", ["freshness", "features.mobility.training_dataset", *AT]),
        ("p6-check", ["check", "gone.json", "nowhere.json"]),
        ("p6-check", ["check", "nowhere.json"]),
    ],
)
def test_a_shape_of_p6_is_as_published(nyc_home, name, args):
    shown = run_command(*args, "--home", nyc_home, "--format", "p6").json
    assert shown
    validate(name, shown)


@pytest.mark.slow
def test_what_a_backfill_prints_is_as_published(bad, lb):
    validate("backfill", lb("backfill", "--json", bad).json)
    validate("doctor", lb("doctor", "--json").json)
    validate("health", lb("health", "--json").json)


def test_what_profile_prints_of_odd_files_is_as_published(lb, tmp_path):
    for name, table in odd_tables.SMALL.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    shown = lb("profile", "--json", *sorted(tmp_path.glob("*.parquet"))).json
    validate("profile", shown)
    assert len(shown["profiles"]) == len(odd_tables.SMALL)


@pytest.mark.slow
def test_what_check_prints_of_odd_and_bad_files_is_as_published(bad, lb, tmp_path):
    for name, table in odd_tables.SMALL.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    files = [*tmp_path.glob("*.parquet"), *bad.rglob("p2_*.parquet"), tmp_path / "missing"]
    validate("check", shown := lb("check", "--json", *files).json)
    assert len(shown["versions"]) == len(files)
    for version in shown["versions"]:
        listed = [one["check"] for one in version["checks"]]
        assert listed == [one["check"] for one in shown["versions"][0]["checks"]]
        assert all(one.get("reason") for one in version["checks"] if one["status"] == "skipped")


def test_what_inference_prints_is_as_published(lb, tmp_path):
    rows = [nested(request(1)), nested(request(2)) | {"run_id": "r", "prediction": None}, []]
    logs = [write_lines(tmp_path / "log.jsonl", rows), tmp_path / "missing"]
    shown = lb("inference", "--json", *logs).json
    validate("inference", shown)
    assert len(shown["files"]) == 1


@pytest.mark.parametrize("truth", [0, "no", 2.5, None])
def test_what_inference_prints_of_deployments_is_as_published(truth, lb, tmp_path):
    rows = [
        nested(request(n)) | {"environment": "prod", "service": "s", "label": truth}
        for n in range(9)
    ]
    write_lines(tmp_path / "log.jsonl", rows)
    settings = '[inference_logs."*"]\ngroup = "features.country"\n'
    (tmp_path / "lineage-bridge.toml").write_text(settings)
    lb("backfill", "--logs", tmp_path / "log.jsonl")
    shown = lb("inference", "--json").json
    validate("deployment-inference", shown)
    if truth is not None:
        assert shown["deployments"][0]["fairness"]["status"] == "insufficient_data"
    assert [one["rows"] for one in shown["deployments"][0]["findings"]] == [9]


@pytest.mark.parametrize(
    ("answer", "truth", "kind"),
    [(0, 1, "binary"), ("cat", "dog", "category"), (2.5, 7.25, "number"), ("cat", 1, "unlike")],
)
def test_measures_of_each_kind_of_target_are_as_published(answer, truth, kind, lb, tmp_path):
    row = nested(request(1)) | {"prediction": answer, "label": truth}
    shown = lb("inference", "--json", write_lines(tmp_path / "log.jsonl", [row])).json
    validate("inference", shown)
    assert shown["served"][0]["measures"]["kind"] == kind


@pytest.mark.parametrize("kind", others_slow(sorted(odd_tables.SMALL), fast=6))
def test_what_drift_prints_of_odd_files_is_as_published(kind, lb, tmp_path):
    odd, even = tmp_path / "odd.parquet", tmp_path / "even.parquet"
    pq.write_table(odd_tables.SMALL[kind], odd)
    pq.write_table(odd_tables.numbers(), even)
    validate("drift", lb("drift", "--json", even, odd).json)
    validate("drift", lb("drift", "--json", odd, even).json)
