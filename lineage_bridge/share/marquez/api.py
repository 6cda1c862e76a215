"""A client of Marquez's HTTP API, as far as forwarding needs it: send, find, ask, hide.

Whatever is sent ends in an `Answer`, so forwarding decides by `Outcome` alone; a question that is
not answered raises `NoAnswerError` with one. No exception of the HTTP library leaves this module.

Source: Marquez 0.51: the feed answers `after <= time < before` and, without `before`, ends at 2030.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx

from lineage_bridge.events import Name, as_list, as_object, decode, event_id_of
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.marquez.client import client_of, secrets_of
from lineage_bridge.share.marquez.model import Model, node_path
from lineage_bridge.share.marquez.outcome import (
    Answer,
    NoAnswerError,
    Outcome,
    of_failure,
    of_response,
)
from lineage_bridge.times import format_time, from_micros

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # an event with hundreds of columns takes Marquez 20 s
FEED_LIMIT = 100_000  # Marquez has no maximum; one instant is read in one request
FEED_END = "9999-12-31T23:59:59Z"  # without a `before` the feed ends at 2030
_LINEAGE = "/api/v1/lineage"
_JSON = {"Content-Type": "application/json"}
_ALIVE = "/api/v1/namespaces/default"  # is always there, and no bad event can break it


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
        # What is the same for each event is made once: that is half of what httpx costs.
        self._post = self._client.build_request("POST", _LINEAGE, headers=_JSON)
        del self._post.headers["Content-Length"]
        self._secrets = secrets_of(url, api_key)
        self.model = Model(self.get)

    def send(self, event: Stored, *, doubtful: bool = False) -> Answer:
        """Send an event; after a doubtful try only if Marquez does not have it.

        PARTLY is the answer where it may be still at work on it: in the feed, not whole in the
        model. To complete it the event is sent as if there were no doubt.
        """
        if doubtful:
            found = self.find(event)
            if found is not None:
                return found
        answer = self._answer(self._request_with(event.body))
        return self._unless_away(answer) if answer.outcome is Outcome.FAILED else answer

    def _unless_away(self, failed: Answer) -> Answer:
        """Tell a server that fails whatever it is asked (its database is gone) from a bad event."""
        try:
            status = self._client.get(_ALIVE).status_code
        except httpx.RequestError as exc:
            return of_failure(exc, self._secrets)
        if status < 500:
            return failed
        text = f"it answers {status} to any question. {failed.text}".strip()
        return Answer(Outcome.WAIT, text, failed.status, doubtful=True)

    def find(self, event: Stored) -> Answer | None:
        """Look for an event: TAKEN, PARTLY, or None if it is not in the feed or that is unknowable.

        The feed lists run events only. Any other answer means that Marquez could not be asked.
        """
        if event.kind != "run":
            return None
        try:
            return self._find(event)
        except NoAnswerError as exc:
            return exc.answer

    def _find(self, event: Stored) -> Answer | None:
        if not self.is_in_feed(event):
            return None
        missing = self.model.missing(event)
        if not missing:
            return Answer(Outcome.TAKEN, "found in the feed and in the model", 200)
        return Answer(Outcome.PARTLY, f"it has the event, but not {', '.join(missing)}", 200)

    def is_in_feed(self, event: Stored) -> bool:
        """Return whether a run event stands in the feed.

        Raises:
            NoAnswerError: Marquez could not be asked.
        """
        wanted = feed_key(decode(event.body))
        feed = as_object(self.get("/api/v1/events/lineage", _instant(event.time_us)))
        return any(feed_key(as_object(found)) == wanted for found in as_list(feed.get("events")))

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Ask for a document; None if there is none, or Marquez fails at this question alone.

        Raises:
            NoAnswerError: Marquez is away, or wants another key.
        """
        try:
            response = self._client.get(path, params=params)
        except httpx.RequestError as exc:
            raise NoAnswerError(of_failure(exc, self._secrets)) from None
        if response.is_success:
            return _json(response)
        answer = of_response(response, self._secrets)
        if answer.outcome is Outcome.FAILED:
            answer = self._unless_away(answer)
        if answer.outcome in (Outcome.WAIT, Outcome.PARKED):
            raise NoAnswerError(answer)
        return None

    def hide(self, namespace: str, name: str, *, kind: str = "dataset") -> Answer:
        """Hide a dataset, or a job; one that Marquez does not have counts as hidden."""
        path = node_path(f"{kind}s", Name(namespace, name))
        answer = self._answer(self._client.build_request("DELETE", path))
        return Answer(Outcome.TAKEN, status=404) if answer.status == 404 else answer

    def _request_with(self, body: bytes) -> httpx.Request:
        same = self._post
        return httpx.Request(
            same.method, same.url, headers=same.headers, content=body, extensions=same.extensions
        )

    def _answer(self, request: httpx.Request) -> Answer:
        try:
            response = self._client.send(request)
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


def _instant(time_us: int) -> dict[str, str]:
    # Two microseconds: Marquez rounds what is finer, we cut it.
    after, before = from_micros(time_us), from_micros(time_us + 2)
    return {"after": format_time(after), "before": format_time(before), "limit": str(FEED_LIMIT)}


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def feed_key(document: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells an event of the feed from the others of its instant.

    An event of ours has an id; of another producer's its type, run, job and producer are compared.
    """
    event_id = event_id_of(document)
    if event_id is not None:
        return (event_id,)
    run, job = as_object(document.get("run")), as_object(document.get("job"))
    words = [
        document.get("eventType"),
        document.get("producer"),
        run.get("runId"),
        job.get("namespace"),
        job.get("name"),
    ]
    return tuple(map(repr, words))
