"""Well-behaved clients: producers that send an event until it is taken, and readers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import count
from typing import Any

from benchmarks.contending.load import Connection, loaded_event, post_of

from torture.ground import Ground
from torture.ledger import Ledger, key_of, sentence

UNSENT = -1
AWAY_SECONDS = 0.05  # until a client asks again that got no answer
BUSY_SECONDS = 0.2  # and one that got an error
ONCE = 0.25  # share of events that are given up once their client was told anything
SERIES = 100_000_000  # runs of one producer

Event = dict[str, Any]


class Caller:
    """A client on one connection, which is made again after it broke.

    Args:
        url: gives the server's URL, which changes when that starts again; None while it is away.
        anew: each request comes over a connection of its own.
    """

    def __init__(self, url: Callable[[], str | None], *, anew: bool = False) -> None:
        self._url = url
        self._anew = anew
        self._asked_at: str | None = None
        self._connection: Connection | None = None

    async def ask(self, asked: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; 0 if there was none, UNSENT if nobody listened."""
        url = self._url()
        if url is None:
            return UNSENT, b""
        if self._connection is None or self._anew or url != self._asked_at:
            self.close()
            self._asked_at, self._connection = url, Connection(url)
        try:
            await self._connection.open()
        except OSError:
            return UNSENT, b""
        return await self._connection.ask(asked)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def turns(ground: Ground, per_second: float) -> AsyncIterator[float]:
    """Instants at which something is due, until the time is over; those missed are left out."""
    due = time.monotonic()
    while not ground.is_over:
        yield due
        now = time.monotonic()
        due = max(due + 1 / per_second, now)
        await ground.pause(due - now)


def runs(series: int, age_seconds: float = 0.0) -> Iterator[Event]:
    """START and COMPLETE of one run after the other; they happen when they are asked for."""
    for run in count(series * SERIES):
        for kind in ("START", "COMPLETE"):
            yield loaded_event(run, kind, time.time() - age_seconds)


async def produce(
    ground: Ground,
    caller: Caller,
    ledger: Ledger,
    events: Iterable[Event],
    *,
    per_second: float,
    what: str = "POST",
    prunable: bool = False,
) -> None:
    """Send events until the time is over."""
    source = iter(events)
    async for due in turns(ground, per_second):
        event = next(source)
        if prunable:
            ledger.prunable.add(key_of(event))
        await deliver(ground, caller, ledger, event, due, what)
    caller.close()


async def deliver(
    ground: Ground, caller: Caller, ledger: Ledger, event: Event, due: float, what: str = "POST"
) -> None:
    """Send an event, byte for byte the same, until it is taken or the time is over.

    Some are sent only until the client was told anything: what it was told must be true.
    """
    key, asked = key_of(event), post_of(event)
    is_once = ground.rng.random() < ONCE
    while not ground.is_over:
        status, body = await caller.ask(asked)
        if status == UNSENT:
            await ground.pause(AWAY_SECONDS)
            continue
        if ledger.take(key, status, body):
            ground.outcome.waited(what, time.monotonic() - due)
            return
        ground.outcome.refused += status >= 400
        if status >= 400 and (is_once or status < 500):
            return
        await ground.pause(BUSY_SECONDS if status else AWAY_SECONDS)


async def read(
    ground: Ground, caller: Caller, what: str, make: Callable[[], bytes], *, per_second: float
) -> None:
    """Ask for something that is there, until the time is over."""
    outcome = ground.outcome
    async for due in turns(ground, per_second):
        status, body = await caller.ask(make())
        if status == 200:
            outcome.waited(what, time.monotonic() - due)
        elif status != UNSENT:
            outcome.refused += 1
            outcome.figures[f"{what}: refused"] += 1
            outcome.answers[f"{what}: {sentence(status, body)}"] += 1
    caller.close()
