"""The disk is full, and has room again, while events come: what is refused is refused truly."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from torture.accounts import settle
from torture.bundles import write_bundles
from torture.emits import pipelines
from torture.ground import Ground
from torture.house import House, endure, looked_after, must
from torture.ledger import Ledger
from torture.traffic import Caller, deliver, produce, runs
from torture.vitals import MIB, children_of

PRODUCERS = 3
PER_SECOND = 20.0
DISK_BYTES = 512 * MIB
SPARED_BYTES = 512 * 1024  # at most so much is left when the disk is called full
FULL_SECONDS = 2.0
TRIES = 3  # to fill it, while others write
RESTARTS = 0.2  # share of the times at which `up` is killed on the full disk


class Tmpfs:
    """A disk of its own in memory, filled by a file of nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, house: House, spared: int) -> None:
        """Leave only so many bytes."""
        del house
        with self._ballast.open("ab") as file:
            for _ in range(TRIES):
                size = self._room() - spared
                with suppress(OSError):  # others took some of it meanwhile, or all
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), max(1, size))

    def _room(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def free(self, house: House) -> None:
        """Give the room back."""
        del house
        self._ballast.unlink(missing_ok=True)


class FileLimit:
    """Where no disk can be mounted: no file of `up` may grow beyond a few bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, house: House, spared: int) -> None:
        """Let files grow up to so many bytes."""
        _limit(house, spared)

    def free(self, house: House) -> None:
        """Let them grow."""
        _limit(house, resource.RLIM_INFINITY)


def _limit(house: House, size: int) -> None:
    if house.up is None:
        return
    for pid in (house.up.pid, *children_of(house.up.pid)):
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def disk(folder: Path) -> Iterator[Tmpfs | FileLimit]:
    """A disk that can be filled."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "torture", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:  # no such command
        mounted = False
    if not mounted:
        yield FileLimit(folder)
        return
    try:
        yield Tmpfs(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def full_disk(ground: Ground) -> None:
    """Torture a home on a small disk."""
    artifacts = ground.folder / "artifacts"
    artifacts.mkdir()
    with disk(ground.folder / "disk") as small:
        ground.outcome.figures[f"on a {type(small).__name__}"] += 1
        house, ledger = House(ground.folder, home=small.folder / "home"), Ledger()
        producers = [
            produce(ground, Caller(house.api_base), ledger, runs(n), per_second=PER_SECOND)
            for n in range(PRODUCERS)
        ]
        async with looked_after(house, ground.outcome):
            await endure(
                ground,
                house,
                *producers,
                pipelines(ground, house, ledger, count(1)),
                _backfills(ground, house, artifacts),
                _fill_and_free(ground, house, ledger, small),
            )
            await must(house, ground.outcome, "backfill", artifacts)
            refused = ("emit() raised",)
            await settle(ground, house, ledger, artifacts=artifacts, may_be_answered=refused)
        if ground.outcome.wrong and house.home.exists():  # the disk goes, the home stays
            shutil.copytree(house.home, ground.folder / "home")


async def _fill_and_free(
    ground: Ground, house: House, ledger: Ledger, small: Tmpfs | FileLimit
) -> None:
    events = runs(PRODUCERS)
    caller = Caller(house.api_base)
    while not ground.is_over:
        await ground.pause(ground.rng.uniform(0.2, 1.5))
        small.fill(house, ground.rng.randrange(SPARED_BYTES))
        ground.outcome.figures["filled"] += 1
        if ground.rng.random() < RESTARTS:
            await house.kill()
            ground.outcome.kills += 1
            ground.outcome.figures["came up on a full disk"] += await house.open()
        await ground.pause(ground.rng.uniform(0.2, FULL_SECONDS))
        small.free(house)
        if house.url is None:
            await house.open()
        await deliver(
            ground, caller, ledger, next(events), time.monotonic(), "POST once there is room"
        )


async def _backfills(ground: Ground, house: House, artifacts: Path) -> None:
    for number in count():
        if ground.is_over:
            return
        write_bundles(artifacts, range(number * 10, number * 10 + 10))
        done = await house.run("backfill", str(artifacts))
        ground.outcome.figures[f"backfill exits {done.code}"] += 1
        await ground.pause(0.5)
