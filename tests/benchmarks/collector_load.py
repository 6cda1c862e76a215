"""Load for a collector: events of 3 KB with full inputs and outputs, over kept connections.

The jobs are laid out in rows: each reads two datasets of its row and writes one of the next, so
that all hang together, and the graph around a job grows with the depth that is asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from contract.collector_world import RUN_EVENT, dataset, run_id

from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.events import Event, event_time
from lineage_bridge.journal import Journal, catch_up

JOBS = 500
ROW = 12
COLUMNS = 8
FILL_GROUP = 500
PROCESS = Path(__file__).parents[1] / "durability" / "collector_process.py"


def facet(**members: Any) -> dict[str, Any]:
    return {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/s", **members}


def columns() -> dict[str, Any]:
    fields = [
        {"name": f"column_{i}", "type": "VARCHAR", "description": f"the column number {i}"}
        for i in range(COLUMNS)
    ]
    return {
        "schema": facet(fields=fields),
        "dataSource": facet(name="store", uri="duckdb://store"),
    }


def loaded_event(number: int, jobs: int = JOBS) -> dict[str, Any]:
    """The START or COMPLETE of a run of one of so many jobs, in turn."""
    run, job = number // 2, number // 2 % jobs
    row, place = divmod(job, ROW)
    beside = row * ROW + (place + 1) % ROW
    return run_event(
        number,
        "COMPLETE" if number % 2 else "START",
        run,
        f"job.{job}",
        inputs=[dataset(f"t{job}", facets=columns()), dataset(f"t{beside}")],
        output=f"t{job + ROW}",
    )


def run_event(
    number: int, kind: str, run: int, job: str, *, inputs: list[dict[str, Any]], output: str
) -> dict[str, Any]:
    written = dataset(
        output,
        facets={**columns(), "freshness": facet(seconds=number)},
        outputFacets={"outputStatistics": facet(rowCount=number)},
    )
    return {
        "eventType": kind,
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_767_225_600 + number)),
        "run": {"runId": run_id(run), "facets": {"note": facet(text="y" * 300)}},
        "job": {
            "namespace": "jobs",
            "name": job,
            "facets": {"sql": facet(query="select " + "a, " * 100)},
        },
        "inputs": inputs,
        "outputs": [written],
        "producer": "https://example.org/p",
        "schemaURL": RUN_EVENT,
    }


def fill(home: Path, events: int, jobs: int) -> None:
    """Put events into the journal of a home, and into the collector's tables, without HTTP."""
    model = CollectorModel()
    with Journal(home) as journal:
        catch_up(journal, model)
        for first in range(0, events, FILL_GROUP):
            numbers = range(first, min(first + FILL_GROUP, events))
            journal.append((_stored(loaded_event(number, jobs)) for number in numbers), "http")
            catch_up(journal, model)


def _stored(event: dict[str, Any]) -> Event:
    return Event(json.dumps(event).encode(), "run", event_time.parse_micros(event["eventTime"]))


@dataclass(frozen=True)
class Timing:
    """How fast requests were answered; latencies in seconds, sorted."""

    per_second: float
    latencies: list[float]

    def at(self, share: float) -> float:
        return self.latencies[int(len(self.latencies) * share)]


class Collector:
    """A collector in a process of its own, with fsync; the caller is its only client.

    Attributes:
        url: where it listens.
        started: seconds from the start of the process to the first answer.
    """

    def __init__(self, home: Path) -> None:
        began = time.perf_counter()
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, str(PROCESS), str(home)], stdin=pipe, stdout=pipe, text=True
        )
        self.url = self._process.stdout.readline().strip()
        get_many(self.url, "/namespaces", 1)
        self.started = time.perf_counter() - began

    def cpu(self) -> float:
        """Seconds of CPU, of all its threads, until now."""
        after_name = self._of_process("stat").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """The most that was resident until now, in MB."""
        lines = self._of_process("status").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024

    def _of_process(self, file: str) -> str:
        return Path(f"/proc/{self._process.pid}/{file}").read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()


def post_all(url: str, events: Iterable[dict[str, Any]], connections: int) -> Timing:
    """Post events, each connection one at a time; every answer must be 201."""
    requests = [_request(b"POST /api/v1/lineage", json.dumps(event).encode()) for event in events]
    return asyncio.run(_exchange(url, requests, connections, b" 201 "))


def post_loaded(
    collector: Collector, first: int, count: int, connections: int, jobs: int = JOBS
) -> Timing:
    """Post loaded events, and print how fast they were taken and what CPU each took."""
    before = collector.cpu()
    events = [loaded_event(number, jobs) for number in range(first, first + count)]
    timing = post_all(collector.url, events, connections)
    micros = (collector.cpu() - before) / count * 1e6
    print(
        f"{connections:2} connections: {timing.per_second:5.0f} events/s,"
        f" p99 {timing.at(0.99) * 1e3:5.1f} ms, {micros:4.0f} µs of CPU each"
    )
    return timing


def ask_all(collector: Collector, reads: Mapping[str, str], count: int = 100) -> dict[str, Timing]:
    """Ask everything so many times, and print how long it took."""
    timings = {}
    for name, path in reads.items():
        timings[name] = get_many(collector.url, path, count)
        median, p95 = timings[name].at(0.5) * 1e3, timings[name].at(0.95) * 1e3
        print(f"{name:24} median {median:6.1f} ms, p95 {p95:6.1f} ms")
    return timings


def get_many(url: str, path: str, count: int) -> Timing:
    """Ask the same again and again over one connection."""
    requests = [_request(f"GET /api/v1{path}".encode())] * count
    return asyncio.run(_exchange(url, requests, 1, b" 200 "))


def _request(head: bytes, body: bytes = b"") -> bytes:
    content = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
    return head + b" HTTP/1.1\r\nhost: localhost\r\n" + (content if body else b"") + b"\r\n" + body


async def _exchange(url: str, requests: list[bytes], connections: int, wanted: bytes) -> Timing:
    parts = urlsplit(url)
    latencies: list[float] = []

    async def work(offset: int) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for request in requests[offset::connections]:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert wanted in head, head
            await _read_body(reader, head)
            latencies.append(time.perf_counter() - began)
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(work(offset) for offset in range(connections)))
    per_second = len(requests) / (time.perf_counter() - began)
    return Timing(per_second, sorted(latencies))


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    """Read what follows a head: as much as it says, or chunks up to an empty one."""
    _, said, rest = head.partition(b"content-length: ")
    if said:
        await reader.readexactly(int(rest.split(b"\r\n")[0]))
        return
    size = 1
    while size:
        size = int(await reader.readuntil(b"\r\n"), 16)
        await reader.readexactly(size + 2)
