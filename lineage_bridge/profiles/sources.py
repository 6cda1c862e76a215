"""Where rows come from: columns in bites. A format is one class that does what `Source` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

BYTES_A_BITE: Final = 32 * 2**20  # of memory, roughly, for all columns of a bite
VALUE_BYTES: Final = 8  # of a number
MOST_ROWS_A_BITE: Final = 2**19
FEWEST_ROWS_A_BITE: Final = 2**10


class Source(Protocol):
    """A set of rows that is read once, from its beginning to its end.

    Attributes:
        types: the Arrow type of each column; empty where rows say themselves what they have.
        notes: what else is to be known of how the rows are read.
    """

    types: dict[str, Any]
    notes: frozenset[str]

    def bites(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read some rows at a time: how many, and an Arrow array for each of their columns.

        Raises:
            ArtifactError: the source cannot be read.
        """
        ...


def rows_a_bite(columns: int, bytes_a_row: int = 0) -> int:
    """Return how many rows are read at a time.

    Args:
        columns: how many each has.
        bytes_a_row: how many each takes on the average, where that is known.
    """
    numbers = VALUE_BYTES * max(columns, 1)
    fewest = FEWEST_ROWS_A_BITE if bytes_a_row <= numbers else 1
    return min(max(BYTES_A_BITE // max(numbers, bytes_a_row), fewest), MOST_ROWS_A_BITE)
