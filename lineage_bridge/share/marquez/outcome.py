"""What an answer of Marquez means for the event that was sent.

Only the HTTP status counts; Marquez's error bodies have three shapes and are kept as text.

Invariant: each failure of the HTTP library has an outcome here (a test walks through its classes).
Source: Marquez 0.51: 201 is sent after the event is stored and the model updated; a 500 means that
the raw event may be stored and the model half updated.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from lineage_bridge.masking import without

TEXT_CHARACTERS = 500
RETRY_AFTER_MAX_SECONDS = 3600.0

_PATIENCE = frozenset({408, 425, 429, 502, 503, 504})
_NOT_TAKEN = frozenset({425, 429})  # said before anything was stored
_KEYS = frozenset({401, 403})

# Raised before the request was sent: Marquez cannot have the event.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Raised because of what was configured: another try fails as well.
_MISCONFIGURED = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class Outcome(enum.Enum):
    """The meaning of an answer for the event."""

    TAKEN = "taken"  # it is there
    WAIT = "wait"  # try again, as often as it takes
    FAILED = "failed"  # try again, a few times
    REFUSED = "refused"  # never try again
    PARKED = "parked"  # nothing will be taken until a setting changes
    PARTLY = "partly"  # it is in the feed, but not whole in the model


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended.

    Attributes:
        outcome: the answer's meaning for the event.
        text: the beginning of the answer, or what went wrong.
        status: the HTTP status, None if there was no answer.
        doubtful: Marquez may have the event all the same.
        retry_after: seconds that the answer asked to wait.
    """

    outcome: Outcome
    text: str = ""
    status: int | None = None
    doubtful: bool = False
    retry_after: float | None = None


class NoAnswerError(Exception):
    """A question about what Marquez holds was not answered.

    Attributes:
        answer: what happened instead.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status or ''} {answer.text}".strip(" ."))
        self.answer = answer


def of_response(response: httpx.Response, secrets: Iterable[str] = ()) -> Answer:
    """Turn a response into an `Answer`, whose text has none of these secrets."""
    status = response.status_code
    text = " ".join(without(response.text, secrets)[:TEXT_CHARACTERS].split())
    if response.is_success:
        return Answer(Outcome.TAKEN, status=status)
    if status in _PATIENCE:
        wait = retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
        return Answer(Outcome.WAIT, text, status, status not in _NOT_TAKEN, wait)
    if status in _KEYS:
        return Answer(Outcome.PARKED, f"it wants another key. {text}".strip(), status)
    if status < 400:
        return Answer(Outcome.PARKED, "it sends elsewhere: this is no Marquez's URL", status)
    if status >= 500:
        return Answer(Outcome.FAILED, text, status)
    return Answer(Outcome.REFUSED, text, status)


def of_failure(exc: httpx.RequestError, secrets: Iterable[str] = ()) -> Answer:
    """Turn a failure of the HTTP library, where no response came, into an `Answer`."""
    text = without(f"{type(exc).__name__}: {exc}".rstrip(": "), secrets)
    if isinstance(exc, _MISCONFIGURED):
        return Answer(Outcome.PARKED, text)
    return Answer(Outcome.WAIT, text, doubtful=not isinstance(exc, _UNSENT))


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` (a number or a date) asks for, at most an hour."""
    if header is None:
        return None
    try:
        seconds = float(header) if header.strip().isdigit() else _seconds_until(header, now)
    except ValueError:
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)


def _seconds_until(date: str, now: datetime) -> float:
    instant = parsedate_to_datetime(date)
    return (
        instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    ).timestamp() - now.timestamp()
