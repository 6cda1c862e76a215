"""Sets of very many numbers, of which 8 bytes each are kept in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left


class NumberSet:
    """A set of numbers from 0 to 2**64 - 1; add all of them before asking for the first."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._is_sorted = True

    def add(self, number: int) -> None:
        """Add a number, perhaps once more."""
        self._numbers.append(number)
        self._is_sorted = False

    def __contains__(self, number: int) -> bool:
        if not self._is_sorted:
            self._numbers = array("Q", sorted(self._numbers))
            self._is_sorted = True
        at = bisect_left(self._numbers, number)
        return at < len(self._numbers) and self._numbers[at] == number
