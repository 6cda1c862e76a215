"""MLflow for tests: a server that answers from a database as its own does, and stores of files."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

EXPERIMENT = "410352269289941694"


class Tracking:
    """What MLflow's REST API answers, asked of a database with plain SQL; `page` at once.

    It gives the same as a real server of 3.17 for the same database (docs/mlflow.md).
    """

    def __init__(self, database: Path, *, page: int = 3) -> None:
        self.database = database
        self.page = page
        self.is_down = False
        self.asked: list[str] = []

    def answer(self, path: str, said: dict) -> dict | None:
        if path.endswith("/runs/get"):
            (row,) = self.rows("SELECT * FROM runs WHERE run_uuid = ?", said["run_id"])
            return {"run": self.run(row, is_search=False)}
        of = {
            "/experiments/search": ("experiments", self.experiments),
            "/runs/search": ("runs", self.runs),
            "/registered-models/search": ("registered_models", self.registered),
            "/model-versions/search": ("model_versions", self.versions),
        }.get(path.removeprefix("/api/2.0/mlflow"))
        if of is None:
            return None
        key, listed = of
        items = listed(said)
        begin = int(said.get("page_token", 0))
        page = {key: items[begin : begin + self.page]}
        if begin + self.page < len(items):
            page["next_page_token"] = str(begin + self.page)
        return page

    def rows(self, query: str, *args) -> list[dict]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, args)]

    def experiments(self, _: dict) -> list[dict]:
        rows = self.rows("SELECT * FROM experiments WHERE lifecycle_stage = 'active'")
        return [{"experiment_id": str(r["experiment_id"]), "name": r["name"]} for r in rows]

    def runs(self, said: dict) -> list[dict]:
        rows = self.rows("SELECT * FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time")
        asked = said["experiment_ids"]
        return [self.run(row) for row in rows if str(row["experiment_id"]) in asked]

    def run(self, row: dict, *, is_search: bool = True) -> dict:
        run_id = row["run_uuid"]
        info = {
            "run_id": run_id,
            "run_uuid": run_id,
            "experiment_id": str(row["experiment_id"]),
            "status": row["status"],
            "start_time": row["start_time"],
            "artifact_uri": row["artifact_uri"],
            "lifecycle_stage": row["lifecycle_stage"],
            "user_id": row["user_id"],
        }
        if row["end_time"] is not None:
            info["end_time"] = row["end_time"]
        of_run = "WHERE run_uuid = ?"
        metrics = self.rows(f"SELECT * FROM latest_metrics {of_run}", run_id)
        data = {
            "metrics": [
                {"key": m["key"], "value": "NaN" if m["is_nan"] else m["value"]} for m in metrics
            ],
            "params": self.rows(f"SELECT key, value FROM params {of_run}", run_id),
            "tags": self.rows(f"SELECT key, value FROM tags {of_run}", run_id),
        }
        around = self.around(run_id)
        if is_search:  # as of 3.17
            around["inputs"].pop("model_inputs")
        return {"info": info, "data": data, **around}

    def around(self, run_id: str) -> dict:
        datasets = self.rows(
            "SELECT * FROM inputs JOIN datasets ON dataset_uuid = source_id"
            " WHERE source_type = 'DATASET' AND destination_id = ?",
            run_id,
        )
        inputs = [
            {
                "dataset": {
                    "name": one["name"],
                    "digest": one["digest"],
                    "source_type": one["dataset_source_type"],
                    "source": one["dataset_source"],
                },
                "tags": self.rows(
                    "SELECT name AS key, value FROM input_tags WHERE input_uuid = ?",
                    one["input_uuid"],
                ),
            }
            for one in datasets
        ]
        models = (
            "SELECT destination_id AS model_id FROM inputs WHERE source_type = ? AND source_id = ?"
        )
        return {
            "inputs": {
                "dataset_inputs": inputs,
                "model_inputs": self.rows(models, "RUN_INPUT", run_id),
            },
            "outputs": {"model_outputs": self.rows(models, "RUN_OUTPUT", run_id)},
        }

    def tags_of(self, name: str) -> list[dict]:
        return self.rows("SELECT key, value FROM registered_model_tags WHERE name = ?", name)

    def registered(self, _: dict) -> list[dict]:
        return [
            {
                "name": row["name"],
                "creation_timestamp": row["creation_time"],
                "last_updated_timestamp": row["last_updated_time"],
                "tags": self.tags_of(row["name"]),
                "aliases": [
                    {"alias": a["alias"], "version": str(a["version"])}
                    for a in self.rows(
                        "SELECT * FROM registered_model_aliases WHERE name = ?", row["name"]
                    )
                ],
            }
            for row in self.rows("SELECT * FROM registered_models")
        ]

    def versions(self, _: dict) -> list[dict]:
        return [
            {
                "name": row["name"],
                "version": str(row["version"]),
                "creation_timestamp": row["creation_time"],
                "last_updated_timestamp": row["last_updated_time"],
                "current_stage": row["current_stage"],
                "source": row["source"],
                "run_id": row["run_id"] or "",
                "status": row["status"],
                "tags": self.tags_of(row["name"]),
            }
            for row in self.rows(
                "SELECT * FROM model_versions WHERE current_stage <> 'Deleted_Internal'"
            )
        ]


@contextmanager
def serving(tracking: Tracking) -> Iterator[str]:
    """Serve it on loopback; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.reply(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(self.path, json.loads(body))

        def reply(self, path: str, said: dict) -> None:
            tracking.asked.append(path)
            found = None if tracking.is_down else tracking.answer(path, said)
            body = json.dumps(found if found is not None else {"error_code": "X"}).encode()
            self.send_response(200 if found is not None else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def put(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def a_run(
    store: Path, run_id: str, *, status: int = 3, params=None, tags=None, metrics=None, **meta
):
    """Write a run into a store of files, as MLflow 2.x does; return its folder."""
    experiment = store / EXPERIMENT
    if not (experiment / "meta.yaml").exists():
        put(experiment / "meta.yaml", f"experiment_id: '{EXPERIMENT}'\nname: demand\n")
    run = experiment / run_id
    said = {
        "run_id": run_id,
        "experiment_id": f"'{EXPERIMENT}'",
        "status": status,
        "start_time": 1_774_000_000_000,
        "end_time": "null" if status == 1 else 1_774_000_060_000,
        "lifecycle_stage": "active",
        "artifact_uri": f"file:///srv/mlruns/{EXPERIMENT}/{run_id}/artifacts",
        **meta,
    }
    put(run / "meta.yaml", "".join(f"{k}: {v}\n" for k, v in said.items()))
    for folder, values in (("params", params), ("tags", tags), ("metrics", metrics)):
        for name, value in (values or {}).items():
            put(run / folder / name, value)
    return run


def a_version(store: Path, name: str, version: int, run_id: str, **meta) -> Path:
    """Write a version of a registered model into a store of files."""
    said = {"name": name, "creation_timestamp": 1_774_000_070_000}
    if not (store / "models" / name / "meta.yaml").exists():
        put(store / "models" / name / "meta.yaml", "".join(f"{k}: {v}\n" for k, v in said.items()))
    own = {
        **said,
        "version": version,
        "run_id": run_id,
        "source": f"runs:/{run_id}/model",
        "status": "READY",
        "current_stage": "None",
        "last_updated_timestamp": 1_774_000_080_000,
        **meta,
    }
    text = "".join(f"{k}: {v}\n" for k, v in own.items())
    return put(store / "models" / name / f"version-{version}" / "meta.yaml", text)
