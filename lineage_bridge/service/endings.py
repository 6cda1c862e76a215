"""How a process ends or forks, and what becomes of what its services have in memory.

- A normal end, also of a child of `multiprocessing`: what is left is written.
- SIGTERM: whoever has a handler decides (uvicorn and gunicorn end normally). Where it would simply
  end the process, ours writes first, and then lets it.
- The child of a fork begins anew: what was counted before is its parent's to write.
- SIGKILL, and `os._exit`, ask nobody: the minute under way is lost.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Protocol
from weakref import WeakSet

log = logging.getLogger(__name__)


class Ending(Protocol):
    """What ends with its process."""

    def close(self) -> None:
        """Write what is left."""

    def begin_anew(self) -> None:
        """Forget what is the parent's."""


_all: WeakSet[Ending] = WeakSet()
_started: dict[int, Ending] = {}  # held, so that one that nobody else holds writes its last minute


def begin_anew_in_children(one: Ending) -> None:
    """Have it begin anew in every child of a fork."""
    _all.add(one)


def close_at_exit(one: Ending) -> None:
    """Have it closed when the process ends, however it may."""
    _started[id(one)] = one
    _close_with_multiprocessing()
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may have signals handled
    with contextlib.suppress(ValueError):  # nor may a second interpreter
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _end)


def forget(one: Ending) -> None:
    """Let go of one that is closed."""
    _started.pop(id(one), None)


def _end(number: int, _frame: FrameType | None) -> None:
    _close_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _close_all() -> None:
    for one in list(_started.values()):
        try:
            one.close()
        except Exception:
            log.exception("A bug of lineage_bridge.service; the last minute may be missing.")


def _begin_child() -> None:
    _started.clear()
    for one in list(_all):
        one.begin_anew()


def _close_with_multiprocessing() -> None:
    """Have a child of `multiprocessing` end as any other process: it ends without `atexit`."""
    if "multiprocessing.process" not in sys.modules:
        return
    from multiprocessing import parent_process, util

    if parent_process() is not None:
        util.Finalize(None, _close_all, exitpriority=10)


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
