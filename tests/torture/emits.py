"""Pipelines that emit into a home: their processes, and what they were told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from torture.ground import Ground
from torture.house import House
from torture.ledger import Ledger
from torture.processes import Started

PER_SECOND = 20.0


async def pipelines(
    ground: Ground,
    house: House,
    ledger: Ledger,
    series: Iterator[int],
    *,
    per_second: float = PER_SECOND,
    lives_seconds: tuple[float, float] | None = None,
) -> None:
    """Run one pipeline after the other; each is killed, for there is no other end of it.

    Args:
        ground: of the kind of trouble.
        house: whose home it emits into.
        ledger: notes what `emit()` promised.
        series: the next one is that of the next pipeline, and 0 is none.
        per_second: the pace of one.
        lives_seconds: how long one lives, from and to; by default until the time is over.
    """
    outcome = ground.outcome
    while not ground.is_over:
        number = next(series)
        started = await house.processes.start(
            "pipeline",
            *(sys.executable, "-m", "torture.pipeline", house.home, str(number), str(per_second)),
            pipe=True,
        )
        reading = asyncio.create_task(_read(ground, ledger, started, number))
        await ground.pause(ground.rng.uniform(*lives_seconds) if lives_seconds else ground.left)
        await house.processes.kill(started)
        await reading
        if lives_seconds:
            outcome.kills += 1
            outcome.figures["pipelines killed"] += 1


async def _read(ground: Ground, ledger: Ledger, started: Started, series: int) -> None:
    """Note what a pipeline says; whether it had begun with the next event nobody knows."""
    assert started.process.stdout is not None
    ledger.send(_key(series, 1)).unanswered = 1
    async for line in started.process.stdout:
        if not line.endswith(b"\n"):
            break  # it was killed while it printed, after the event
        number, seconds = line.split()
        ground.outcome.waited("emit()", float(seconds))
        ledger.emitted(_key(series, abs(int(number))), is_kept=int(number) > 0)
        ledger.send(_key(series, abs(int(number)) + 1)).unanswered = 1


def _key(series: int, number: int) -> str:
    """The key of an event of `benchmarks/contending/emitter.py`."""
    return f"{series:08x}-0000-4000-8000-{number:012d} COMPLETE"
