"""A home with `up` on it, and the commands that others run on it meanwhile."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.contending.load import Connection, request

from torture.ground import Ground
from torture.outcome import Outcome
from torture.processes import (
    HANG_SECONDS,
    LINEAGE_BRIDGE,
    Done,
    HangError,
    Processes,
    Started,
    send_signal,
)
from torture.vitals import (
    MIB,
    Vitals,
    children_of,
    is_alive,
    most_resident,
    role_of,
    vitals_of,
)

ORPHAN_SECONDS = 30.0  # a child may end the bite that it is at
FOLD_SECONDS = 120  # until what was sent is in the tables, before memory is looked at
SETTLE_SECONDS = 1.0  # until a server has seen that its clients have gone
_LAG = re.compile(rb"^lineage_bridge_collector_fold_lag_seconds (\S+)", re.MULTILINE)
_URL = re.compile(r"^(Collector|Metrics):\s+(https?://\S+)", re.MULTILINE)


class House:
    """A home and its processes.

    Args:
        folder: of its own; the home is in it, unless another one is named.
        home: the data folder.
        open_files: the limit of open files of `up`.

    Attributes:
        url: of the API while `up` listens.
        metrics: its page for Prometheus.
        up: the process.
    """

    def __init__(
        self, folder: Path, *, home: Path | None = None, open_files: int | None = None
    ) -> None:
        self.folder = folder
        self.home = home or folder / "home"
        self.processes = Processes(folder)
        self.url: str | None = None
        self.metrics = ""
        self.up: Started | None = None
        self._open_files = open_files

    async def open(self) -> bool:
        """Start `up`; return whether it came to listen, and was not ended before."""
        command = (*LINEAGE_BRIDGE, "up", "--home", str(self.home), "--port", "0")
        if self._open_files is not None:
            command = ("sh", "-c", f'ulimit -n {self._open_files}; exec "$@"', "sh", *command)
        self.up = up = await self.processes.start("up", *command)
        deadline = time.monotonic() + HANG_SECONDS
        while len(found := dict(_URL.findall(up.out.read_text()))) < 2:
            if up.has_ended:
                return False
            if time.monotonic() > deadline:
                raise HangError("`up` did not say where it listens")
            await asyncio.sleep(0.02)
        self.metrics = found["Metrics"]
        self.url = found["Collector"].removesuffix("/api/v1/lineage")
        return True

    async def close(self) -> Done | None:
        """End `up` politely."""
        up = self._leave()
        if up is None:
            return None
        send_signal(up.pid, signal.SIGTERM)
        return await self.processes.wait(up)

    async def kill(self) -> None:
        """Kill `up`.

        Raises:
            HangError: a child of it did not end by itself.
        """
        up = self._leave()
        if up is None:
            return
        children = children_of(up.pid)
        await self.processes.kill(up)
        deadline = time.monotonic() + ORPHAN_SECONDS
        while orphans := [child for child in children if is_alive(child)]:
            if time.monotonic() > deadline:
                for orphan in orphans:
                    send_signal(orphan, signal.SIGKILL)
                raise HangError("a child outlived `up`")
            await asyncio.sleep(0.05)

    def _leave(self) -> Started | None:
        self.url = None
        up, self.up = self.up, None
        return up

    def child(self, role: str) -> int | None:
        """The number of a child of `up`."""
        found = children_of(self.up.pid) if self.up is not None else []
        return next((child for child in found if role_of(child) == role), None)

    def api_base(self) -> str | None:
        """The URL of the API; None while `up` does not listen."""
        return self.url

    def metrics_base(self) -> str | None:
        """The URL at which `/metrics` is, without the path."""
        return self.metrics.removesuffix("/metrics") if self.url is not None else None

    def most_memory(self) -> int:
        """The most that was resident of `up` until now, in MiB."""
        return most_resident(self.up.pid) // MIB if self.up is not None else 0

    def vitals(self) -> dict[str, Vitals]:
        """What `up` and its children need now."""
        return vitals_of(self.up.pid) if self.up is not None else {}

    async def is_folded(self) -> bool:
        """Whether everything is in the tables that was sent."""
        connection = Connection(str(self.url))
        _, body = await connection.ask(request("GET /metrics"))
        connection.close()
        return (found := _LAG.search(body)) is not None and float(found[1]) == 0

    async def begin(self, *arguments: str | Path, **env: str) -> Started:
        """Start a command on the home."""
        name = "-".join(str(one) for one in arguments[:2] if str(one).isalpha())
        return await self.processes.start(
            name, *LINEAGE_BRIDGE, *arguments, "--home", self.home, **env
        )

    async def run(self, *arguments: str | Path, **env: str) -> Done:
        """Run a command on the home to its end."""
        return await self.processes.wait(await self.begin(*arguments, **env))


@asynccontextmanager
async def looked_after(house: House, outcome: Outcome) -> AsyncIterator[None]:
    """End all that was started on a home, and note the tracebacks that were printed."""
    try:
        yield
    finally:
        await house.processes.end_all()
        outcome.wrong += house.processes.troubles()


async def endure(ground: Ground, house: House, *deeds: Coroutine[object, object, None]) -> None:
    """Run `up` while everything is done to it, and note what it needs before and afterwards."""
    outcome = ground.outcome
    await house.open()
    outcome.first = house.vitals()
    await ground.all(*deeds)
    for _ in range(FOLD_SECONDS):
        await asyncio.sleep(SETTLE_SECONDS)
        if house.url is None or await house.is_folded():
            break
    outcome.last = house.vitals()
    outcome.figures["most memory of `up`, MiB"] = house.most_memory()
    await house.close()


async def must(
    house: House,
    outcome: Outcome,
    *arguments: str | Path,
    may_exit: AbstractSet[int] = frozenset({0}),
) -> str:
    """Run a command that must exit so; return what it printed."""
    done = await house.run(*arguments)
    if done.code not in may_exit:
        words = " ".join(str(one) for one in arguments[:2])
        said = (done.err.strip() or done.out.strip())[-500:]
        outcome.wrong.append(f"`{words}` exits {done.code}: {said}")
    return done.out
