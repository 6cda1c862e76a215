"""Whether Marquez answers: asked with a short timeout, and not at every scrape."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from lineage_bridge.errors import SettingsError
from lineage_bridge.share.marquez.client import client_of

ANSWER_SECONDS = 2.0
KEPT_SECONDS = 15.0  # several Prometheus servers may scrape; Marquez is asked this often at most


class MarquezProbe:
    """Asks one Marquez for a page of one namespace, which takes it a few milliseconds.

    Args:
        url: such as `http://localhost:5000`.
        api_key: sent as a bearer token.
        monotonic: seconds of a clock that never goes back.
        transport: in place of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._api_key = api_key
        self._monotonic = monotonic
        self._transport = transport
        self._asked: float | None = None
        self._is_up = False

    def is_up(self) -> bool:
        """Return whether Marquez answered with success, asked at most `KEPT_SECONDS` ago."""
        moment = self._monotonic()
        if self._asked is None or moment - self._asked >= KEPT_SECONDS:
            self._is_up = self._ask()
            self._asked = moment
        return self._is_up

    def _ask(self) -> bool:
        try:
            with client_of(
                self._url, self._api_key, transport=self._transport, timeout=ANSWER_SECONDS
            ) as client:
                answer = client.get("/api/v1/namespaces", params={"limit": 1})
        except (httpx.HTTPError, SettingsError):
            return False
        return answer.is_success
