"""Events for `contention.py`, and HTTP as cheap as it gets: bytes over asyncio's streams.

The events are those of `collector_load.py`, made without the project: they must be the same
whatever is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

JOBS = 500
ROW = 12
COLUMNS = 8
GIANT_OUTPUTS = 90
GIANT_FIELDS = 9_000
CHUNK = 256 * 1024
PATIENCE_SECONDS = 120.0
RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
LINEAGE = "POST /api/v1/lineage"


def run_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def facet(**members: Any) -> dict[str, Any]:
    return {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/s", **members}


def dataset(name: str, **members: Any) -> dict[str, Any]:
    return {"namespace": "db", "name": name, **members}


def job_of(run: int) -> str:
    return f"job.{run % JOBS}"


def columns() -> dict[str, Any]:
    fields = [
        {"name": f"column_{i}", "type": "VARCHAR", "description": f"the column number {i}"}
        for i in range(COLUMNS)
    ]
    return {
        "schema": facet(fields=fields),
        "dataSource": facet(name="store", uri="duckdb://store"),
    }


def loaded_event(run: int, kind: str, at: float) -> dict[str, Any]:
    """The START or COMPLETE of a run of one of 500 jobs that hang together, about 3 KB."""
    row, place = divmod(run % JOBS, ROW)
    beside = row * ROW + (place + 1) % ROW
    written = dataset(
        f"t{run % JOBS + ROW}",
        facets={**columns(), "freshness": facet(seconds=run)},
        outputFacets={"outputStatistics": facet(rowCount=run)},
    )
    return run_event(
        run,
        kind,
        at,
        {
            "namespace": "jobs",
            "name": job_of(run),
            "facets": {"sql": facet(query="select " + "a, " * 100)},
        },
        inputs=[dataset(f"t{run % JOBS}", facets=columns()), dataset(f"t{beside}")],
        outputs=[written],
    )


def run_event(
    run: int, kind: str, at: float, job: dict[str, Any], *, inputs: list[Any], outputs: list[Any]
) -> dict[str, Any]:
    seconds, micros = divmod(int(at * 1e6), 1_000_000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return {
        "eventType": kind,
        "eventTime": f"{moment}.{micros:06d}Z",
        "run": {"runId": run_id(run), "facets": {"note": facet(text="y" * 300)}},
        "job": job,
        "inputs": inputs,
        "outputs": outputs,
        "producer": "https://example.org/p",
        "schemaURL": RUN_EVENT,
    }


def giant_output(number: int) -> str:
    return f"giant.{number}.out.{GIANT_OUTPUTS - 1}"


def giant_body(number: int, run: int) -> bytes:
    """A legal event of 14 MiB: 90 outputs of 9,000 columns each."""
    fields = [{"name": f"c{i:05d}"} for i in range(GIANT_FIELDS)]
    outputs = [
        dataset(f"giant.{number}.out.{i}", facets={"schema": facet(fields=fields)})
        for i in range(GIANT_OUTPUTS)
    ]
    job = {"namespace": "giants", "name": f"giant.{number}"}
    event = run_event(run, "COMPLETE", time.time(), job, inputs=[], outputs=outputs)
    return json.dumps(event, separators=(",", ":")).encode()


def post_of(event: dict[str, Any]) -> bytes:
    return request(LINEAGE, json.dumps(event).encode())


def request(head: str, body: bytes = b"") -> bytes:
    content = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
    return f"{head} HTTP/1.1\r\nhost: localhost\r\n{content}\r\n".encode() + body


def get_of(path: str) -> bytes:
    return request(f"GET /api/v1{path}")


class Connection:
    """A kept connection; it is opened again after it broke."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, asked: bytes, patience: float = PATIENCE_SECONDS) -> tuple[int, bytes]:
        """The status and the body of an answer; status 0 if there was none."""
        try:
            async with asyncio.timeout(patience):
                return await self._ask(asked)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.close()
            return 0, b""

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, unless it is connected.

        Raises:
            OSError: nobody listens.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        return self._streams

    async def _ask(self, asked: bytes) -> tuple[int, bytes]:
        reader, writer = await self.open()
        for begin in range(0, len(asked), CHUNK):
            writer.write(asked[begin : begin + CHUNK])
            if len(asked) > CHUNK:
                await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await _body(head, reader)
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Read a body; a long one comes in chunks."""
    _, is_sized, rest = head.partition(b"content-length: ")
    if is_sized:
        return await reader.readexactly(int(rest.split(b"\r\n")[0]))
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(parts)


@dataclass
class Posted:
    """What came of posting as fast as answers come; times in seconds.

    Attributes:
        began: the clock when the first was sent.
        seconds: until the last was answered.
        own_cpu: what this process used meanwhile.
        latencies: of each.
        refused: how many were not answered 201.
    """

    began: float
    seconds: float = 0.0
    own_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0


async def post_all(url: str, lanes: Sequence[Sequence[bytes]]) -> Posted:
    """Post each lane over a connection of its own, one request after the other."""
    connections = [Connection(url) for _ in lanes]
    for connection in connections:
        await connection.ask(get_of("/namespaces?limit=1"))
    cpu = time.process_time()
    done = Posted(time.perf_counter())

    async def work(connection: Connection, lane: Sequence[bytes]) -> None:
        for asked in lane:
            began = time.perf_counter()
            status, _ = await connection.ask(asked)
            done.latencies.append(time.perf_counter() - began)
            done.refused += status != 201
        connection.close()

    await asyncio.gather(*map(work, connections, lanes))
    done.seconds = time.perf_counter() - done.began
    done.own_cpu = time.process_time() - cpu
    return done


@dataclass
class Paced:
    """What came of asking at a pace: ms from when it was due until answered, and statuses."""

    ms: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def others(self, wanted: int) -> int:
        """How many were answered otherwise."""
        return sum(status != wanted for status in self.statuses)


async def ask_paced(
    url: str, make: Callable[[int], bytes], per_second: float, stop: asyncio.Event
) -> Paced:
    """Ask over one connection at a fixed pace.

    A question that is due while another waits for its answer waits as well, and its time counts
    from when it was due: a slow answer is not measured as one, but as all that it held up.
    """
    done, connection, began = Paced(), Connection(url), time.perf_counter()
    for number in count():
        due = began + number / per_second
        if stop.is_set() and due > time.perf_counter():
            break
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        status, _ = await connection.ask(make(number))
        done.ms.append((time.perf_counter() - due) * 1000)
        done.statuses.append(status)
    connection.close()
    return done


async def lateness(stop: asyncio.Event) -> list[float]:
    """How late this process itself is, in ms: how much longer than asked for it sleeps."""
    late = []
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        late.append((time.perf_counter() - began - 0.01) * 1000)
    return late
