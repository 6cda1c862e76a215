r"""Names of others in our output: shown whole, and never able to do anything there.

A name may hold any character. Those that a terminal or a reader would not see as themselves (line
ends, escapes, marks that turn the direction of writing) are written as `\x1b`, `\u202e`.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every character that does not print as itself written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
