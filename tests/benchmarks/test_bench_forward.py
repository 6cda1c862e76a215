"""What forwarding costs beside posting the same events: `pytest tests/benchmarks -m bench -s`.

Both send to a collector in a process of its own over four connections, with the same HTTP client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from benchmarks.collector_load import Collector, loaded_event

from lineage_bridge.events import Event, event_time
from lineage_bridge.journal import Journal
from lineage_bridge.share.forward import Forwarder

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

EVENTS = 2_000
CONNECTIONS = 4
TURNS = 3
JOBS = 500


def a_home(folder, events: Iterable[dict]):
    with Journal(folder) as journal:
        journal.append(
            [
                Event(json.dumps(e).encode(), "run", event_time.parse_micros(e["eventTime"]))
                for e in events
            ],
            "artifact",
        )
    return folder


def post_directly(url, events):
    bodies = [json.dumps(event).encode() for event in events]
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=url) as client, ThreadPoolExecutor(CONNECTIONS) as pool:

        def post(body):
            return client.post("/api/v1/lineage", content=body, headers=headers).status_code

        assert set(pool.map(post, bodies)) == {201}


def forward(url, home):
    with Journal(home) as journal:
        assert Forwarder(journal, url, connections=CONNECTIONS).run().sent == EVENTS


def test_forwarding_beside_posting(tmp_path):
    events = [loaded_event(number, JOBS) for number in range(EVENTS)]
    print()
    for turn in range(TURNS):
        took = {}
        home = a_home(tmp_path / f"home{turn}", events)
        for name, send, what in (("posted", post_directly, events), ("forwarded", forward, home)):
            target = tmp_path / f"{name}{turn}"
            with Collector(target, ["collector"]) as collector:
                began, cpu = time.perf_counter(), time.process_time()
                send(collector.url, what)
                took[name] = time.perf_counter() - began
                cpu = (time.process_time() - cpu) / EVENTS * 1e6
            print(f"{name:9} {EVENTS / took[name]:5.0f} events/s, {cpu:4.0f} µs of CPU each")
        assert took["forwarded"] < 3 * took["posted"]
