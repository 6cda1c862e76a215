"""A collector in this process, over a journal of its own, and events to send to it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conformance.replaying import Answer, ask_app

from lineage_bridge.collector.server import CollectorConfig, CollectorSite
from lineage_bridge.http import HttpConfig
from lineage_bridge.journal import Journal

RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
JSON = {"Content-Type": "application/json"}


class World:
    """The collector, its journal, and a client that asks it."""

    def __init__(
        self,
        home: Path,
        config: CollectorConfig | None,
        http: HttpConfig | None,
        runner: asyncio.Runner,
    ) -> None:
        self.journal = Journal(home)
        self.app = CollectorSite(self.journal, config, http)
        self.ask = ask_app(self.app, runner)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", f"/api/v1{path}", {}, b"")
        assert answer.status == 200, answer
        return answer.body

    def post(self, body: Mapping[str, Any] | bytes, **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", "/api/v1/lineage", {**JSON, **headers}, content)

    def send(self, *events: Mapping[str, Any]) -> None:
        for sent in events:
            assert self.post(sent).status == 201


@contextmanager
def world(
    home: Path, config: CollectorConfig | None = None, http: HttpConfig | None = None
) -> Iterator[World]:
    with asyncio.Runner() as runner:
        found = World(home, config, http, runner)
        try:
            yield found
        finally:
            found.app.close()
            found.journal.close()


def run_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def dataset(name: str, namespace: str = "db", **members: Any) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, **members}


def event(
    kind: str | None,
    time: str,
    *,
    run: int = 1,
    job: str = "etl",
    inputs: Any = (),
    outputs: Any = (),
    **members: Any,
) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": f"2026-01-05T{time}Z",
        "run": {"runId": run_id(run)},
        "job": {"namespace": "jobs", "name": job},
        "inputs": [dataset(name) for name in inputs],
        "outputs": [dataset(name) for name in outputs],
        "producer": "tests",
        "schemaURL": RUN_EVENT,
        **members,
    }


def orders(events: list[dict[str, Any]]) -> list[tuple[dict[str, Any], ...]]:
    return list(itertools.permutations(events))
