"""The values that a setting may have, each a type that checks it. No check repeats a word of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from lineage_bridge.errors import NamingError
from lineage_bridge.naming import FEATURES_PATTERN, MODEL_PATTERN, check_namespace
from lineage_bridge.schedule import Schedule
from lineage_bridge.settings.browsers import plain_host, plain_origin

# What an alias may stand for: a dataset of ours, with `@<version>` or without, or a model of ours.
FeaturesTarget = Annotated[str, Field(pattern=rf"^{FEATURES_PATTERN}(@[^<>]+)?$")]
ModelTarget = Annotated[str, Field(pattern=rf"^{MODEL_PATTERN}$")]
DatasetId = Annotated[str, Field(pattern=r"^dataset:[^:].*:.+$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Positive
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Hours = Annotated[int, Field(ge=1, le=744)]  # a month at most: all of them are held in memory
Range = Annotated[tuple[float, float], AfterValidator(lambda ends: _range(*ends))]
ColumnName = Annotated[str, Field(min_length=1)]
ColumnNames = Annotated[list[ColumnName], Field(min_length=1)]


def _range(low: float, high: float) -> tuple[float, float]:
    if not low <= high:  # so that NaN is none either
        raise ValueError("expected the smallest and the largest number, such as [0, 1]")
    return low, high


def _split(value: Any) -> Any:
    # The environment gives all names as one text, separated by commas.
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _keys(value: Any) -> list[str]:
    """Check keys; whatever is wrong with them is an error, because without any all are let in."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(key, str) for key in listed):
        raise ValueError("expected a list of keys, each a text in quotes")
    if not listed:
        raise ValueError("it names no key; leave it out to run without keys")
    if any(not key.strip() for key in listed):
        raise ValueError("a key is empty; leave the whole setting out to run without keys")
    if not all(_KEY.fullmatch(key) for key in listed):
        raise ValueError(
            "a key has ASCII letters, digits and signs, and no blank, not even around it"
        )
    return listed


def _cron(value: str) -> str:
    Schedule.parse(value)
    return value


def _host(value: str) -> str:
    # Compared with what a browser sends, so it is brought into that form.
    try:
        if _HOST.fullmatch(value):
            return plain_host(value.strip("[]"))
    except ValueError:
        pass
    raise ValueError(
        "expected a name such as lineage.example.org or an address, without scheme and port; "
        "other letters than ASCII as browsers write them (xn--...)"
    )


def _origin(value: str) -> str:
    origin = plain_origin(value) if _ORIGIN.fullmatch(value) else None
    if origin is None:
        raise ValueError("expected an origin such as https://ui.example.org, without a path")
    return origin


def _problems_of_url(url: str) -> Iterator[str]:
    """Yield what is wrong with the URL of a Marquez, without any word of it.

    Only what cannot be read in two ways is good, so that what is left out where the URL is shown is
    all that is secret in it.
    """
    if not url.isprintable() or any(character in ' \\<>"' for character in url):
        yield "without blanks and backslashes; in a password they are written %20 and %5C"
    if "?" in url or "#" in url:
        yield "without a query or fragment; a key goes into `marquez_api_key`"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 # reading it checks it
    except ValueError:
        yield "but its host or port is none; `/` and `@` in a password are written %2F and %40"
        return
    if parts.scheme not in {"http", "https"}:
        yield "which begins with http:// or https://"
    if not parts.hostname:
        yield "but it names no host"
    if parts.netloc.count("@") > 1 or "@" in parts.path:
        yield "but it has an `@` too many; in a password it is written %40"


def _expression(value: str) -> str:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(value)
    except JMESPathError as exc:
        raise ValueError("expected a JMESPath expression, such as `model.version`") from exc
    return value


def _namespace(value: str) -> str:
    try:
        return check_namespace(value)
    except NamingError as exc:
        raise ValueError(str(exc)) from exc


def _marquez_url(value: str | None) -> str | None:
    if not value:
        return None
    for problem in _problems_of_url(value):
        raise ValueError(f"expected a URL such as http://localhost:5000, {problem}")
    scheme, _, rest = value.partition(":")
    return f"{scheme.lower()}:{rest.rstrip('/')}"


def _marquez_key(value: str | None) -> str | None:
    if value and not _KEY.fullmatch(value):
        raise ValueError("expected a key of printable ASCII characters without blanks")
    return value


_KEY = re.compile(r"[!-~]+", re.ASCII)
_NAME = r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?"
_IPV6 = r"[0-9a-f.]*:[0-9a-f:.]*"
_HOST = re.compile(rf"\*|(?:\*\.)?{_NAME}|{_IPV6}|\[{_IPV6}\]", re.ASCII | re.IGNORECASE)
_ORIGIN = re.compile(rf"https?://(?:{_NAME}|\[{_IPV6}\])(?::\d+)?/?", re.ASCII | re.IGNORECASE)

Name = TypeVar("Name")
Names = Annotated[list[Name], BeforeValidator(_split)]
HostNames = Names[Annotated[str, AfterValidator(_host)]]
Origins = Names[Annotated[str, AfterValidator(_origin)]]
Cron = Annotated[str, AfterValidator(_cron)]
Expression = Annotated[str, AfterValidator(_expression)]
Namespace = Annotated[str, AfterValidator(_namespace)]

# A field of one of these types is secret: it is in no error, no `repr` and no dump.
_SECRET: Final = Field(repr=False, exclude=True)
MarquezUrl = Annotated[str | None, AfterValidator(_marquez_url), _SECRET]
MarquezKey = Annotated[str | None, AfterValidator(_marquez_key), _SECRET]
Secrets = Annotated[list[str], BeforeValidator(_keys), _SECRET]
