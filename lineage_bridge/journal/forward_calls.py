"""Calls that may be left behind: each in a thread of its own that nothing waits for.

A request that hangs cannot be broken off from outside: its socket wakes nobody when it is closed.
A pool of `concurrent.futures` would wait for it at the end of the process, up to the time limit of
an answer. These threads are daemons: whoever stops does not wait for them, and the process ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def call_apart(call: Callable[[], T]) -> Future[T]:
    """Begin a call in a thread of its own; the future gets its result, or what it raised."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as exc:  # noqa: BLE001 - whoever asks for the result must hear it
            future.set_exception(exc)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="forward-call", daemon=True).start()
    return future
