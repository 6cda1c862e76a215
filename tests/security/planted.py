"""Artifacts whose every word may hold a secret, and does: a login, a token, a driver's options.

`SECRETS` are all that were planted; none of them is a word of anything else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from windows import a_record, file_of

SECRETS: set[str] = set()


def secret(place: str) -> str:
    """A secret of a place, unlike those of all others."""
    made = f"hunter2{place}"
    SECRETS.add(made)
    return made


def login(place: str) -> str:
    return f"postgresql+psycopg2://svc:{secret(place)}@db.example.com:5432/mobility"


def long_login(place: str) -> str:
    """A login that is cut off before its end where a value is shown in an error."""
    return f"postgresql://svc:{secret(place)}{'x' * 100}@db.example.com/mobility"


def token(place: str) -> str:
    return f"https://store.example.com/models/7?version=3&X-Amz-Signature={secret(place)}&part=1"


def options(place: str) -> str:
    return f"jdbc:sqlserver://db:1433;databaseName=m;user=svc;password={{{secret(place)}}};a=b"


def plant(root: Path) -> None:
    """Write artifacts of all families below a folder, good ones and bad ones."""
    _datasets(root / "p2")
    _bundles(root / "p4")
    _serving(root / "p5")
    _monitoring(root / "p6")


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def _datasets(root: Path) -> None:
    root.mkdir(parents=True)
    for number, database in enumerate((login("P2db"), options("P2driver"), token("P2url"))):
        _dataset(root / f"set_2026040{number + 1}_100000.parquet", upstream_db_path=database)
    _dataset(root / "bad_20260405_100000.parquet", build_timestamp=long_login("P2bad"))
    logistic = {
        "metrics": {"auc": 0.9},
        "hyperparams": {
            "C": 1.0,
            "mlflow_api_key": secret("P2param"),
            "tracking_uri": login("P2tracking"),
            "client": {"password": secret("P2nested")},
            "command": f"train.py --access-token {secret('P2command')} --rows 3",
        },
    }
    metrics = {"run_timestamp": "20260404_110000", "input_parquet": token("P2input")}
    _write(root / "metrics_20260404_110000.json", {**metrics, "logistic": logistic})
    _write(root / "metrics_bad.json", {**metrics, "run_timestamp": login("P2stamp")})


def _dataset(path: Path, **said: str) -> None:
    stamp = path.stem.partition("_")[2]
    metadata = {"upstream_db_path": "/data/m.duckdb", "build_timestamp": stamp, **said}
    table = pa.table({"ft_a": [1.0], "station_id": [1]})
    pq.write_table(table.replace_schema_metadata(metadata), path)


def _bundles(root: Path) -> None:
    metadata = {"run_id": "r1", "candidate_name": "risk", "created_at": "2026-04-05T10:00:00Z"}
    for name, said in {
        "r1": {"input_dataset_name": login("P4dataset"), "model_version": token("P4version")},
        "r2": {"model_type": options("P4type")},
        "r3": {"created_at": login("P4time")},
        "r4": {"candidate_name": [login("P4list")]},
        "r5": {"created_at": long_login("P4long")},
    }.items():
        _write(root / name / "metadata.json", {**metadata, "run_id": name, **said})
        _write(root / name / "model_uri.txt", token(f"P4uri{name}"))
        _write(root / name / "metrics.json", {"auc": 0.9})
    _write(root / "r2" / "metrics.json", {"api_token": secret("P4metric"), "auc": 0.9})
    _write(root / "r1" / "metrics.json", {"auc": f"see {login('P4auc')}"})


def _serving(root: Path) -> None:
    event = {
        "schema_version": "v1",
        "event_type": "serving_deployment_activated",
        "event_time": "2026-04-06T10:00:00Z",
        "service_name": "svc",
        "service_version": token("P5version"),
        "environment": "production",
        "deployment_id": "dep",
        "instance_id": login("P5instance"),
        "model_name": "m",
        "model_version": "v1",
        "bundle_id": options("P5bundle"),
        "bundle_uri": token("P5uri"),
        "bundle_created_at": "2026-04-05T10:00:00Z",
        "input_dataset_name": login("P5dataset"),
        "input_dataset_version": "20260401_100000",
        "started_at": "2026-04-05T09:00:00Z",
        "completed_at": "2026-04-05T10:00:00Z",
        "activation_reason": f"PGPASSWORD={secret('P5reason')} deploy.sh",
        "traffic_status": "live",
    }
    lines = [
        event,
        event | {"event_time": login("P5time")},
        event | {"model_name": login("P5name")},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    _write(root / "events" / "2026-04-06" / "deployment_events.jsonl", text)
    published = {"model_version": "v1", "run_id": login("P5run"), "trained_at": login("P5trained")}
    _write(root / "models" / "m" / "v1" / "model_metadata.json", published)
    _write(root / "models" / "m" / "v2" / "model_metadata.json", {**published, "trained_at": None})
    windows = [
        a_record(1),
        a_record(2, model_name=login("P5window"), endpoint_name=token("P5endpoint")),
        a_record(3, window_end=long_login("P5end")),
        a_record(4, request_count=long_login("P5count")),
        a_record(5, schema_version=token("P5schema")),
    ]
    file_of(root, 0).write_text("".join(json.dumps(window) + "\n" for window in windows))


def _monitoring(root: Path) -> None:
    dataset = {
        "dataset_name": "set",
        "dataset_version": "20260407_100000",
        "path": login("P6path"),
        "target": options("P6target"),
    }
    training = {
        "run_id": login("P6run"),
        "model_name": "risk",
        "completed_at": "2026-04-07T10:00:00Z",
        "artifact_path": token("P6artifact"),
    }
    _write(root / "dataset.json", dataset)
    _write(root / "training.json", training)
    _write(root / "bad.json", {**training, "completed_at": token("P6time")})
