"""The largest and deepest that may be sent, and what is beyond it, next to small events."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count

from benchmarks.contending.load import LINEAGE, get_of, request

from torture.accounts import settle
from torture.giant import Giant, make
from torture.ground import Ground
from torture.house import House, endure, looked_after
from torture.ledger import Ledger, sentence
from torture.outcome import GIANT
from torture.traffic import UNSENT, Caller, produce, read, runs

PER_SECOND = 15.0
PAUSE_SECONDS = 0.5
SERIES = 10


async def giants(ground: Ground) -> None:
    """Torture one home by giants."""
    house, ledger = House(ground.folder), Ledger()

    def caller() -> Caller:
        return Caller(house.api_base)

    small, scrape = get_of("/namespaces/jobs/jobs?limit=10"), request("GET /metrics")
    spawning = multiprocessing.get_context("spawn")  # so that making them delays no other client
    pace = PER_SECOND
    with ProcessPoolExecutor(1, spawning) as pool:
        async with looked_after(house, ground.outcome):
            await endure(
                ground,
                house,
                produce(ground, caller(), ledger, runs(0), per_second=pace, what="small POST"),
                produce(ground, caller(), ledger, runs(1), per_second=pace, what="small POST"),
                read(ground, caller(), "GET", lambda: small, per_second=pace),
                read(
                    ground,
                    Caller(house.metrics_base, anew=True),
                    "scrape",
                    lambda: scrape,
                    per_second=0.5,
                ),
                _giants(ground, caller(), ledger, pool),
            )
            await settle(ground, house, ledger, is_compared=False)


async def _giants(
    ground: Ground, caller: Caller, ledger: Ledger, pool: ProcessPoolExecutor
) -> None:
    loop = asyncio.get_running_loop()
    for run in _runs():
        seed = ground.rng.getrandbits(64)
        giant = await loop.run_in_executor(pool, make, seed, run)
        if ground.is_over:
            return
        began = time.monotonic()
        status, body = await caller.ask(_request(giant))
        ground.outcome.waited(f"{GIANT}{giant.what}", time.monotonic() - began)
        ground.outcome.figures[f"{giant.what}: {status}"] += 1
        if status in giant.statuses:
            if giant.key is not None:
                ledger.take(giant.key, status, body)
        elif status not in {UNSENT, 503}:
            said = sentence(status, body)
            ground.outcome.wrong.append(f"{giant.what} of seed {seed} is answered: {said}")
        await ground.pause(PAUSE_SECONDS)


def _runs() -> Iterator[int]:
    return count(SERIES * 100_000_000)


def _request(giant: Giant) -> bytes:
    asked = request(LINEAGE, giant.body)
    if not giant.is_gzip:
        return asked
    head, _, body = asked.partition(b"\r\n\r\n")
    return head + b"\r\ncontent-encoding: gzip\r\n\r\n" + body
