"""A request as the handlers see it, with parameters read as Jersey reads them.

A parameter that does not fit its Java type is answered 404, one that violates a constraint 400; an
empty one means the default. Source: `marquez.api.*Resource` (annotations), Jersey's parameter
providers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.dialect.errors import coded, invalid, not_found, unreadable
from lineage_bridge.collector.dialect.java import decode
from lineage_bridge.marquez_limits import NAMESPACE

MAX_INT = 2**31 - 1
DEFAULT_LIMIT = 100
_INTEGER = re.compile(r"[+-]?\d{1,12}", re.ASCII)


@dataclass(slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: GET for HEAD too.
        path: as sent, percent-encoded, without the query.
        names: the decoded path segments that the route names.
        headers: by lower-case name; the first one of a name counts.
        body: decoded from its content encoding.
    """

    method: str
    path: str
    query: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    _parameters: dict[str, list[str]] | None = None

    def parameters(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        if self._parameters is None:
            self._parameters = {}
            for key, value in parse_qsl(self.query, keep_blank_values=True):
                self._parameters.setdefault(key, []).append(value)
        return self._parameters.get(name, [])

    def text(self, name: str) -> str | None:
        """Return the first value of a query parameter; None if it is absent or empty."""
        values = self.parameters(name)
        return values[0] or None if values else None

    def integer(self, name: str, default: int) -> int:
        """Return a parameter of Java's type `int`."""
        value = self.text(name)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value) or not -MAX_INT - 1 <= int(value) <= MAX_INT:
            raise not_found()
        return int(value)

    def page(self, limit: int = DEFAULT_LIMIT) -> tuple[int, int]:
        """Return `limit` and `offset`; neither may be negative."""
        page = {"limit": self.integer("limit", limit), "offset": self.integer("offset", 0)}
        errors = [
            f"query param {name} must be greater than or equal to 0"
            for name, value in page.items()
            if value < 0
        ]
        if errors:
            raise invalid(*errors, status=400)
        return page["limit"], page["offset"]

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return a parameter of an enumeration."""
        value = self.text(name)
        return None if value is None else _choice(name, value, choices)

    def choices(self, name: str, choices: Sequence[str]) -> list[str]:
        """Return all values of a repeated parameter of an enumeration."""
        return [_choice(name, value, choices) for value in self.parameters(name) if value]

    def required(self, name: str) -> str:
        """Return a parameter that must be given."""
        value = self.text(name)
        if value is None:
            raise invalid(f"query param {name} must not be null", status=400)
        return value

    def uuid(self, name: str) -> str:
        """Return a path segment that must be a UUID."""
        value = hashes.strict_uuid(self.names[name])
        if value is None:
            raise not_found()
        return value

    def document(self) -> dict[str, Any]:
        """Decode the body of a PUT or POST as an object.

        Raises:
            ApiError: there is none, or it is no object.
        """
        document = decode(self.body)[0] if self.body.strip() else None
        if document is None:  # on which Marquez fails unexpectedly (500)
            raise invalid("The request body must not be null")
        if not isinstance(document, dict):
            raise unreadable("the body must be an object")
        return document


def _choice(name: str, value: str, choices: Sequence[str]) -> str:
    wanted = value.strip().replace("-", "_").replace(".", "_").upper()
    if wanted not in choices:
        raise coded(400, f"query param {name} must be one of [{', '.join(choices)}]")
    return wanted


def check_names(names: Mapping[str, str]) -> None:
    """Refuse path segments that Marquez's classes of names refuse."""
    for kind, value in names.items():
        if kind == "namespace" and not NAMESPACE.fullmatch(value):
            raise not_found()
        if not value.strip():
            raise not_found()
