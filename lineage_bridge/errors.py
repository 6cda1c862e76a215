"""Every exception of the package.

    LineageBridgeError
    ├── SettingsError(ValueError)         a setting, option or lineage-bridge.toml is wrong
    ├── ArtifactError(ValueError)         an artifact, or one line of it, cannot be read
    ├── NamingError(ValueError)           a name cannot become an identity
    ├── EventError(ValueError)            an event is not a valid OpenLineage event
    ├── FacetError(ValueError)            a facet under our name breaks its definition
    ├── NodeNotFoundError(LookupError)    a node that was asked for does not exist
    ├── AmbiguousNodeError(LookupError)   several nodes have the name that was given
    ├── JudgingError(RuntimeError)        a bug of ours: health or freshness could not be judged
    ├── JournalError(RuntimeError)        the journal cannot be opened, read or written
    │   ├── HomeGoneError                 its folder was moved or deleted while it was open
    │   └── DamagedError                  its file is damaged; part of it can still be read
    ├── ServerError(RuntimeError)         a server of ours cannot listen
    └── CollectorError                    a collector (Marquez or ours) did not take an event
        ├── CollectorUnavailableError     try again: it gave no answer, or asked to wait
        └── CollectorRejectedError        do not try again: it refused, and its answer is kept

A message says what failed, on what, and what was expected; then what to do.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path


class LineageBridgeError(Exception):
    """The root: whatever the package raises on purpose."""


class SettingsError(LineageBridgeError, ValueError):
    """A setting is unknown, of the wrong form, or contradicts another.

    Attributes:
        problems: a sentence for each thing that is wrong.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ArtifactError(LineageBridgeError, ValueError):
    """An artifact, or one line of it, cannot be read as what it should be.

    Attributes:
        reason: what was found and what was expected, without the place.
        field: the field that is wrong (dotted), or None.
        line: the line, counted from 1, or None where it is the whole file.
    """

    def __init__(self, reason: str, *, field: str | None = None, line: int | None = None) -> None:
        self.reason = reason
        self.field = field
        self.line = line
        super().__init__(f"`{field}`: {reason}" if field else reason)


class UnreachableError(ArtifactError):
    """An artifact cannot be read for now, such as a server that does not answer.

    What was read of it before stands, and it is tried again.
    """


class NamingError(LineageBridgeError, ValueError):
    """A name is empty, or has a form that no identity can be made of."""


class EventError(LineageBridgeError, ValueError):
    """An event is not a valid OpenLineage event.

    Attributes:
        path: the part of the event that is wrong, such as `run.runId`.
        reason: what is wrong there.
    """

    def __init__(self, reason: str, *, path: str | None = None) -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"`{path}`: {reason}" if path else reason)


class FacetError(LineageBridgeError, ValueError):
    """A facet under a key of ours is not what its published schema says."""


class NodeNotFoundError(LineageBridgeError, LookupError):
    """No node has that name.

    Attributes:
        text: the name that was asked for.
        known: the names that could have been meant, in the form in which the text is written.
    """

    def __init__(self, text: str, known: Sequence[str] = (), *, kind: str = "node") -> None:
        self.text = text
        self.known = known
        super().__init__(f"No {kind} `{text}` is known.")


class AmbiguousNodeError(LineageBridgeError, LookupError):
    """Several nodes have that name; `candidates` are their full ids."""

    def __init__(self, text: str, candidates: list[str]) -> None:
        self.text = text
        self.candidates = candidates
        listed = ", ".join(f"`{candidate}`" for candidate in candidates)
        super().__init__(f"`{text}` may mean {listed}. Name one of them in full.")


class JudgingError(LineageBridgeError, RuntimeError):
    """Judging failed by a bug of ours, which says nothing about the platform that it should judge.

    Attributes:
        what: what could not be judged, such as `Health`.
    """

    def __init__(self, what: str, exc: Exception) -> None:
        self.what = what
        super().__init__(
            f"{what} could not be judged, which says nothing about the platform: {bug_text(exc)}"
        )


def bug_text(exc: Exception) -> str:
    """Return the message to people for an exception that nobody raised on purpose."""
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(exc).__name__}{place}: {exc}. This is a bug of lineage_bridge; please report it."


def log_bug(log: logging.Logger, consequence: str, exc: Exception) -> None:
    """Log a bug in one line with its consequence; at level DEBUG with the traceback."""
    text = str(exc) if isinstance(exc, LineageBridgeError) else bug_text(exc)
    log.error(
        "%s. %s", consequence, text, exc_info=exc if log.isEnabledFor(logging.DEBUG) else None
    )


class JournalError(LineageBridgeError, RuntimeError):
    """The journal's database cannot be opened, read or written."""


class HomeGoneError(JournalError):
    """The journal is no longer where it was opened: its folder was moved or deleted."""


class DamagedError(JournalError):
    """The journal's file is damaged, and has to be salvaged or put back from a copy.

    Attributes:
        reason: what is wrong with it, in a few words.
    """

    def __init__(self, message: str, reason: str) -> None:
        self.reason = reason
        super().__init__(message)


class ServerError(LineageBridgeError, RuntimeError):
    """A server cannot listen at its address, use its certificate, or did not come up."""


class CollectorError(LineageBridgeError):
    """A collector did not take an event."""


class CollectorUnavailableError(CollectorError):
    """The collector gave no answer, or asked to try again later.

    Attributes:
        retry_after: seconds that the answer asked to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class CollectorRejectedError(CollectorError):
    """The collector refused the event for good.

    Attributes:
        status: its HTTP status.
        body: the beginning of its answer.
    """

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body
        super().__init__(f"The collector answered {status}: {body}")
