"""Errors and log lines as they are printed on standard error, each on lines of its own.

Both quote text of others: a name that was asked for, an artifact's words, a server's answer. So
they are escaped, and the secrets in them masked.
"""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TypeAlias

from lineage_bridge.commands import pasteable
from lineage_bridge.errors import LineageBridgeError, NodeNotFoundError, SettingsError, bug_text
from lineage_bridge.masking import masked
from lineage_bridge.show.text import did_you_mean, printable

_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


def error_text(exc: Exception) -> str:
    """Write the message to people for an exception: one of ours, or a bug."""
    if isinstance(exc, NodeNotFoundError):
        return " ".join(filter(None, [quotable(exc), did_you_mean(exc.text, exc.known)]))
    if isinstance(exc, SettingsError):
        return "\n".join(map(quotable, exc.problems))
    # A full disk, or a file that may not be written, is no bug.
    is_expected = isinstance(exc, LineageBridgeError | OSError)
    return quotable(exc if is_expected else bug_text(exc))


def traceback_text(exc: Exception) -> str:
    """Write where an exception was raised, and those behind it."""
    return PrintableFormatter().formatException((type(exc), exc, exc.__traceback__))


def quotable(text: object) -> str:
    """Write a text that quotes others: without the secrets in it, and within its line."""
    return printable(pasteable(masked(str(text))))


class PrintableFormatter(logging.Formatter):
    """A formatter of log lines that escapes the text that they quote."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 # logging's name
        """Format the line itself."""
        return quotable(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 # logging's name
        """Format the traceback, and keep its line ends."""
        return "\n".join(map(quotable, super().formatException(ei).split("\n")))


def make_logs_printable() -> None:
    """Escape the log lines that Python prints itself because no handler is set up for them."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(PrintableFormatter())
