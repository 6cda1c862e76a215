"""Follow a journal in a process of its own.

Folding computes without a pause, and in Python a thread that computes slows down every other thread
of its process. So a server leaves folding to a child process: one core acknowledges events without
delay, another one folds them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
from collections.abc import Sequence

from lineage_bridge.journal.follower import Mark, Watermark

END_SECONDS = 10.0  # a bite takes far less
RESTART_SECONDS = 1.0
_log = logging.getLogger(__name__)


class FollowerProcess:
    """Runs a child that follows, and restarts it if it dies. `close()` ends it after its bite.

    The child ends when its input ends, so it never outlives this process. A byte of input reports
    new events to it; a line of its output reports how far the first model is.

    Args:
        command: starts the child; it must read and write as `lineage_bridge.cli.derive` does.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.watermark = Watermark()
        self._command = command
        self._stop = threading.Event()
        self._child = self._start()
        self._thread = threading.Thread(target=self._listen, name="follower", daemon=True)
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdin is not None
        os.set_blocking(child.stdin.fileno(), False)
        return child

    def wake(self) -> None:
        """Report to the child that the journal has new events."""
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
            assert self._child.stdout is not None
            for line in self._child.stdout:
                device, inode, seq = map(int, line.split())
                self.watermark.move(Mark((device, inode), seq))
            if self._stop.is_set():
                return
            _log.error("The process that derives from the journal ended; it is started again.")
            self._end()
            if self._stop.wait(RESTART_SECONDS):
                return
            self._child = self._start()
