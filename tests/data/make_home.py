"""Make a home as a released version writes it, with what it answers: `make_home.py BIN OUT.tar.gz`.

BIN is that version's `lineage-bridge`. A home of each released version is kept here, to be opened
by all later ones. It holds what a version can put there: a backfill of the examples with a rejected
file, events over HTTP (one refused, commands of the API), events from a pipeline, what was
forwarded and what became a dead letter, and the exporter's marks. `answers/` has what the
version said of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
FAMILIES = ("p2", "p4", "p5", "p6")
NOW = "2026-04-07T10:30:00Z"
QUESTIONS = {
    "graph": ("graph", "--json"),
    "health": ("health", "--at", NOW, "--json"),
    "freshness": ("freshness", "--at", NOW, "--json"),
    "doctor": ("doctor", "--json"),
    "dead": ("journal", "dead", "--json"),
}
PATHS = ("/api/v1/namespaces", "/api/v1/jobs?limit=200", "/api/v1/events/lineage?limit=500")
PIPELINE = """
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
client = OpenLineageClient(config={"transport": {
    "type": "lineage_bridge.transport.LineageBridgeTransport", "home": "home"}})
for minute in range(3):
    client.emit(RunEvent(
        eventType=RunState.COMPLETE, eventTime=f"2026-04-07T09:0{minute}:00Z",
        run=Run(runId=f"00000000-0000-4000-8000-00000000000{minute}"),
        job=Job("pipelines", f"step{minute}"), inputs=[], outputs=[], producer="https://pipeline"))
"""


class Refusing(BaseHTTPRequestHandler):
    """A Marquez that takes everything but what a pipeline sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(422 if b'"pipelines"' in body else 201)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def posted(namespace: str, name: str) -> bytes:
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-04-07T09:30:00Z",
        "run": {"runId": "11111111-0000-4000-8000-000000000000"},
        "job": {"namespace": namespace, "name": name},
        "inputs": [{"namespace": "warehouse", "name": "orders"}],
        "outputs": [{"namespace": "warehouse", "name": "totals"}],
        "producer": "https://example.org/p",
        "schemaURL": "https://example.org/s",
    }
    return json.dumps(event).encode()


def request(url: str, method: str = "GET", body: bytes | None = None) -> bytes:
    sent = urllib.request.Request(url, data=body, method=method)
    sent.add_header("content-type", "application/json")
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(sent) as answer:
        return answer.read()
    return b""


@contextlib.contextmanager
def up(binary: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The version's own server, with its URL and its metrics' URL."""
    command = [binary, "up", "--port", "0", "--exporter-port", "0", "--home", "home"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        urls = {}
        for line in process.stdout:
            name, _, url = line.partition(":")
            urls[name] = url.strip()
            if name == "Metrics":
                break
        yield urls["Collector"].removesuffix("/api/v1/lineage"), urls["Metrics"]
        process.terminate()


def fill(binary: str, folder: Path) -> None:
    def run(*args: str, **environment: str) -> None:
        subprocess.run(
            [binary, *args, "--home", "home"],
            cwd=folder,
            env={**os.environ, **environment},
            check=False,  # a rejected file and a dead letter are exit 1
        )

    shutil.copytree(EXAMPLES, folder / "artifacts")
    bad = folder / "bad" / "models" / "m" / "v1"
    bad.mkdir(parents=True)
    (bad / "model_metadata.json").write_text("{")
    run(
        "backfill",
        "--namespace",
        "city",
        *(f"--{f}=artifacts/{f}" for f in FAMILIES),
        "--p5=bad",
    )
    python = str(Path(binary).with_name("python"))
    subprocess.run([python, "-c", PIPELINE], cwd=folder, check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run("journal", "forward", MARQUEZ_URL=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    with up(binary, folder) as (url, metrics):
        request(f"{url}/api/v1/lineage", "POST", posted("airflow", "daily"))
        request(f"{url}/api/v1/lineage", "POST", posted("", "poison"))
        request(f"{url}/api/v1/tags/GOLD", "PUT", b'{"description": "of the first sort"}')
        request(metrics)


def ask(binary: str, folder: Path, answers: Path) -> None:
    answers.mkdir()
    with up(binary, folder) as (url, _):
        pages = {path: json.loads(request(f"{url}{path}")) for path in PATHS}
    (answers / "http.json").write_text(json.dumps(pages, indent=1))
    for name, question in QUESTIONS.items():
        command = [binary, *question, "--home", "home"]
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        (answers / f"{name}.json").write_text(told.stdout)


if __name__ == "__main__":
    chosen, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        fill(str(Path(chosen).absolute()), place)
        ask(str(Path(chosen).absolute()), place, place / "answers")
        with tarfile.open(out, "w:gz") as archive:
            for name in ("home", "answers"):
                archive.add(place / name, name)
