"""Marquez's HTTP API, as far as forwarding needs it: send, find, ask, hide.

Whatever is sent ends in an `Answer`, so forwarding decides by `Outcome` alone; a question that is
not answered raises `NoAnswerError` with one. No exception of the HTTP library leaves this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from lineage_bridge.events import Name, as_object, decode, event_id_of
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.marquez.client import MarquezClient
from lineage_bridge.share.marquez.feed import EVENT_BYTES, Feed
from lineage_bridge.share.marquez.model import Model, node_path
from lineage_bridge.share.marquez.outcome import Answer, NoAnswerError, Outcome

INSTANT_EVENTS = 100_000  # Marquez has no maximum; one instant is read in one request
_LINEAGE = "/api/v1/lineage"
_JSON = {"Content-Type": "application/json"}
_ALIVE = "/api/v1/namespaces/default"  # is always there, and no bad event can break it


class Marquez(MarquezClient):
    """A Marquez at one URL; made as its connections are."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        # What is the same for each event is made once: that is half of what httpx costs.
        self._post = self.http.build_request("POST", _LINEAGE, headers=_JSON)
        del self._post.headers["Content-Length"]
        self.feed = Feed(self)
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
            status = self.http.get(_ALIVE).status_code
        except httpx.RequestError as exc:
            return self.failure(exc)
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

    def is_in_feed(self, event: Stored) -> bool | None:
        """Return whether a run event stands in the feed; None if nobody can know.

        Raises:
            NoAnswerError: Marquez is away, or wants another key.
        """
        try:
            # Two microseconds: Marquez rounds what is finer, we cut it.
            at = event.time_us
            listed = self.feed.list(at, at + 2, INSTANT_EVENTS, most=EVENT_BYTES)
        except NoAnswerError as exc:
            self._raise_if_away(exc.answer)
            return None
        if listed is None:
            return None
        wanted = feed_key(decode(event.body))
        return any(feed_key(decode(body)) == wanted for body in listed.bodies)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Ask for a document; None if there is none, or Marquez fails at this question alone.

        Raises:
            NoAnswerError: Marquez is away, or wants another key.
        """
        try:
            response = self.http.get(path, params=params)
        except httpx.RequestError as exc:
            raise NoAnswerError(self.failure(exc)) from None
        if response.is_success:
            return _json(response)
        self._raise_if_away(self.answer(response))
        return None

    def _raise_if_away(self, answer: Answer) -> None:
        """Tell no answer to any question from none to this one alone."""
        if answer.outcome is Outcome.FAILED:
            answer = self._unless_away(answer)
        if answer.outcome in (Outcome.WAIT, Outcome.PARKED):
            raise NoAnswerError(answer)

    def hide(self, namespace: str, name: str, *, kind: str = "dataset") -> Answer:
        """Hide a dataset, or a job; one that Marquez does not have counts as hidden."""
        path = node_path(f"{kind}s", Name(namespace, name))
        answer = self._answer(self.http.build_request("DELETE", path))
        return Answer(Outcome.TAKEN, status=404) if answer.status == 404 else answer

    def _request_with(self, body: bytes) -> httpx.Request:
        same = self._post
        return httpx.Request(
            same.method, same.url, headers=same.headers, content=body, extensions=same.extensions
        )

    def _answer(self, request: httpx.Request) -> Answer:
        try:
            response = self.http.send(request)
        except httpx.RequestError as exc:
            return self.failure(exc)
        return self.answer(response)


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
