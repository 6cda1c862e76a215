"""Every kind of trouble, one after the other; then tables of what came of it.

Exits 1 if anything was lost, doubled or untrue, a traceback was printed, somebody waited too long,
or memory or file handles went on growing. Then the homes are kept. The checks after each kind come
on top of the time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contending.load import post_of

from torture.ground import Ground
from torture.house import House, looked_after
from torture.kinds import KINDS
from torture.outcome import Outcome, report
from torture.processes import environment
from torture.traffic import Caller, runs
from torture.vitals import growth

PROGRESS_SECONDS = 60.0


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all that was started ends
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=given.folder))
    print(f"Seed {given.seed}, {given.minutes:g} minutes, {_machine()}", flush=True)
    print(_version(), flush=True)
    try:
        outcomes = asyncio.run(_tortured(given, folder))
    except KeyboardInterrupt:
        print(f"Interrupted. The homes are kept: {folder}")
        return 130
    print(f"\n{report(outcomes)}\n", flush=True)
    if any(one.wrong for one in outcomes):
        print(f"It is NOT well. The homes are kept: {folder}. Again with SEED={given.seed}.")
        return 1
    shutil.rmtree(folder)
    print("All is well.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="shared by all kinds (20)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--only", action="append", choices=list(KINDS), metavar="KIND")
    parser.add_argument("--folder", type=Path, help="where homes are made")
    parser.add_argument(
        "--most-wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="who waits longer for the answer to a small request calls it hanging (60)",
    )
    return parser.parse_args()


def _machine() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def _version() -> str:
    """Where the package is that is tortured."""
    program = "import lineage_bridge; print(lineage_bridge.__path__[0])"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def _tortured(given: argparse.Namespace, folder: Path) -> list[Outcome]:
    names = given.only or list(KINDS)
    whole = given.minutes * 60 / sum(KINDS[name].share for name in names)
    dedupes = await _dedupes(folder / "twice")
    outcomes: list[Outcome] = []
    telling = asyncio.create_task(_tell(outcomes))
    for name in names:
        (folder / name).mkdir()
        outcomes.append(Outcome(name))
        rng = random.Random(f"{given.seed} {name}")
        seconds = whole * KINDS[name].share
        await _torture(Ground(folder / name, seconds, rng, dedupes, outcomes[-1]))
        outcomes[-1].judge_waits(given.most_wait)
    telling.cancel()
    return outcomes


async def _torture(ground: Ground) -> None:
    """Make one kind of trouble; what ends it early is wrong, and the others go on."""
    outcome = ground.outcome
    try:
        await KINDS[outcome.kind].make(ground)
    except Exception as exc:  # noqa: BLE001 - it is told
        outcome.wrong.append(f"it ended early: {_causes(exc)}")
    outcome.wrong += growth(outcome.first, outcome.last, outcome.events)
    print(f"{outcome.progress()}: done", flush=True)


def _causes(exc: BaseException) -> str:
    if isinstance(exc, BaseExceptionGroup):
        return "; ".join(_causes(one) for one in exc.exceptions)
    return f"{type(exc).__name__}: {exc}"


async def _tell(outcomes: Sequence[Outcome]) -> None:
    """Say once a minute where it is."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        minutes = (time.monotonic() - began) / 60
        print(f"{minutes:3.0f} min: {outcomes[-1].progress()}", flush=True)


async def _dedupes(folder: Path) -> bool:
    """Whether a stranger's event that is sent twice is in the journal once."""
    house = House(folder)
    caller = Caller(house.api_base)
    asked = post_of(next(runs(0)))
    async with looked_after(house, Outcome("")):
        await house.open()
        answers = [await caller.ask(asked) for _ in range(2)]
        assert [status for status, _ in answers] == [201, 201], answers
        caller.close()
        await house.close()
        done = await house.run("journal", "export", "-")
    return done.out.count("\n") == 1


if __name__ == "__main__":
    sys.exit(main())
