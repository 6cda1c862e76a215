"""An HTTP client of a Marquez: its key or login is sent, and is in no URL, log line or error."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from lineage_bridge.errors import SettingsError
from lineage_bridge.masking import public_url


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
