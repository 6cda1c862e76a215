"""A process beside this one: started again if it dies, and never outliving this one."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Sequence

END_SECONDS = 10.0  # a bite of work takes far less
RESTART_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Child:
    """Runs a command as a child, and restarts it if it dies. `close()` ends it after its bite.

    The child must end when its input ends, so it never outlives this process.

    Args:
        command: starts the child.
        does: what it does, for the log: `derives from the journal`.
        hear: is told each line of its output; None leaves it this process's output.
    """

    def __init__(
        self, command: Sequence[str], does: str, hear: Callable[[bytes], None] | None = None
    ) -> None:
        self._command = command
        self._does = does
        self._hear = hear
        self._stop = threading.Event()
        self._child = self._start()
        self._thread = threading.Thread(target=self._listen, name=does, daemon=True)
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        output = None if self._hear is None else subprocess.PIPE
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, stdin=subprocess.PIPE, stdout=output
        )
        assert child.stdin is not None
        os.set_blocking(child.stdin.fileno(), False)
        return child

    def wake(self) -> None:
        """Send a byte to the child's input."""
        assert self._child.stdin is not None
        # Full pipe: the child will look anyway. Closed pipe: the child is being started again.
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ValueError):
            os.write(self._child.stdin.fileno(), b"\n")

    def close(self) -> None:
        """End the child after its current bite."""
        self._stop.set()
        self._end()
        self._thread.join()

    def _end(self) -> None:
        child = self._child
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _listen(self) -> None:
        while True:
            if self._hear is None or self._child.stdout is None:
                self._child.wait()
            else:
                for line in self._child.stdout:
                    self._hear(line)
            if self._stop.is_set():
                return
            _log.error("The process that %s ended; it is started again.", self._does)
            self._end()
            if self._stop.wait(RESTART_SECONDS):
                return
            self._child = self._start()
