"""Labels that arrive late: from files of their own or from the log, joined by request id.

Of several labels of one request the newest one counts: the one that was known last, or was written
last where that is not said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lineage_bridge.inference.requests import NO_TIME, Requests, Told
from lineage_bridge.inference.seen import Hashes, hashes_of
from lineage_bridge.inference.values import Inference
from lineage_bridge.profiles.keys import Flags, Floats
from lineage_bridge.times import Stamp, to_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NO_TIME: Final = -math.inf  # older than any other
_DAY_US: Final = 86_400e6


class LabelPart(NamedTuple):
    """Some labels, in the order in which they were read.

    Attributes:
        ids: hashes of the requests' ids.
        known_us: when each became known, microseconds since 1970; minus infinity: not said.
    """

    ids: Hashes
    known_us: Floats
    labels: Told


class LabelLines:
    """Labels as they are read, some thirty bytes for each."""

    def __init__(self) -> None:
        self._parts: list[LabelPart] = []
        self._count = 0

    def add(self, told: Sequence[tuple[Inference, Stamp | None]]) -> None:
        """Take the labels of rows that have one.

        Args:
            told: each row, and when its label became known.
        """
        if not told:
            return
        known = [_NO_TIME if at is None else to_micros(at.instant) for _, at in told]
        self._parts.append(
            LabelPart(
                hashes_of([row.request_id for row, _ in told]),
                np.array(known, np.float64),
                Told.of([row.label for row, _ in told]),
            )
        )
        self._count += len(told)

    def extend(self, part: LabelPart) -> None:
        """Take labels that were read before."""
        self._parts.append(part)
        self._count += len(part.ids)

    def take(self) -> LabelPart:
        """Return everything that was added, and forget it."""
        parts, self._parts, self._count = self._parts, [], 0
        return _joined(parts)

    def __len__(self) -> int:
        return self._count

    def settled(self) -> Labels:
        """Sort the labels, so that those of a request are found."""
        self._parts = [_joined(self._parts)]
        ids, known, labels = self._parts[0]
        order = np.lexsort((known, ids))  # stable: of one time, the one that was written last
        ids, labels = ids[order], labels.where(order)
        same_id = ids[1:] == ids[:-1]
        texts, numbers = labels.texts, labels.numbers
        differs = (texts[1:] != texts[:-1]) | ((texts[1:] < 0) & (numbers[1:] != numbers[:-1]))
        return Labels(
            LabelPart(ids, known[order], labels),
            lines=len(ids),
            duplicates=int(same_id.sum()),
            changed=int((same_id & differs).sum()),
        )


def _joined(parts: Sequence[LabelPart]) -> LabelPart:
    """Put labels one behind another, each text under one number."""
    names: dict[str, int] = {}
    texts = []
    for part in parts:
        own = [names.setdefault(name, len(names)) for name in part.labels.names]
        numbers = np.array([*own, 0], np.int32)
        is_text = part.labels.is_text
        texts.append(np.where(is_text, numbers[np.where(is_text, part.labels.texts, -1)],
                              part.labels.texts).astype(np.int32))  # fmt: skip
    return LabelPart(
        np.concatenate([np.zeros(0, np.uint64), *(part.ids for part in parts)]),
        np.concatenate([np.zeros(0), *(part.known_us for part in parts)]),
        Told(
            np.concatenate([np.zeros(0), *(part.labels.numbers for part in parts)]),
            np.concatenate([np.zeros(0, np.int32), *texts]),
            tuple(names),
        ),
    )


class Joined(NamedTuple):
    """What is known to be true of requests.

    Attributes:
        labels: in the order of the requests.
        known_us: when each was known, microseconds since 1970: that of its own row with its
            request; minus infinity where that is not said; NaN where there is none.
        newest_us: when the newest label was known, also one that came too late to count.
        again: how many more labels there were of the same request.
        late: how many of them came too late to count.
    """

    labels: Told
    known_us: Floats
    newest_us: Floats
    again: NDArray[np.int64]
    late: NDArray[np.int64]


@dataclass(slots=True)
class Labels:
    """Labels by the hashes of their requests' ids, those of a request by when they were known.

    Of several the newest counts that did not come too late.

    Attributes:
        lines: how many labels were read.
        duplicates: how many of them were of a request that had one already.
        changed: how many of those said otherwise than the one before.
        late: how many came too long after their request, and do not count.
    """

    _sorted: LabelPart
    lines: int
    duplicates: int
    changed: int
    late: int = 0
    _is_used: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def of(self, requests: Requests, days: float) -> Joined:
        """Find the labels of requests; one without a request id has its own.

        Args:
            requests: as they were read.
            days: how long after its request a label may become known.
        """
        own, count = requests.labels, len(requests)
        asked_us = np.where(requests.at_us == NO_TIME, _NO_TIME, requests.at_us)
        own_known = np.where(own.is_there, asked_us, math.nan)
        ids, known_us, labels = self._sorted
        if requests.ids is None or not len(ids):
            nothing = np.zeros(count, np.int64)
            return Joined(own, own_known, own_known, nothing, nothing)
        firsts, ends = (np.searchsorted(ids, requests.ids, side) for side in ("left", "right"))
        found = ends > firsts
        self._note_used(firsts[found])
        limit_us = np.where(asked_us > _NO_TIME, asked_us + days * _DAY_US, math.inf)
        places, late = ends - 1, np.zeros(count, np.int64)
        while (is_late := (places >= firsts) & (known_us[places] > limit_us)).any():
            places, late = places - is_late, late + is_late
        self.late += int(late.sum())
        counts = found & (places >= firsts)
        known = np.where(counts, known_us[places], math.nan)
        return Joined(
            # Of late ones nothing counts; of one that nobody told of later its own row does.
            labels.where(places).only(counts).or_else(own.only(~found)),
            np.where(found, known, own_known),
            np.where(found, known_us[ends - 1], own_known),
            np.where(found, ends - firsts - 1, 0),
            late,
        )

    def _note_used(self, places: NDArray[np.intp]) -> None:
        if not len(self._is_used):
            self._is_used = np.zeros(len(self._sorted.ids), dtype=np.bool_)
        self._is_used[places] = True

    @property
    def unknown(self) -> int:
        """How many requests with labels were not looked up."""
        return self.lines - self.duplicates - int(self._is_used.sum())
