"""`up`, what it runs beside itself, commands and pipelines are killed at any moment.

Whoever was killed is started again; producers send again what was not answered.
"""

from __future__ import annotations

import asyncio
import signal
from itertools import count
from pathlib import Path
from random import Random

from torture.accounts import judge_forwarded, settle
from torture.bundles import write_bundles
from torture.emits import pipelines
from torture.ground import Ground
from torture.house import House, endure, looked_after, must
from torture.ledger import Ledger
from torture.marquez import Marquez
from torture.processes import send_signal
from torture.traffic import Caller, produce, runs

PRODUCERS = 4
PER_SECOND = 20.0
EMITS_PER_SECOND = 60.0  # so that many kills fall into an `emit()`
LIVES_SECONDS = (2.0, 8.0)  # of a pipeline
PAUSE_SECONDS = 2.0  # at most, before the next command
SURVIVES = 0.3  # share of commands that are left alone
FROZEN_SECONDS = 1.5
BUNDLES = 12  # at most, before each backfill
_ENDED = {"backfill": {0}, "journal": {0, 3}}  # 3: Marquez is a stub that hangs up


async def kills(ground: Ground) -> None:
    """Torture one home by kills."""
    house = House(ground.folder)
    ledger = Ledger()
    artifacts = ground.folder / "artifacts"
    artifacts.mkdir()
    senders = [
        produce(ground, Caller(house.api_base), ledger, runs(n), per_second=PER_SECOND)
        for n in range(PRODUCERS)
    ]
    pace, lives = EMITS_PER_SECOND, LIVES_SECONDS
    async with looked_after(house, ground.outcome):
        with Marquez(Random(ground.rng.random())) as marquez:
            await endure(
                ground,
                house,
                *senders,
                pipelines(ground, house, ledger, count(1), per_second=pace, lives_seconds=lives),
                _kill_up(ground, house),
                _backfills(ground, house, artifacts),
                _commands(ground, house, "journal", "forward", MARQUEZ_URL=marquez.url),
            )
            await _reckon(ground, house, ledger, artifacts, marquez)


# `up`


async def _kill_up(ground: Ground, house: House) -> None:
    deeds = (_kill, _kill_soon, _terminate, _kill_follower, _freeze, _freeze_follower)
    while not ground.is_over:
        await ground.pause(ground.rng.uniform(0.05, 1.5))
        deed = ground.rng.choice(deeds)
        await deed(ground, house)
        ground.outcome.kills += 1
        ground.outcome.figures[f"`up`:{deed.__name__.replace('_', ' ')}"] += 1
    if house.url is None:
        await house.open()


async def _kill(_: Ground, house: House) -> None:
    await house.kill()
    await house.open()


async def _kill_soon(ground: Ground, house: House) -> None:
    """Kill it once more, while it starts."""
    await house.kill()
    opening = asyncio.create_task(house.open())
    await asyncio.sleep(ground.rng.uniform(0, 2))
    await house.kill()
    await opening
    await house.open()


async def _terminate(ground: Ground, house: House) -> None:
    done = await house.close()
    if done is not None and done.code:
        ground.outcome.wrong.append(f"`up` exits {done.code} after SIGTERM")
    await house.open()


async def _kill_follower(_: Ground, house: House) -> None:
    if (follower := house.child("follower")) is not None:
        send_signal(follower, signal.SIGKILL)


async def _freeze(ground: Ground, house: House) -> None:
    if house.up is not None:
        await _freeze_for_a_while(ground, house.up.pid)


async def _freeze_follower(ground: Ground, house: House) -> None:
    if (follower := house.child("follower")) is not None:
        await _freeze_for_a_while(ground, follower)


async def _freeze_for_a_while(ground: Ground, pid: int) -> None:
    send_signal(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(ground.rng.uniform(0.1, FROZEN_SECONDS))
    finally:
        send_signal(pid, signal.SIGCONT)


# commands


async def _backfills(ground: Ground, house: House, artifacts: Path) -> None:
    numbers = count(1)
    typical = 2.0
    while not ground.is_over:
        write_bundles(artifacts, [next(numbers) for _ in range(ground.rng.randint(1, BUNDLES))])
        typical = await _command(ground, house, typical, "backfill", str(artifacts))


async def _commands(ground: Ground, house: House, *arguments: str, **env: str) -> None:
    typical = 2.0
    while not ground.is_over:
        typical = await _command(ground, house, typical, *arguments, **env)


async def _command(
    ground: Ground, house: House, typical: float, *arguments: str, **env: str
) -> float:
    """Run a command, or kill it when it is somewhere in its work; return how long it takes."""
    await ground.pause(ground.rng.uniform(0, PAUSE_SECONDS))
    started = await house.begin(*arguments, **env)
    if ground.rng.random() < SURVIVES:
        done = await house.processes.wait(started)
        ground.outcome.figures[f"{arguments[0]} ended by itself"] += 1
        if done.code not in _ENDED[arguments[0]]:
            said = done.err.strip()[-300:]
            ground.outcome.wrong.append(f"`{arguments[0]}` exits {done.code}: {said}")
        return done.seconds
    await asyncio.sleep(ground.rng.uniform(0.1, 1) * typical)
    ground.outcome.kills += not started.has_ended
    ground.outcome.figures[f"{arguments[0]} killed"] += not started.has_ended
    await house.processes.kill(started)
    return typical


# the reckoning


async def _reckon(
    ground: Ground, house: House, ledger: Ledger, artifacts: Path, marquez: Marquez
) -> None:
    await must(house, ground.outcome, "backfill", artifacts)
    done = await house.run("journal", "forward", MARQUEZ_URL=marquez.url)
    if done.code:
        ground.outcome.wrong.append(f"`journal forward` exits {done.code}: {done.err[-300:]}")
    kept = await settle(ground, house, ledger, artifacts=artifacts)
    if kept is not None:
        status = await must(house, ground.outcome, "journal", "status", "--json")
        judge_forwarded(ground.outcome, marquez, kept, status)
