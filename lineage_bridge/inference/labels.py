"""Labels that arrive late: from files of their own or from the log, joined by request id.

Of several labels of one request the newest one counts: the one that was known last, or was written
last where that is not said.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lineage_bridge.inference.seen import Hashes, among, hashes_of
from lineage_bridge.inference.values import Answer, Inference
from lineage_bridge.times import Stamp, from_micros, to_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NO_TEXT: Final = -1
_NO_TIME: Final = -math.inf  # older than any other


class LabelLines:
    """Labels as they are read, some thirty bytes for each."""

    def __init__(self) -> None:
        self._ids, self._times = array("q"), array("d")
        self._numbers, self._texts = array("d"), array("q")
        self._names: dict[str, int] = {}

    def add(self, row: Inference, known_at: Stamp | None) -> None:
        """Take the label of a row that has one, and a request id.

        Args:
            row: of a log or of a file of labels.
            known_at: when the label became known.
        """
        self._ids.append(hash(row.request_id))
        self._times.append(_NO_TIME if known_at is None else to_micros(known_at.instant))
        is_text = isinstance(row.label, str)
        self._numbers.append(math.nan if isinstance(row.label, str) else row.label or 0.0)
        name = str(row.label) if is_text else ""
        self._texts.append(self._names.setdefault(name, len(self._names)) if is_text else _NO_TEXT)

    def __len__(self) -> int:
        return len(self._ids)

    def settled(self) -> Labels:
        """Let the newest label of each request count."""
        ids, times = (np.frombuffer(a, d) for a, d in ((self._ids, np.int64), (self._times, float)))
        order = np.lexsort((times, ids))  # stable: of one time, the one that was written last
        numbers = np.frombuffer(self._numbers, float)[order]
        texts = np.frombuffer(self._texts, np.int64)[order]
        ids = ids[order]
        same_id = ids[1:] == ids[:-1]
        differs = (texts[1:] != texts[:-1]) | (
            (texts[1:] == _NO_TEXT) & (numbers[1:] != numbers[:-1])
        )
        is_last = np.append(~same_id, np.ones(min(len(ids), 1), dtype=np.bool_))
        return Labels(
            ids[is_last],
            times[order][is_last],
            numbers[is_last],
            texts[is_last],
            [*self._names],
            lines=len(self),
            duplicates=int(same_id.sum()),
            changed=int((same_id & differs).sum()),
        )


@dataclass(slots=True)
class Labels:
    """One label for each request, in the order of their ids' hashes.

    Attributes:
        lines: how many labels were read.
        duplicates: how many of them were of a request that had one already.
        changed: how many of those said otherwise than the one before.
        late: how many came too long after their request, and do not count.
    """

    _ids: Hashes
    _times: NDArray[np.float64]
    _numbers: NDArray[np.float64]
    _texts: NDArray[np.int64]
    _names: Sequence[str]
    lines: int
    duplicates: int
    changed: int
    late: int = 0
    _is_used: NDArray[np.bool_] | None = None

    def of(self, rows: Sequence[Inference], days: float) -> list[Answer | None]:
        """Find the labels of requests; one without a request id has its own.

        Args:
            rows: the requests.
            days: how long after its request a label may become known.
        """
        if not self.lines:
            return [row.label for row in rows]
        places, found = among(self._ids, hashes_of([row.request_id for row in rows]))
        if self._is_used is None:
            self._is_used = np.zeros(len(self._ids), dtype=np.bool_)
        longest = timedelta(days=min(days, 36_500))
        labels: list[Answer | None] = []
        for row, place, is_there in zip(rows, places.tolist(), found.tolist(), strict=True):
            if row.request_id is None or not is_there:
                labels.append(row.label)
                continue
            self._is_used[place] = True
            if self._is_late(place, row, longest):
                self.late += 1
                labels.append(None)
            else:
                labels.append(self._label(place))
        return labels

    @property
    def unknown(self) -> int:
        """How many labels are of no request that was looked up."""
        return len(self._ids) - (0 if self._is_used is None else int(self._is_used.sum()))

    def _label(self, place: int) -> Answer:
        text = int(self._texts[place])
        return float(self._numbers[place]) if text == _NO_TEXT else self._names[text]

    def _is_late(self, place: int, row: Inference, longest: timedelta) -> bool:
        known_us: Any = self._times[place]
        if row.at is None or known_us == _NO_TIME:
            return False
        return from_micros(int(known_us)) - row.at.instant > longest
