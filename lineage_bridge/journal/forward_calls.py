"""Calls that can be abandoned: each runs in a thread of its own that nothing waits for.

A request that hangs cannot be cancelled from outside: closing its socket does not wake its thread.
A pool of `concurrent.futures` would wait for it at the end of the process, up to the time limit of
an answer. These threads are daemons, so the process can end without waiting for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def call_apart(call: Callable[[], T]) -> Future[T]:
    """Start a call in a thread of its own; the future gets its result or its exception."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as exc:  # noqa: BLE001 - whoever asks for the result must get it
            future.set_exception(exc)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="forward-call", daemon=True).start()
    return future
