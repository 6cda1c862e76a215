r"""Names that others chose, in our output: shown whole, and without any effect on a terminal.

A name may have any character. Those that a reader would not see as themselves (line ends, escapes,
marks that turn the direction of writing or have no width) are written as `\x1b`, `\u202e`: two
names that differ look different, and no name makes a line or a colour of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Unicode calls them letters or marks, so Python calls them printable; nobody can see them.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
SUGGESTED: Final = 3
SHORTEST_PART: Final = 3  # characters; a shorter text is a part of nearly everything
LIKENESS: Final = 0.6  # from 0 to 1; below it a suggestion would be a guess


def printable(text: object) -> str:
    """Write every character of a text that does not show as itself as an escape."""
    shown = str(text)
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else _escape(c) for c in shown)
    return shown if shown.isascii() else _UNSEEN.sub(lambda found: _escape(found[0]), shown)


def is_seen(character: str) -> bool:
    """Return whether a character shows as itself."""
    return character.isprintable() and not _UNSEEN.match(character)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def nearest(text: str, known: Iterable[str], n: int = SUGGESTED) -> list[str]:
    """Return the known texts that somebody may have meant, the likeliest first.

    After those that are like it, those that it is a part of, the shortest first.
    """
    from difflib import get_close_matches

    listed = list(known)
    alike = get_close_matches(text, listed, n=n, cutoff=LIKENESS)
    if len(alike) == n or len(text) < SHORTEST_PART:
        return alike
    part = text.lower()
    longer = {other for other in listed if part in other.lower()}.difference(alike)
    return [*alike, *sorted(longer, key=lambda other: (len(other), other))][:n]


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Write a sentence with the nearest known texts; empty where none is near."""
    near = [f"`{printable(match)}`" for match in nearest(text, known)]
    if not near:
        return ""
    *others, last = near
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"Did you mean {listed}?"
