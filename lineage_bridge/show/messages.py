"""What goes wrong, as it is told on standard error: errors and log lines, each on lines of its own.

Both quote others: a name that was asked for, what an artifact says, an answer of a server.
"""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TypeAlias

from lineage_bridge.errors import NodeNotFoundError, SettingsError
from lineage_bridge.show.text import did_you_mean, printable

_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


def error_text(exc: Exception) -> str:
    """What a person is told of an exception of ours."""
    if isinstance(exc, NodeNotFoundError):
        return " ".join(filter(None, [printable(exc), did_you_mean(exc.text, exc.known)]))
    if isinstance(exc, SettingsError):
        return "\n".join(map(printable, exc.problems))
    return printable(exc)


class PrintableFormatter(logging.Formatter):
    """Log lines in which nothing that is quoted can print anything but itself."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 # logging's name
        """The line itself."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 # logging's name
        """The traceback, whose line ends are its own."""
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


def make_logs_printable() -> None:
    """Let what nobody else handles, and Python therefore writes itself, be written so."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(PrintableFormatter())
