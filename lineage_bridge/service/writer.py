"""What an instance writes: lines of the contract, in the order in which they came to be.

A line that cannot be written waits, up to a bound; a row of the log does not. The first failure is
logged in one line, and so is the end of it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import orjson

from lineage_bridge.service.counting import Key, Tallies, Tally
from lineage_bridge.service.files import InstanceFiles, append
from lineage_bridge.service.model import Model
from lineage_bridge.service.rows import Rows, encode
from lineage_bridge.times import EPOCH, format_time

log = logging.getLogger(__name__)

MAX_LINES: Final = 5_000  # that wait for a disk; a few MB, hours of a service with few endpoints
LOCK_SECONDS: Final = 5.0  # for another writer of this process, at the end
TALLY_SECONDS: Final = 0.2

Current = tuple[datetime, int, list[Key]]  # now, its minute, the windows that stand open at least


@dataclass(frozen=True)
class Slot:
    """The words that name a deployment."""

    name: str
    version: str
    environment: str
    deployment: str

    @property
    def words(self) -> dict[str, str]:
        """The fields that windows and starts share."""
        return {
            "service_name": self.name,
            "service_version": self.version,
            "environment": self.environment,
            "deployment_id": self.deployment,
        }

    @property
    def log_words(self) -> dict[str, str]:
        """The fields of a row of the log."""
        return {
            "service": self.name,
            "environment": self.environment,
            "deployment_id": self.deployment,
        }


@dataclass
class Counters:
    """What became of what was counted, since the instance began.

    Attributes:
        lines_written: windows and starts.
        lines_dropped: of them, those that waited for the disk too long.
        rows_written: of the inference log.
        rows_dropped: because too many waited, or they could not be written or encoded.
        requests_dropped: that are in no window, because too many windows waited.
        write_failures: of writes that were tried.
    """

    lines_written: int = 0
    lines_dropped: int = 0
    rows_written: int = 0
    rows_dropped: int = 0
    requests_dropped: int = 0
    write_failures: int = 0

    @property
    def dropped(self) -> tuple[int, int, int]:
        """What is lost: windows and starts, rows, requests."""
        return self.lines_dropped, self.rows_dropped, self.requests_dropped


class Writer:
    """Writes the files of one instance; one thread at a time."""

    def __init__(self, files: InstanceFiles, slot: Slot, instance: str, counters: Counters) -> None:
        self._files = files
        self._slot = slot
        self._instance = instance
        self._counters = counters
        self._starts: deque[tuple[Path, dict[str, Any]]] = deque()  # any thread puts them here
        self._lines: deque[tuple[Path, bytes]] = deque()
        self._lock = threading.RLock()
        self._open: list[Key] = []  # of the minute of the last look
        self._is_failing = False
        self._told: tuple[int, int, int] = (0, 0, 0)

    def begin(self, keys: list[Key]) -> None:
        """Have every minute from now on be told of, also those without requests.

        Args:
            keys: the windows of this minute.
        """
        self._open = keys

    def tell_start(self, model: Model, now: datetime, reason: str) -> None:
        """Put the line of a start among those that wait."""
        event = {
            "event_type": "serving_deployment_activated",
            "event_time": format_time(now),
            **self._slot.words,
            "instance_id": self._instance,
            **model.words,
            "bundle_uri": model.bundle_uri or model.words["bundle_id"],
            **model.times(now),
            "activation_reason": reason,
            "traffic_status": "serving",
            "schema_version": "v1",
        }
        self._starts.append((self._files.events(now), event))

    def write(
        self, tallies: Tallies, rows: Rows, current: Current, *, is_end: bool = False
    ) -> None:
        """Write the windows that have ended and the rows that wait.

        Args:
            tallies: the windows; at the end also that of this minute is taken, as the contract has
                it: written before its own end, it says that the instance shut down.
            rows: of the log.
            current: the time, its minute, and the windows that each minute has.
            is_end: whether nothing comes after.
        """
        if not self._lock.acquire(timeout=LOCK_SECONDS if is_end else 0):
            if is_end:
                log.warning("The last serving windows were not written: a write hangs.")
            return
        try:
            self._take(tallies, current, is_end=is_end)
            self._write_lines()
            self._write_rows(rows)
            self._tell_dropped()
        finally:
            self._lock.release()

    def _take(self, tallies: Tallies, current: Current, *, is_end: bool) -> None:
        while self._starts:
            self._put(*self._starts.popleft())
        now, minute, keys = current
        taken = tallies.take(None if is_end else minute, TALLY_SECONDS)
        if taken is None:
            return
        found = dict(taken)
        ended = [key for key in self._open if key.minute != minute]
        for key in (*ended, *(keys if is_end else ())):
            found.setdefault(key, Tally())
        self._open = keys
        for key in sorted(found, key=lambda key: key.minute):
            self._tell_window(key, found[key], now, is_end=is_end)

    def _tell_window(self, key: Key, tally: Tally, now: datetime, *, is_end: bool) -> None:
        start = EPOCH + timedelta(minutes=key.minute)
        end = start + timedelta(minutes=1)
        # A clock that was set back must not make a shutdown of a window.
        written = now if is_end else max(now, end)
        window = {
            "schema_version": "v1",
            "window_start": format_time(start),
            "window_end": format_time(end),
            **self._slot.words,
            "instance_id": self._instance,  # not in the contract; two alike are never one
            **key.model.words,
            "endpoint_name": key.endpoint,
            **tally.as_fields(),
            "heartbeat_emitted_at": format_time(written),
        }
        self._put(self._files.windows(start), window)

    def _put(self, path: Path, document: dict[str, Any]) -> None:
        if len(self._lines) >= MAX_LINES:
            self._lines.popleft()
            self._counters.lines_dropped += 1
        self._lines.append((path, orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)))

    def _write_lines(self) -> None:
        waiting = list(self._lines)
        for path, group in groupby(waiting, key=itemgetter(0)):
            lines = [line for _, line in group]
            if not self._append(path, b"".join(lines)):
                return
            for _ in lines:
                self._lines.popleft()
            self._counters.lines_written += len(lines)

    def _write_rows(self, rows: Rows) -> None:
        taken = rows.take()
        if not taken:
            return
        lines: dict[Path, list[bytes]] = {}
        words, written = self._slot.log_words, 0
        for row in taken:
            line = encode(row, words)
            if line is not None:
                path = self._files.log(datetime.fromtimestamp(row.at, UTC))
                lines.setdefault(path, []).append(line)
        for path, of_path in lines.items():
            if self._append(path, b"".join(of_path)):
                written += len(of_path)
        self._counters.rows_written += written
        self._counters.rows_dropped += len(taken) - written

    def _append(self, path: Path, content: bytes) -> bool:
        try:
            append(path, content)
        except OSError as exc:
            self._counters.write_failures += 1
            if not self._is_failing:
                log.warning("Serving windows cannot be written, and wait: %s", exc)
            self._is_failing = True
            return False
        if self._is_failing:
            log.warning("Serving windows are written again.")
            self._is_failing = False
        return True

    def _tell_dropped(self) -> None:
        dropped = self._counters.dropped
        if any(dropped) != any(self._told):  # once; the counters have the rest
            log.warning(
                "Dropped so far: %d windows or starts, %d rows of the log, %d requests. The "
                "service goes on; `counters` says more.",
                *dropped,
            )
            self._told = dropped
