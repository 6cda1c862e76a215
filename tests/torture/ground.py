"""Where one kind of trouble takes place: a folder, an amount of time, a seeded source of chance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from torture.outcome import Outcome


@dataclass
class Ground:
    """What a kind of trouble is given.

    Attributes:
        folder: an empty one of its own.
        seconds: how long to go on.
        rng: its source of chance. Processes race all the same: a seed repeats what is done, and
            not what comes of it.
        dedupes: whether the journal takes a stranger's event once that is sent twice.
        outcome: to be filled.
    """

    folder: Path
    seconds: float
    rng: Random
    dedupes: bool
    outcome: Outcome
    _until: float = field(default=0.0, init=False)

    def begin(self) -> None:
        """Begin to count the time."""
        self._until = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._until - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.left == 0

    async def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        await asyncio.sleep(min(seconds, self.left))

    async def all(self, *deeds: Coroutine[object, object, None]) -> None:
        """Do everything at once, from now until the time is over."""
        self.begin()
        async with asyncio.TaskGroup() as group:
            for deed in deeds:
                group.create_task(deed)
