"""Requests and responses in ASGI's form: read bodies within limits, negotiate content, use gzip.

A body is measured while it arrives and while it is inflated, so neither a long one nor a gzip bomb
is ever in memory whole. Source: Jetty's limits (414, 431), Dropwizard's `BiDiGzipHandler`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.collector.dialect.errors import (
    ApiError,
    coded,
    container_json,
    error_page,
    invalid,
)
from lineage_bridge.collector.dialect.requests import Response
from lineage_bridge.collector.routes import Route

GZIP_MIN_BYTES = 256
GZIP_LEVEL = 1
_INFLATE_STEP = 256 * 1024
_HTML = "text/html;charset=iso-8859-1"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Mapping[str, str]


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers by name; the first one of a name counts."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return found


def check_size(scope: Scope, config: CollectorConfig) -> None:
    """Refuse a URL or headers that are too long."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > config.url_max_bytes:
        raise ApiError(414)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > config.header_max_bytes:
        raise ApiError(431)


def check_types(route: Route, headers: Headers, method: str) -> None:
    """Check that a body, where the route takes one, is JSON and that the client accepts JSON."""
    content_type = headers.get("content-type")
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if route.consumes and (content_type is not None or (method != "GET" and has_body)):
        _check_content_type(content_type)
    accept = headers.get("accept")
    if accept is not None and not accepts_json(accept):
        raise coded(406, "HTTP 406 Not Acceptable")


def _check_content_type(content_type: str | None) -> None:
    if content_type is not None and "/" not in content_type:
        raise ApiError(400)
    if content_type is None or _media_type(content_type) != "application/json":
        raise coded(415, "HTTP 415 Unsupported Media Type")


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def accepts_json(accept: str) -> bool:
    """Return whether an Accept header admits JSON."""
    wanted = {_media_type(part) for part in accept.split(",")}
    return not accept.strip() or bool(wanted & {"application/json", "application/*", "*/*", "*"})


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """Read a request's body, and undo its gzip.

    Raises:
        ApiError: the body is longer than the limit, or is no valid gzip.
    """
    if int(headers.get("content-length") or 0) > limit:
        raise ApiError(413)
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise ApiError(413)
        chunks.append(chunk)
        if not message.get("more_body"):
            break
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if headers.get("content-encoding", "").strip().lower() == "gzip" and body:
        return inflate(body, limit)
    return body


def inflate(body: bytes, limit: int) -> bytes:
    """Undo gzip, step by step, up to a limit.

    Raises:
        ApiError: the content exceeds the limit (413), or is no gzip (500) or cut off (422).
    """
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    parts, size = [], 0
    try:
        while body and not inflater.eof:
            part = inflater.decompress(body, _INFLATE_STEP)
            size += len(part)
            if size > limit:
                raise ApiError(413)
            parts.append(part)
            body = inflater.unconsumed_tail
    except zlib.error as exc:
        raise coded(500, f"the body is no gzip: {exc}") from exc
    if not inflater.eof:
        raise invalid("The request body must not be null")
    return b"".join(parts)


def failure(error: ApiError, path: str, headers: Headers) -> Response:
    """Make the response of an error; one without a body gets the servlet container's page."""
    extra = list(error.headers)
    if error.body is not None:
        return Response(error.body, error.status, headers=extra)
    if "application/json" in headers.get("accept", "").lower():
        return Response(container_json(error.status, path), error.status, headers=extra)
    return Response(error_page(error.status), error.status, _HTML, extra)


async def respond(send: Send, response: Response, headers: Headers, *, is_head: bool) -> None:
    """Send a response, compressed if the client accepts that and the size is worth it."""
    content = response.content()
    raw = [(name.encode(), value.encode()) for name, value in response.headers]
    if response.media_type is not None:
        raw.append((b"content-type", response.media_type.encode()))
    if response.status == 200 and response.media_type == "application/json":
        raw.append((b"vary", b"Accept-Encoding"))
        if len(content) >= GZIP_MIN_BYTES and _accepts_gzip(headers):
            content = gzip.compress(content, GZIP_LEVEL, mtime=0)
            raw.append((b"content-encoding", b"gzip"))
    raw.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if is_head else content})


def _accepts_gzip(headers: Headers) -> bool:
    accepted = headers.get("accept-encoding")
    return accepted is not None and "gzip" in accepted
