"""Distributions as a line of blocks: `▂▇█▅▂▁··`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_NOTHING: Final = "·"


def blocks(shares: Sequence[float], highest: float | None = None) -> str:
    """Draw shares as blocks, the largest as a full one; a share of 0 is a dot.

    Args:
        shares: from 0 to 1.
        highest: what a full block stands for, where several lines have one scale.
    """
    full = highest or max(shares, default=0.0)
    return "".join(_block(share, full) for share in shares)


def same_scale(lines: Iterable[Sequence[float]]) -> list[str]:
    """Draw several lines so that blocks of one height mean the same share."""
    listed = list(lines)
    highest = max((share for line in listed for share in line), default=0.0)
    return [blocks(line, highest) for line in listed]


def _block(share: float, full: float) -> str:
    if share <= 0 or full <= 0:
        return _NOTHING
    return _HEIGHTS[min(int(share / full * len(_HEIGHTS)), len(_HEIGHTS) - 1)]
