"""The errors that a request is refused with: Marquez's statuses and bodies.

Source: `marquez.api.exceptions.*`, Dropwizard's and Jersey's exception mappers, Jetty's error page.
A client can rely on the status only; the bodies are like Marquez's all the same.
"""

from __future__ import annotations

import secrets
from typing import Any

from lineage_bridge.errors import LineageBridgeError

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    413: "Request Entity Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Server Error",
    503: "Service Unavailable",
}


class ApiError(LineageBridgeError):
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


class RefusedEventError(LineageBridgeError):
    """An event cannot be applied any further; its changes so far stay, as in Marquez.

    Attributes:
        status: the status that its POST is answered with, 400 or 500.
        reason: what is wrong with it.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"{status}: {reason}")


def coded(status: int, message: str, *, code: int | None = None) -> ApiError:
    """Make an error with the usual body; `code` is the status, except for unreadable bodies."""
    return ApiError(status, {"code": code or status, "message": message})


def not_found(message: str = "HTTP 404 Not Found") -> ApiError:
    """Make a 404, with the entity's message or the router's."""
    return coded(404, message)


def invalid(*errors: str, status: int = 422) -> ApiError:
    """Make an error for constraint violations: 422 in a body, 400 in a query parameter."""
    return ApiError(status, {"errors": list(errors)})


def unreadable(message: str) -> ApiError:
    """Make an error for a body that is no JSON or of a wrong type: status 500, `code` 400."""
    return coded(500, message, code=400)


def generic() -> ApiError:
    """Make the error of an exception that Marquez does not expect and logs under an id."""
    message = (
        f"There was an error processing your request. "
        f"It has been logged (ID {secrets.token_hex(8)})."
    )
    return coded(500, message)


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
