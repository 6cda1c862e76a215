"""Threads that call a Marquez, and that nothing waits for, so that a call can be abandoned.

A request that hangs cannot be cancelled from outside: closing its socket does not wake its thread.
A pool of `concurrent.futures` would wait for it at the end of the process, up to the time limit of
an answer. These threads are daemons, so the process can end without them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Callers:
    """As many threads as there are calls under way, each kept for the next call.

    For one thread, which hands out the calls. `close()` ends those that come back.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._under_way: list[Future[Any]] = []
        self._threads = 0

    def call(self, call: Callable[[], T]) -> Future[T]:
        """Make a call in a thread; whatever it raises, the future raises."""
        future: Future[T] = Future()
        self._under_way = [*(one for one in self._under_way if not one.done()), future]
        self._calls.put(partial(_make, call, future))
        if len(self._under_way) > self._threads:
            self._threads += 1
            threading.Thread(target=self._run, name="forward-call", daemon=True).start()
        return future

    def close(self) -> None:
        """Let each thread end after its call."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _run(self) -> None:
        while (make := self._calls.get()) is not None:
            make()


def _make(call: Callable[[], T], future: Future[T]) -> None:
    try:
        result = call()
    except BaseException as exc:  # noqa: BLE001 - whoever asks for the result must get it
        future.set_exception(exc)
    else:
        future.set_result(result)
