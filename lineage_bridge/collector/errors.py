"""What a request is refused with: Marquez's statuses and bodies.

Source: `marquez.api.exceptions.*`, Dropwizard's and Jersey's exception mappers, Jetty's error page.
A client can only key on the status; the bodies are kept alike all the same.
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
        body: what is answered as JSON; None for the servlet container's error page.
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
    """An event cannot be taken in further; what it changed before stays, as in Marquez.

    Attributes:
        status: what its POST is answered with, 400 or 500.
        reason: what is wrong with it.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"{status}: {reason}")


def coded(status: int, message: str, *, code: int | None = None) -> ApiError:
    """The usual body; `code` is the status but for bodies that cannot be read."""
    return ApiError(status, {"code": code or status, "message": message})


def not_found(message: str = "HTTP 404 Not Found") -> ApiError:
    """404, with the words of the entity or of the router."""
    return coded(404, message)


def invalid(*errors: str, status: int = 422) -> ApiError:
    """Constraint violations: 422 of a body, 400 of a query parameter."""
    return ApiError(status, {"errors": list(errors)})


def unreadable(message: str) -> ApiError:
    """A body that is no JSON or does not fit its type: Marquez says 500, and 400 within it."""
    return coded(500, message, code=400)


def generic() -> ApiError:
    """An exception that Marquez does not expect; there it is logged under that id."""
    message = (
        f"There was an error processing your request. "
        f"It has been logged (ID {secrets.token_hex(8)})."
    )
    return coded(500, message)


def error_page(status: int) -> bytes:
    """The servlet container's HTML page, for failures without a body of their own."""
    reason = _REASONS.get(status, "Error")
    return (
        f"<html><head><title>Error {status} {reason}</title></head>"
        f"<body><h2>HTTP ERROR {status} {reason}</h2></body></html>\n"
    ).encode()


def container_json(status: int, path: str) -> dict[str, str]:
    """The same for clients that ask for JSON; its status is a text."""
    reason = _REASONS.get(status, "Error")
    return {"servlet": "jersey", "message": reason, "url": path, "status": str(status)}
