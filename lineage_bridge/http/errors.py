"""The errors that a request is refused with, before anything answers it.

Their bodies are those of Marquez: JSON with `code` and `message`, or the page of its servlet
container. Source: Dropwizard's and Jersey's exception mappers, Jetty's error page.
"""

from __future__ import annotations

import secrets
from typing import Any

from lineage_bridge.errors import LineageBridgeError

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Server Error",
    503: "Service Unavailable",
}
CLOSE = ("connection", "close")
SOON = ("retry-after", "1")  # seconds


class HttpError(LineageBridgeError):
    """A request ends with this status.

    Attributes:
        status: the HTTP status.
        body: the answer's JSON; None for the servlet container's error page.
        headers: further response headers.
    """

    def __init__(
        self, status: int, body: Any = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        super().__init__(f"{status} {body}")


def refusal(status: int, message: str, *headers: tuple[str, str]) -> HttpError:
    """Make an error that says in a sentence why, and what to do."""
    return HttpError(status, {"code": status, "message": message}, headers)


def too_busy(why: str) -> HttpError:
    """Make a 503 for a request of which nothing was kept."""
    return refusal(503, f"{why} Nothing of this request was kept; send it again.", SOON)


def unexpected() -> HttpError:
    """Make the error of an exception that nobody expected."""
    return refusal(
        500,
        f"There was an error processing your request. "
        f"It has been logged (ID {secrets.token_hex(8)}).",
    )


def error_page(status: int) -> bytes:
    """Return the servlet container's HTML page, for failures without a body of their own."""
    reason = _REASONS.get(status, "Error")
    return (
        f"<html><head><title>Error {status} {reason}</title></head>"
        f"<body><h2>HTTP ERROR {status} {reason}</h2></body></html>\n"
    ).encode()


def container_json(status: int, path: str) -> dict[str, str]:
    """Return the error page as JSON for clients that accept it; its status is a text."""
    reason = _REASONS.get(status, "Error")
    return {"servlet": "jersey", "message": reason, "url": path, "status": str(status)}
