"""Pass events from the event loop to the journal's writer, and the results back.

Events that arrive in one turn (one iteration of the event loop) are handed over together and
answered together. So the two threads seldom run at once, which in Python costs more than it gains,
and one commit has more events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event

Submit = Callable[[Sequence[Event]], "Future[list[int | None]]"]


class Intake:
    """Appends events to a journal for the coroutines of one event loop."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._turn: _Turn | None = None

    async def append(self, event: Event) -> int | None:
        """Append an event; return its number when it is durable.

        Raises:
            JournalError: it could not be written.
        """
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = _Turn(loop)
            loop.call_soon(self._hand_over)
        return await self._turn.add(event)

    def _hand_over(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.hand_over(self._submit)


class _Turn:
    """The events of one turn, and the futures that wait for their numbers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: list[Event] = []
        self._waiting: list[asyncio.Future[int | None]] = []

    def add(self, event: Event) -> asyncio.Future[int | None]:
        waiting: asyncio.Future[int | None] = self._loop.create_future()
        self._events.append(event)
        self._waiting.append(waiting)
        return waiting

    def hand_over(self, submit: Submit) -> None:
        try:
            written = submit(self._events)
        except JournalError as exc:
            self._fail(exc)
            return
        written.add_done_callback(self._tell)

    def _tell(self, written: Future[list[int | None]]) -> None:
        self._loop.call_soon_threadsafe(self._answer, written)

    def _answer(self, written: Future[list[int | None]]) -> None:
        error = written.exception()
        if error is not None:
            self._fail(error)
            return
        for waiting, seq in zip(self._waiting, written.result(), strict=True):
            if not waiting.cancelled():
                waiting.set_result(seq)

    def _fail(self, error: BaseException) -> None:
        for waiting in self._waiting:
            if not waiting.cancelled():
                waiting.set_exception(error)
