"""Services in processes of their own: served, broken, and seen by the bridge."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from conftest import HANG_SECONDS

from lineage_bridge.cli.main import cli

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDERS = {"fastapi": ROOT / "integrations/fastapi", "plain": ROOT / "tests/integrations"}
APPS = {"fastapi": "app:app", "plain": "plain_service:app"}


def wait_for(process, workers):
    said = ""
    while said.count("startup complete") < workers or "http://" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return re.search(r"http://\S+", said)[0]


@contextmanager
def served(tmp_path, host, workers=1):
    """Run uvicorn; give its address, and end it by SIGTERM, as a platform does."""
    if host == "fastapi" and importlib.util.find_spec("fastapi") is None:
        pytest.skip("fastapi is not installed here")
    models = tmp_path / "models"
    shutil.copytree(FOLDERS["fastapi"] / "models", models)
    where = ["--app-dir", FOLDERS[host], "--host", "127.0.0.1", "--port", "0", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", APPS[host], *where, "--workers", str(workers)]
    places = {"CHURN_MODELS": models / "churn", "CHURN_SERVING": tmp_path / "serving"}
    known = os.environ | {name: str(path) for name, path in places.items()}
    with subprocess.Popen(command, env=known, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = wait_for(process, workers)
            with httpx.Client(base_url=url, timeout=HANG_SECONDS) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=HANG_SECONDS)


def ask(client, times, tenure=30.0):
    numbers = random.Random(1)
    answers = []
    for _ in range(times):
        features = {"tenure_months": numbers.gauss(tenure, 5), "balance": numbers.gauss(900, 50)}
        answers.append(client.post("/predict", json=features).raise_for_status().json())
    return answers


def run_cli(*arguments, codes=(0,)):
    done = CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code in codes, done.output
    return json.loads(done.output)


@pytest.mark.parametrize("host", [pytest.param("plain", marks=pytest.mark.sample), "fastapi"])
def test_a_service_that_breaks_is_seen_with_the_reason(tmp_path, host):
    with served(tmp_path, host) as client:
        good = ask(client, 60)
        broken = tmp_path / "models/churn/2"
        shutil.copytree(tmp_path / "models/churn/1", broken)
        (broken / "model.json").write_text('{"tenure_months": NaN, "balance": 0, "intercept": 0}')
        said = json.loads((broken / "model_metadata.json").read_text())
        (broken / "model_metadata.json").write_text(json.dumps(said | {"model_version": "2"}))
        client.post("/reload").raise_for_status()
        assert {answer["chance"] for answer in ask(client, 60, tenure=60.0)} == {None}
    home = tmp_path / "home"
    read = run_cli("backfill", tmp_path / "serving", "--home", home, "--json")
    assert not read["rejected"]
    (judged,) = run_cli("health", "--home", home, "--json", codes=(1,))["deployments"]
    assert (judged["deployment"], judged["status"]) == ("churn-api", "unhealthy")
    assert "prediction_non_finite_ratio" in {reason["code"] for reason in judged["reasons"]}
    assert (judged["model"]["name"], judged["model"]["version"]) == ("models.churn", "2")

    log = [tmp_path / "all.jsonl", *(tmp_path / "serving").rglob("inference_*.jsonl")]
    log[0].write_bytes(b"".join(path.read_bytes() for path in log[1:]))
    labels = tmp_path / "labels.csv"
    true = "".join(f"{answer['id']},{answer['chance'] + 0.25}\n" for answer in good)
    labels.write_text(f"request_id,label\n{true}")
    served_by = run_cli("inference", log[0], "--labels", labels, "--json")["served"]
    first, second = sorted(served_by, key=lambda one: one["version"])
    assert (first["model"], first["answered"], second["not_finite"]) == ("churn", 60, 60)
    assert first["measures"]["mean_absolute_error"]["value"] == pytest.approx(0.25)
    numbers = random.Random(2)
    table = {
        "tenure_months": [numbers.gauss(30, 5) for _ in range(500)],
        "balance": [numbers.gauss(900, 50) for _ in range(500)],
    }
    pq.write_table(pa.table(table), tmp_path / "trained_on.parquet")
    drift = run_cli("drift", tmp_path / "trained_on.parquet", log[0], "--json", codes=(1,))
    moved = {f["feature"]: f["severity"] for f in drift["features"]}
    assert moved["tenure_months"] != "none" == moved["balance"]


def test_workers_are_instances_that_lose_no_request(tmp_path):
    with served(tmp_path, "plain", workers=2) as client:
        ask(client, 40)
        for _ in range(10):  # each connection may go to another worker
            httpx.post(
                f"{str(client.base_url).rstrip('/')}/predict", json={"balance": 1}
            ).raise_for_status()
    windows = [
        json.loads(line)
        for path in (tmp_path / "serving").rglob("metrics_*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len({window["instance_id"] for window in windows}) == 2
    assert sum(window["request_count"] for window in windows) == 50
    home = tmp_path / "home"
    assert not run_cli("backfill", tmp_path / "serving", "--home", home, "--json")["rejected"]
    (judged,) = run_cli("health", "--home", home, "--json", codes=(0, 1))["deployments"]
    assert judged["totals"]["requests"] == 50
