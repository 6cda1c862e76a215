"""Load for a collector: events of 3 KB with full inputs and outputs, over kept connections."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from contract.collector_world import RUN_EVENT, dataset, run_id

JOBS = 500
COLUMNS = 8


def facet(**members: Any) -> dict[str, Any]:
    return {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/s", **members}


def loaded_event(number: int) -> dict[str, Any]:
    """The START or COMPLETE of a run; the jobs form a chain."""
    run, job = number // 2, number // 2 % JOBS
    fields = [
        {"name": f"column_{i}", "type": "VARCHAR", "description": f"the column number {i}"}
        for i in range(COLUMNS)
    ]
    shared = {
        "schema": facet(fields=fields),
        "dataSource": facet(name="store", uri="duckdb://store"),
    }
    return {
        "eventType": "COMPLETE" if number % 2 else "START",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_767_225_600 + number)),
        "run": {"runId": run_id(run), "facets": {"note": facet(text="y" * 400)}},
        "job": {
            "namespace": "jobs",
            "name": f"job.{job}",
            "facets": {"sql": facet(query="select " + "a, " * 100)},
        },
        "inputs": [dataset(f"t{job}", facets=shared)],
        "outputs": [
            dataset(
                f"t{job + 1}",
                facets={**shared, "freshness": facet(seconds=number)},
                outputFacets={"outputStatistics": facet(rowCount=number)},
            )
        ],
        "producer": "https://example.org/p",
        "schemaURL": RUN_EVENT,
    }


@dataclass(frozen=True)
class Timing:
    """How fast requests were answered; latencies in seconds, sorted."""

    per_second: float
    latencies: list[float]

    def at(self, share: float) -> float:
        return self.latencies[int(len(self.latencies) * share)]


def post_all(url: str, first: int, count: int, connections: int) -> Timing:
    """Post events, each connection one at a time; every answer must be 201."""
    requests = [
        _request(b"POST /api/v1/lineage", json.dumps(loaded_event(number)).encode())
        for number in range(first, first + count)
    ]
    return asyncio.run(_exchange(url, requests, connections, b" 201 "))


def get_many(url: str, path: str, count: int) -> Timing:
    """Ask the same again and again over one connection."""
    requests = [_request(f"GET /api/v1{path}".encode())] * count
    return asyncio.run(_exchange(url, requests, 1, b" 200 "))


def _request(head: bytes, body: bytes = b"") -> bytes:
    content = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
    return head + b" HTTP/1.1\r\nhost: x\r\n" + (content if body else b"") + b"\r\n" + body


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
            _, _, rest = head.partition(b"content-length: ")
            await reader.readexactly(int(rest.split(b"\r\n")[0]))
            latencies.append(time.perf_counter() - began)
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(work(offset) for offset in range(connections)))
    per_second = len(requests) / (time.perf_counter() - began)
    return Timing(per_second, sorted(latencies))
