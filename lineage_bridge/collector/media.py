"""Which media types a request of the API may have and take.

Source: the annotations `@Consumes` and `@Produces` of `marquez.api.*Resource`.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineage_bridge.collector.dialect.errors import ApiError, coded
from lineage_bridge.collector.routes import Route
from lineage_bridge.http.messages import accepted

Headers = Mapping[str, str]

_JSON = "application/json"


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
    if content_type is None or content_type.partition(";")[0].strip().lower() != _JSON:
        raise coded(415, "HTTP 415 Unsupported Media Type")


def accepts_json(accept: str) -> bool:
    """Return whether an Accept header admits JSON."""
    return not accept.strip() or bool(accepted(accept) & {_JSON, "application/*", "*/*", "*"})
