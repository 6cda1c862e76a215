"""A client of Marquez's HTTP API, as far as forwarding needs it: send, find, hide.

Every call ends in an `Answer`: no exception of the HTTP library leaves this module, so forwarding
decides by `Outcome` alone. Only the HTTP status counts; Marquez's error bodies have three shapes
and are kept as text.

Invariant: each failure of the HTTP library has an outcome here (a test walks through its classes).
Source: Marquez 0.51: 201 is sent after the event is stored and the model updated; a 500 means that
the raw event may be stored and the model half updated; the feed answers `after <= time < before`
and, without `before`, ends at 2030.
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import httpx

from lineage_bridge.errors import SettingsError
from lineage_bridge.events import as_list, as_object, decode, event_id_of
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.masking import public_url, without
from lineage_bridge.times import format_time, from_micros

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # an event with hundreds of columns takes Marquez 20 s
TEXT_CHARACTERS = 500
RETRY_AFTER_MAX_SECONDS = 3600.0
FEED_LIMIT = 100_000  # Marquez has no maximum; one instant is read in one request

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


class Marquez:
    """A Marquez at one URL. Threads may share it; close it when done.

    Args:
        url: such as `http://localhost:5000`.
        api_key: sent as a bearer token; Marquez itself has no keys, a proxy before it may.
        connections: how many requests at once.
        transport: replaces the network, for tests.
        answer_seconds: how long to wait for an answer.

    Raises:
        SettingsError: the URL is not valid.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        connections: int = 4,
        transport: httpx.BaseTransport | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._client = client_of(
            url,
            api_key,
            timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=connections + 1),
            transport=transport,
        )
        self._secrets = _secrets_of(url, api_key)

    def send(self, event: Stored, *, doubtful: bool = False) -> Answer:
        """Send an event; after a doubtful try only if Marquez's feed does not have it."""
        if doubtful:
            found = self.find(event)
            if found is not None:
                return found
        return self._call("POST", "/api/v1/lineage", content=event.body)

    def find(self, event: Stored) -> Answer | None:
        """Look an event up in the feed: TAKEN if it is there, None if not or if that is unknowable.

        The feed lists run events only. Any other answer means that the feed could not be read.
        """
        if event.kind != "run":
            return None
        try:
            response = self._client.get("/api/v1/events/lineage", params=_instant(event.time_us))
        except httpx.RequestError as exc:
            return of_failure(exc, self._secrets)
        if not response.is_success:
            answer = of_response(response, self._secrets)
            return answer if answer.outcome in (Outcome.WAIT, Outcome.PARKED) else None
        wanted = decode(event.body)
        there = any(_is_same(wanted, found) for found in _listed(response))
        return Answer(Outcome.TAKEN, "found in the feed", response.status_code) if there else None

    def hide(self, namespace: str, name: str, *, kind: str = "dataset") -> Answer:
        """Hide a dataset, or a job; one that Marquez does not have counts as hidden."""
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/{kind}s/{quote(name, safe='')}"
        answer = self._call("DELETE", path)
        return Answer(Outcome.TAKEN, status=404) if answer.status == 404 else answer

    def _call(self, method: str, path: str, content: bytes | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            response = self._client.request(method, path, content=content, headers=headers)
        except httpx.RequestError as exc:
            return of_failure(exc, self._secrets)
        return of_response(response, self._secrets)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def client_of(url: str, api_key: str | None, **options: Any) -> httpx.Client:
    """Make a client whose log lines and errors have no secret: none is in a URL that it asks.

    Args:
        url: as in the settings; a user and password in it are sent as HTTP's basic login, and then
            the key is not.
        api_key: sent as a bearer token.
        options: see `httpx.Client`.

    Raises:
        SettingsError: the URL is not valid.
    """
    shown = public_url(url)
    headers = {"Accept": "application/json"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    try:
        login = _login_of(url)
        auth = httpx.BasicAuth(*login) if login is not None else None
        return httpx.Client(base_url=shown, headers=headers, auth=auth, **options)
    except (httpx.InvalidURL, ValueError):  # both may quote what is secret
        raise SettingsError(f"`{shown}` is no URL of a Marquez, or its key is none.") from None


def _login_of(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _secrets_of(url: str, api_key: str | None) -> list[str]:
    """List the secrets of a Marquez's settings as they were sent: an answer may repeat them."""
    user, password = _login_of(url) or ("", "")
    sent = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [secret for secret in (api_key, password, password and sent) if secret]


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


def _instant(time_us: int) -> dict[str, str]:
    # Two microseconds: Marquez rounds what is finer, we cut it.
    after, before = from_micros(time_us), from_micros(time_us + 2)
    return {"after": format_time(after), "before": format_time(before), "limit": str(FEED_LIMIT)}


def _listed(response: httpx.Response) -> list[Any]:
    try:
        document = response.json()
    except ValueError:
        return []
    return as_list(as_object(document).get("events"))


def _is_same(wanted: Mapping[str, Any], found: Any) -> bool:
    if not isinstance(found, dict):
        return False
    event_id = event_id_of(wanted)
    if event_id is not None:
        return event_id_of(found) == event_id
    # Another producer's event has no id: its instant is the question's, the rest is compared.
    return _words(wanted) == _words(found)


def _words(document: Mapping[str, Any]) -> list[Any]:
    run, job = as_object(document.get("run")), as_object(document.get("job"))
    return [
        document.get("eventType"),
        document.get("producer"),
        run.get("runId"),
        job.get("namespace"),
        job.get("name"),
    ]
