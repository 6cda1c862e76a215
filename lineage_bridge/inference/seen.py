"""Which request ids were there before: eight bytes an id, whatever they are.

An id is known by a hash that is the same in every process, so it can be kept. Of ten million ids,
two have the same one with a chance of three in a million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lineage_bridge.profiles.keys import mixed

Hashes: TypeAlias = NDArray[np.uint64]

_LONGEST: Final = 64  # bytes of an id that are hashed as they are
_WORD: Final = 8


def hashes_of(ids: Sequence[str | None]) -> Hashes:
    """Return a number for each id; all that are None have the same one."""
    raw = [b"" if text is None else text.encode("utf-8", "surrogatepass") for text in ids]
    lengths = np.fromiter(map(len, raw), dtype=np.uint64, count=len(raw))
    if raw and lengths.max() > _LONGEST:
        raw = [text if len(text) <= _LONGEST else _digest(text) for text in raw]
    width = -(-max(map(len, raw), default=1) // _WORD) or 1
    words = np.array(raw, dtype=f"S{width * _WORD}").view("<u8").reshape(len(raw), width)
    hashes = mixed(lengths)
    for column in range(width):
        # What a shorter id lacks are zeros, which must not count: so would the longest of a bite.
        is_there = lengths > column * _WORD
        shuffled = mixed(hashes ^ words[:, column])
        hashes = shuffled if is_there.all() else np.where(is_there, shuffled, hashes)
    return hashes


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_LONGEST).digest()


class Seen:
    """Ids, in sorted runs of which each is larger than the next one."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def add(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Add ids; return for each whether it is here for the first time."""
        is_first = np.zeros(len(hashes), dtype=np.bool_)
        is_first[np.unique(hashes, return_index=True)[1]] = True
        for run in self._runs:
            is_first &= ~among(run, hashes)[1]
        self._runs.append(np.sort(hashes[is_first]))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last]), kind="stable"))
        return is_first


def among(run: Hashes, hashes: Hashes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Find ids in a sorted run: the place of each, and whether it is there."""
    if not len(run):
        return np.zeros(len(hashes), dtype=np.intp), np.zeros(len(hashes), dtype=np.bool_)
    places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
    return places, run[places] == hashes
