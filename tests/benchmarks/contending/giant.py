"""Small traffic beside giant events, prunings and rebuilds."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from contending.figures import (
    PACE,
    Figures,
    Options,
    emit_figures,
    kept,
    must,
    percentile,
    spread,
)
from contending.load import (
    GIANT_FIELDS,
    LINEAGE,
    Connection,
    Paced,
    ask_paced,
    get_of,
    giant_body,
    giant_output,
    lateness,
    loaded_event,
    post_of,
    request,
    run_event,
)
from contending.processes import (
    BenchmarkError,
    Done,
    Server,
    Target,
    collector,
    emitter,
    run,
    run_beside,
)

GIANT_SECONDS = 300.0
GIANT_TRIES = 5
OLD_RUNS = 1_500
DAY = 86_400.0
READ_PACE = 10.0


def giant(target: Target, folder: Path, options: Options) -> Figures:
    """Small traffic, in ms, beside two events of 14 MiB, prunings and rebuilds.

    The home holds 3,000 events of a month ago. Then, all at once: 20 small POSTs and 10 GETs of an
    unrelated job a second, each kind over one connection, timed from when it was due; `emit()` in
    another process 20 times a second, whose percentiles count the calls that were due while one
    waited; two events of 14 MiB a second apart, over connections of their own, sent again (5
    times) if they are not answered 201; and `journal prune` and `journal rebuild` in turn, until
    both giants can be read: the last dataset of each with its 9,000 columns.
    """
    home = folder / "home"
    _fill_with_old(target, folder, home)
    with collector(target, home) as server, emitter(target, home, per_second=PACE) as emitting:
        beside = asyncio.run(_beside_giants(target, server, home))
        emits = emitting.stop()
        memory = server.memory()
    return {
        **spread("small POST", beside.posts.ms),
        "small POSTs not answered 201": _part(beside.posts.others(201), beside.posts),
        **spread("GET of a small job", beside.reads.ms),
        "GETs not answered 200": _part(beside.reads.others(200), beside.reads),
        **emit_figures(emits),
        **kept(target, folder, home, emits.emitted),
        **beside.giants,
        **_maintenance_figures(beside.maintenance),
        "the generator itself was late, p99, ms": percentile(beside.late, 0.99),
        "memory of the collector, MB": memory,
    }


def _part(some: int, of: Paced) -> str:
    return f"{some} of {len(of.statuses)}"


def _fill_with_old(target: Target, folder: Path, home: Path) -> None:
    began = time.time() - 30 * DAY
    lines = [
        json.dumps(loaded_event(number, kind, began + number))
        for number in range(OLD_RUNS)
        for kind in ("START", "COMPLETE")
    ]
    file = folder / "old.ndjson"
    file.write_text("\n".join(lines), encoding="utf-8")
    must(run(target, "journal", "import", file, "--home", home, cwd=folder))


@dataclass(frozen=True)
class _Beside:
    """What was measured beside the giants."""

    posts: Paced
    reads: Paced
    giants: Figures
    maintenance: Sequence[tuple[str, Done]]
    late: Sequence[float]


async def _beside_giants(target: Target, server: Server, home: Path) -> _Beside:
    small, stop, readable = 1_000_000, asyncio.Event(), asyncio.Event()

    def post(number: int) -> bytes:
        return post_of(loaded_event(small + number, "COMPLETE", time.time()))

    def read(_: int) -> bytes:
        return get_of("/namespaces/unrelated/jobs/small")

    bodies = [request(LINEAGE, giant_body(number, 2_000_000 + number)) for number in range(2)]
    await _post_unrelated(server.url)
    async with asyncio.TaskGroup() as group:
        posts = group.create_task(ask_paced(server.url, post, PACE, stop))
        reads = group.create_task(ask_paced(server.url, read, READ_PACE, stop))
        late = group.create_task(lateness(stop))
        await asyncio.sleep(1)
        maintenance = group.create_task(_maintain(target, home, readable))
        giants = [
            group.create_task(_giant(server.url, number, body))
            for number, body in enumerate(bodies)
        ]
        figures = await asyncio.gather(*giants)
        readable.set()
        await maintenance
        stop.set()
    is_there = [await _is_readable(Connection(server.url), number) for number in range(2)]
    figures.append({"giants that can be read at the end": float(sum(is_there))})
    merged = {name: figure for part in figures for name, figure in part.items()}
    return _Beside(posts.result(), reads.result(), merged, maintenance.result(), late.result())


async def _post_unrelated(url: str) -> None:
    job = {"namespace": "unrelated", "name": "small"}
    event = run_event(999_999, "COMPLETE", time.time(), job, inputs=[], outputs=[])
    connection = Connection(url)
    status, body = await connection.ask(post_of(event))
    connection.close()
    if status != 201:
        raise BenchmarkError(f"the collector answered {status}: {body[:200]!r}")


async def _giant(url: str, number: int, asked: bytes) -> Figures:
    """Post a giant, and wait until it can be read; seconds from its first POST."""
    await asyncio.sleep(number)
    began = time.perf_counter()
    reading = asyncio.create_task(_until_readable(url, number, began))
    name, statuses, taken = f"giant {number + 1}", [], None
    connection = Connection(url)
    while taken is None and len(statuses) < GIANT_TRIES:
        status, _ = await connection.ask(asked)
        statuses.append(str(status))
        taken = time.perf_counter() - began if status == 201 else None
    connection.close()
    return {
        f"{name}, answered": " ".join(statuses),
        f"{name}, until 201, s": taken,
        f"{name}, until readable, s": await reading,
    }


async def _until_readable(url: str, number: int, began: float) -> float | None:
    connection = Connection(url)
    while time.perf_counter() - began < GIANT_SECONDS:
        if await _is_readable(connection, number):
            connection.close()
            return time.perf_counter() - began
        await asyncio.sleep(0.25)
    connection.close()
    return None


async def _is_readable(connection: Connection, number: int) -> bool:
    asked = get_of(f"/namespaces/db/datasets/{giant_output(number)}")
    status, body = await connection.ask(asked)
    return status == 200 and len(json.loads(body)["fields"]) == GIANT_FIELDS


async def _maintain(target: Target, home: Path, enough: asyncio.Event) -> list[tuple[str, Done]]:
    """Prune and rebuild in turn, each at least once, until it is enough."""
    done: list[tuple[str, Done]] = []
    prune = ("prune", "--older-than", "1d", "--json")
    for arguments in cycle((prune, ("rebuild",))):
        if enough.is_set() and len(done) > 1:
            break
        ended = await run_beside(target, "journal", *arguments, "--home", home, cwd=home.parent)
        done.append((arguments[0], ended))
    return done


def _maintenance_figures(done: Sequence[tuple[str, Done]]) -> Figures:
    pruned = [
        json.loads(ended.out)["pruned"] for n, ended in done if n == "prune" and not ended.code
    ]
    figures: Figures = {"events pruned": float(sum(pruned))}
    for name in ("prune", "rebuild"):
        ended = [one for which, one in done if which == name]
        failed = sum(one.code != 0 for one in ended)
        figures[f"{name}: failed"] = f"{failed} of {len(ended)}"
        figures[f"{name}: longest, s"] = max((one.seconds for one in ended), default=None)
    return figures
