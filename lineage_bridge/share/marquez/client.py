"""An HTTP client of a Marquez: its key or login is sent, and is in no URL, log line or error."""

from __future__ import annotations

import base64
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx

from lineage_bridge.errors import SettingsError
from lineage_bridge.masking import public_url
from lineage_bridge.share.marquez.outcome import Answer, of_failure, of_response

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # an event with hundreds of columns takes Marquez 20 s


class MarquezClient:
    """Connections to a Marquez, and what its answers mean. Threads may share it.

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
        connections: int = 1,
        transport: httpx.BaseTransport | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.http = client_of(
            url,
            api_key,
            timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=connections + 1),
            transport=transport,
        )
        self._secrets = secrets_of(url, api_key)

    def answer(self, response: httpx.Response) -> Answer:
        """Return what a response means, without the secrets that it may repeat."""
        return of_response(response, self._secrets)

    def failure(self, exc: httpx.RequestError) -> Answer:
        """Return what it means that there was no response, likewise."""
        return of_failure(exc, self._secrets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()


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


def secrets_of(url: str, api_key: str | None) -> list[str]:
    """List the secrets of a Marquez's settings as they were sent: an answer may repeat them."""
    user, password = _login_of(url) or ("", "")
    sent = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [secret for secret in (api_key, password, password and sent) if secret]
