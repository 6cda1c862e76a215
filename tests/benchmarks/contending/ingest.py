"""How fast a collector takes events, and how fast they can be read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

from contending.figures import Figures, Options, spread
from contending.load import (
    Connection,
    Posted,
    get_of,
    job_of,
    loaded_event,
    post_all,
    post_of,
    run_id,
)
from contending.processes import BenchmarkError, Server, Target, collector, stub

WARM_RUNS = 20
LAG_SECONDS = 300.0


def generator(target: Target, folder: Path, options: Options) -> Figures:
    """What the load generator itself can do: events/s to a server that only answers 201.

    If `ingest` comes near to it, `ingest` measures the generator.
    """
    figures: Figures = {}
    for connections, events in ((1, options.events_1), (16, options.events_16)):
        with stub(folder) as server:
            lanes = ingest_lanes(connections, events // 2, time.time())
            done = asyncio.run(post_all(server.url, lanes))
        _all_taken(done, events)
        name = f"over {connections}"
        figures[f"{name}, events/s"] = events / done.seconds
        figures[f"{name}, CPU of the generator, µs/event"] = done.own_cpu / events * 1e6
    return figures


def ingest_1(target: Target, folder: Path, options: Options) -> Figures:
    """Events of 3 KB, one connection: events/s answered 201, seconds of lag, events/s readable.

    The lag is how long after the last answer the last event can be read (its job's `latestRun`);
    "readable" counts from the first POST until then.
    """
    return _ingest(target, folder, 1, options.events_1)


def ingest_16(target: Target, folder: Path, options: Options) -> Figures:
    """As `ingest-1`, over 16 connections; the last event of each must be readable."""
    return _ingest(target, folder, 16, options.events_16)


def ingest_lanes(connections: int, runs: int, began: float, first: int = 0) -> list[list[bytes]]:
    """The START and COMPLETE of runs in turn; both of a run go over the same connection."""
    lanes: list[list[bytes]] = [[] for _ in range(connections)]
    for number in range(first, first + runs):
        for kind, later in (("START", 0.0), ("COMPLETE", 0.5)):
            event = loaded_event(number, kind, began + number + later)
            lanes[number % connections].append(post_of(event))
    return lanes


def _ingest(target: Target, folder: Path, connections: int, events: int) -> Figures:
    runs = events // 2
    began = time.time() - WARM_RUNS - runs
    warm = ingest_lanes(connections, WARM_RUNS, began)
    lanes = ingest_lanes(connections, runs, began, first=WARM_RUNS)
    last = range(WARM_RUNS + runs - min(connections, runs), WARM_RUNS + runs)
    with collector(target, folder / "home") as server:
        asyncio.run(_post_and_read(server, warm, range(WARM_RUNS - 1, WARM_RUNS)))
        cpu = server.cpu()
        done, readable = asyncio.run(_post_and_read(server, lanes, last))
        spent = server.cpu()
    _all_taken(done, events)
    micros = None if cpu is None or spent is None else (spent - cpu) / events * 1e6
    return {
        "answered 201, events/s": events / done.seconds,
        "readable, events/s": None if readable is None else events / readable,
        "lag at the end, s": None if readable is None else readable - done.seconds,
        **spread("a POST", [latency * 1000 for latency in done.latencies]),
        "CPU of the collector until readable, µs/event": micros,
        "CPU of the generator, µs/event": done.own_cpu / events * 1e6,
    }


def _all_taken(done: Posted, events: int) -> None:
    taken = len(done.latencies) - done.refused
    if taken != events:
        raise BenchmarkError(f"{taken} of {events} POSTs were answered 201")


async def _post_and_read(
    server: Server, lanes: Sequence[Sequence[bytes]], last: range
) -> tuple[Posted, float | None]:
    """Post, then wait until these runs are the latest of their jobs: seconds since the first."""
    done = await post_all(server.url, lanes)
    connection = Connection(server.url)
    for number in reversed(last):
        while not await _is_latest(connection, number):
            if time.perf_counter() - done.began > done.seconds + LAG_SECONDS:
                return done, None
            await asyncio.sleep(0.005)
    connection.close()
    return done, time.perf_counter() - done.began


async def _is_latest(connection: Connection, number: int) -> bool:
    status, body = await connection.ask(get_of(f"/namespaces/jobs/jobs/{job_of(number)}"))
    latest = (json.loads(body).get("latestRun") or {}) if status == 200 else {}
    return latest.get("id") == run_id(number) and latest.get("state") == "COMPLETED"
