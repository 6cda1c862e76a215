"""Follow a journal in a process of its own.

Folding computes without a pause, and in Python a thread that computes slows down every other thread
of its process. So a server leaves folding to a child process: one core acknowledges events without
delay, another one folds them.
"""

from __future__ import annotations

from collections.abc import Sequence

from lineage_bridge.journal.follower import Mark, Watermark
from lineage_bridge.serve.child import Child


class FollowerProcess:
    """Runs a child that follows, and restarts it if it dies. `close()` ends it after its bite.

    A byte of input reports new events to it; a line of its output reports how far the first model
    is.

    Args:
        command: starts the child; it must read and write as `lineage_bridge.cli.derive` does.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.watermark = Watermark()
        self._child = Child(command, "derives from the journal", self._hear)

    def wake(self) -> None:
        """Report to the child that the journal has new events."""
        self._child.wake()

    def close(self) -> None:
        """End the child after its current bite."""
        self._child.close()

    def _hear(self, line: bytes) -> None:
        device, inode, seq = map(int, line.split())
        self.watermark.move(Mark((device, inode), seq))
