"""Group commit: many threads append, and one transaction makes all their events durable.

A commit costs one fsync, however many events it has; so all events that arrive during one commit
share the next.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.journal.store import Journal, Origin

MAX_GROUP = 500

Seqs = list[int | None]
_Item = tuple[Sequence[Event], Origin, "Future[Seqs]"]


class Writer:
    """A thread that appends to a journal. `close()` ends it after all submitted events.

    Args:
        journal: receives the events.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, event: Event, origin: Origin) -> Future[int | None]:
        """Append one event, as `submit_all` does."""
        future: Future[int | None] = Future()
        self.submit_all([event], origin).add_done_callback(lambda done: _pass_on(done, future))
        return future

    def submit_all(self, events: Sequence[Event], origin: Origin) -> Future[Seqs]:
        """Append events together; the future returns their sequence numbers once they are durable.

        It returns None for an event whose id the journal has or had, and raises JournalError if
        writing failed.
        """
        future: Future[Seqs] = Future()
        if not self._thread.is_alive():
            raise JournalError("The journal's writer is closed; nothing more can be appended.")
        self._queue.put((events, origin, future))
        return future

    def close(self) -> None:
        """Write all submitted events, then end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            group, events = [item], len(item[0])
            last = False
            while events < MAX_GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    last = True
                    break
                group.append(following)
                events += len(following[0])
            self._write(group)
            if last:
                return

    def _write(self, group: list[_Item]) -> None:
        try:
            with self._journal.transaction() as tx:
                seqs = [
                    [tx.append(event, origin) for event in events] for events, origin, _ in group
                ]
        except BaseException as exc:  # noqa: BLE001 - whatever it was, each submitter must get it
            for _, _, future in group:
                future.set_exception(exc)
            return
        for (_, _, future), seq in zip(group, seqs, strict=True):
            future.set_result(seq)


def _pass_on(written: Future[Seqs], future: Future[int | None]) -> None:
    error = written.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(written.result()[0])
