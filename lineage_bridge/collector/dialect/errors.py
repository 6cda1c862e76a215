"""The errors that a request is refused with: Marquez's statuses and bodies.

Source: `marquez.api.exceptions.*`, Dropwizard's and Jersey's exception mappers.
A client can rely on the status only; the bodies are like Marquez's all the same.
"""

from __future__ import annotations

from lineage_bridge.errors import LineageBridgeError
from lineage_bridge.http.errors import HttpError, unexpected


class ApiError(HttpError):
    """A request ends as Marquez would end it."""


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
    return ApiError(500, unexpected().body)
