"""Load for a collector: events of 3 KB with full inputs and outputs, over kept connections.

The known jobs are laid out in rows: each reads two datasets of its row and writes one of the next,
so that all hang together, and the graph around a job grows with the depth that is asked for. New
ones come with each run: its job, the dataset that it writes, and that dataset's columns.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
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
FOLLOWED = Path(__file__).with_name("followed_collector.py")
MODELS = ("collector", "graph", "identities", "arrivals")
LOOK_SECONDS = 0.25
LAG_SECONDS = 600.0


def facet(**members: Any) -> dict[str, Any]:
    return {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/s", **members}


def columns(prefix: str = "column") -> dict[str, Any]:
    fields = [
        {"name": f"{prefix}_{i}", "type": "VARCHAR", "description": f"the column number {i}"}
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


def new_event(number: int) -> dict[str, Any]:
    """The START or COMPLETE of a run of a new job, which makes a new dataset with new columns.

    It reads what the run before it made, and what a run made that is half as old.
    """
    run = number // 2
    before = max(run - 1, 0)
    return run_event(
        number,
        "COMPLETE" if number % 2 else "START",
        run,
        f"new.{run}",
        inputs=[
            dataset(f"made.{before}", facets=columns(f"of_{before}")),
            dataset(f"made.{run // 2}"),
        ],
        output=f"made.{run}",
        column=f"of_{run}",
    )


def run_event(
    number: int,
    kind: str,
    run: int,
    job: str,
    *,
    inputs: list[dict[str, Any]],
    output: str,
    column: str = "column",
) -> dict[str, Any]:
    written = dataset(
        output,
        facets={**columns(column), "freshness": facet(seconds=number)},
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

    Args:
        home: of its journal.
        models: are followed in yet another process, as `up` does it; without any, the collector
            follows its own in a thread.

    Attributes:
        url: where it listens.
        started: seconds from the start of the process to the first answer.
    """

    def __init__(self, home: Path, models: Sequence[str] = ()) -> None:
        began = time.perf_counter()
        pipe = subprocess.PIPE
        command = [sys.executable, str(FOLLOWED if models else PROCESS), str(home), *models]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.url = self._process.stdout.readline().strip()
        get_many(self.url, "/namespaces", 1)
        self.started = time.perf_counter() - began

    def cpu(self) -> float:
        """Seconds of CPU, of all its threads, until now."""
        return self._cpu_of(self._process.pid)

    def follower_cpu(self) -> float:
        """Seconds of CPU of the process that follows, until now."""
        (follower,) = self._of_process(f"task/{self._process.pid}/children").split()
        return self._cpu_of(int(follower))

    def _cpu_of(self, process: int) -> float:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
        after_name = stat.rpartition(")")[2].split()
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
            if self._process.poll() is None:
                self._process.communicate()  # the end of its input ends it, and what follows


@dataclass
class Lag:
    """How far the models are behind the journal of a home, looked at while the block runs.

    Attributes:
        most: events that the slowest model was behind, at most.
        end_seconds: from the end of the block until no event was left.
    """

    home: Path
    most: int = 0
    end_seconds: float = 0.0

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        began = time.perf_counter()
        with Journal(self.home, readonly=True) as journal:
            while _behind(journal):
                assert time.perf_counter() - began < LAG_SECONDS
                time.sleep(0.005)
        self.end_seconds = time.perf_counter() - began

    def _watch(self) -> None:
        with Journal(self.home, readonly=True) as journal:
            while not self._stop.wait(LOOK_SECONDS):
                self.most = max(self.most, _behind(journal))


def _behind(journal: Journal) -> int:
    with journal.reading() as connection:
        (behind,) = connection.execute(
            "SELECT (SELECT coalesce(max(seq), 0) FROM events) - min(seq) FROM models"
        ).fetchone()
    return int(behind or 0)


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


def post_new(
    collector: Collector, home: Path, first: int, count: int, connections: int
) -> tuple[Timing, Lag]:
    """Post events of new jobs until all models have them, and print what each took of whom."""
    server, follower = collector.cpu(), collector.follower_cpu()
    events = (new_event(number) for number in range(first, first + count))
    with Lag(home) as lag:
        timing = post_all(collector.url, events, connections)
    each = 1e6 / count
    print(
        f"{connections:2} connections: {timing.per_second:5.0f} events/s,"
        f" p99 {timing.at(0.99) * 1e3:5.1f} ms,"
        f" µs of CPU each: {(collector.cpu() - server) * each:4.0f} to take,"
        f" {(collector.follower_cpu() - follower) * each:4.0f} to fold;"
        f" at most {lag.most} events behind, {lag.end_seconds:.1f} s at the end"
    )
    return timing, lag


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
