"""The one door to servers: whatever is read of an artifact that has a URL was asked for here.

Only the server that somebody named is asked, over the paths of its own API. No redirect is
followed, so nothing else is reached, and no answer is larger than a bound. A server that cannot be
reached, or fails, costs nothing that it said before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import orjson

from lineage_bridge.errors import ArtifactError, UnreachableError

if TYPE_CHECKING:
    import httpx

MAX_BYTES: Final = 64 * 1024 * 1024  # of one answer
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 60.0

_SCHEMES: Final = frozenset({"http", "https"})


def is_url(text: str) -> bool:
    """Return whether an artifact is a server, by its path."""
    return text.startswith(("http://", "https://"))


def is_there(path: str) -> bool:
    """Return whether an artifact still exists, as far as that can be known without reading it."""
    return is_url(path) or os.path.exists(path)  # noqa: PTH110 - paths are text here


def check_url(url: str) -> str:
    """Return a URL as it is kept: without a slash at its end.

    Raises:
        ArtifactError: it is no URL of a server, or holds a login.
    """
    try:
        parts = urlsplit(url)
        is_server = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError as exc:
        raise ArtifactError(f"is no URL: {exc}") from exc
    if not is_server or parts.query or parts.fragment:
        raise ArtifactError("is no URL of a server, expected http(s)://<host>[:<port>][/<path>]")
    if parts.username is not None or parts.password is not None:
        raise ArtifactError("holds a login, which would be kept: give it by the environment")
    return url.rstrip("/")


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in to a server: a token, or a name with a password; None of all where open."""

    token: str | None = None
    name: str | None = None
    password: str | None = None


@dataclass(slots=True)
class Server:
    """A server that is asked.

    Attributes:
        url: as it was named.
        login: for it alone.
    """

    url: str
    login: Login = field(default_factory=Login)
    _client: httpx.Client | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        import httpx

        login, headers = self.login, {"Accept": "application/json"}
        if login.token is not None:
            headers["Authorization"] = f"Bearer {login.token}"
        self._client = httpx.Client(
            headers=headers,
            auth=(login.name, login.password or "") if login.name is not None else None,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Ask for a path below the URL; return the JSON object that it answers.

        Raises:
            UnreachableError: it cannot be reached, or fails.
            ArtifactError: what it answers is no JSON object.
        """
        return self._ask("GET", path, params=dict(params or {}))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask with a JSON body, for a search; as `get`."""
        return self._ask("POST", path, json=dict(body))

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        import httpx

        assert self._client is not None
        try:
            with self._client.stream(method, f"{self.url}{path}", **options) as response:
                content = _bounded(response.iter_bytes(), path)
        except httpx.HTTPError as exc:
            raise UnreachableError(f"cannot be reached: {exc or type(exc).__name__}") from exc
        if response.status_code != httpx.codes.OK:
            raise UnreachableError(_refusal(response, content), field=path)
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError as exc:
            raise ArtifactError(f"answers no JSON: {exc}", field=path) from exc
        if not isinstance(document, dict):
            raise ArtifactError("answers no JSON object", field=path)
        return document


def _bounded(chunks: Iterator[bytes], path: str) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            raise ArtifactError(f"answers more than {MAX_BYTES // 2**20} MiB", field=path)
    return bytes(content)


def _refusal(response: httpx.Response, content: bytes) -> str:
    """Say what a server answered, and what to do where that is known."""
    said = content[:200].decode("utf-8", "replace").strip()
    sentence = f"answers {response.status_code} {response.reason_phrase}"
    if response.is_redirect:
        location = response.headers.get("location", "elsewhere")
        return f"{sentence} to {location[:200]!r}, which is not followed: name that URL"
    return f"{sentence}: {said!r}" if said else sentence
