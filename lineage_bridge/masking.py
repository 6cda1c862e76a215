"""One masking: what of a text must not be shown or kept, and the text without it.

Two kinds of texts come here. A URL that somebody configured is shown without user, password, query
and fragment: `public_url`. In any other text, such as the words of an artifact or an error message
that quotes them, the user and password of each URL are left out, and the value of whatever is named
like a secret is replaced by `***`: `masked`. Which names those are is decided here alone.

Invariant: a text without a secret stays as it is, and masking twice is masking once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

MASK: Final = "***"
NAME_CHARACTERS: Final = 100  # the end of a longer name says what it is of
SHORTEST_SECRET: Final = 4  # characters; a shorter one would be found in any text

_SIGN: Final = re.compile(r"[@='\"\s]")  # a text without any of these has no secret
_AUTHORITY: Final = re.compile(r"[^/?#\s\"'<>`]*")
_HOST: Final = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::\d*)?[,.;:)]*")  # perhaps with its port
_AZURE: Final = re.compile(r"(?i)\b(?:abfs|wasb)s?$")  # here a container stands before the `@`
# `user:password@host:port` or `user:password@host/path`, if that is all of the text.
_BARE_LOGIN: Final = re.compile(r"[^\s:/@]+:(?!//)[^\s@]+@(?=[\w.\-]+(?::\d+(?:/\S*)?|/\S*)$)")
_ORACLE: Final = re.compile(r"(?i)(?<=\bjdbc:oracle:)(\w+):[^@\s]*@")
_BEARER: Final = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=\-]+")
# The beginnings of `name=value` (of a query, or of a driver's options), `"name": value` and
# `--name value`. What follows a slash is part of a path: `session=3` is a folder there.
_BEGINNINGS: Final = (
    re.compile(r"(?<![\w/.%$\-])([\w.%$\-]+)[ \t]?=[ \t]?"),
    re.compile(r"(?<=['\"])([\w.%$\- ]+)['\"][ \t]?:[ \t]?"),
    re.compile(r"(?<=--)([\w.\-]+)[ \t]+(?!-)"),
)
_VALUE: Final = re.compile(r"(?:'[^']*'?|\"[^\"]*\"?|\{[^}]*\}?|[^\s;&,#'\"{}\])])+")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Names of secrets, their words in lower case joined by `_`. A `pad_token` is taken for one, which
# costs little; `max_tokens` and `primary_key` are none.
_SECRET_NAME: Final = re.compile(
    r"(?:key|pass|pw|sas|sig)"
    r"|(?:.*_)?(?:auth|authorization|bearer|cookie|jwt|passphrase|pwd|session_?id|signature)"
    r"|.*token"
    r"|.*(?:access|account|api|app|auth|client|encryption|master|private|secret|shared|signing)_?key"
    r"|.*(?:password|passwd|secret|credential).*"
)


def public_url(url: str) -> str:
    """Return a URL without user, password, query, fragment and last slash: fit to be shown."""
    return re.split(r"[?#]", _without_logins(url), maxsplit=1)[0].rstrip("/")


_ROUNDS: Final = 5


def masked(text: str) -> str:
    """Return a text without its secrets, as far as they can be told from other words."""
    for _ in range(_ROUNDS):  # what is left may read like a secret: `https://@:=#@`
        before, text = text, _masked_once(text)
        if text == before:
            break
    return text


def _masked_once(text: str) -> str:
    if not _SIGN.search(text):
        return text
    if "@" in text:
        text = _ORACLE.sub(r"\1:@", _without_logins(text))
        text = _BARE_LOGIN.sub("", text, count=1) if _BARE_LOGIN.match(text) else text
    for beginning in _BEGINNINGS:
        text = "".join(_without_values(text, beginning))
    return _BEARER.sub(rf"\1 {MASK}", text)


def masked_values(value: Any) -> Any:
    """Return a value of JSON's types with every text in it masked, also by the name that it has."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [masked_values(item) for item in value]
    if isinstance(value, dict):
        return {masked(name): _masked_member(name, member) for name, member in value.items()}
    return value


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which known secrets are masked, wherever they stand."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text


@lru_cache(maxsize=8192)
def is_secret_name(name: str) -> bool:
    """Return whether a value of that name is a secret, such as `api_key`; `tokens` is none."""
    words = "_".join(_WORD.findall(unquote(name[-NAME_CHARACTERS:]))).lower()
    return _SECRET_NAME.fullmatch(words) is not None


def _masked_member(name: str, value: Any) -> Any:
    if isinstance(value, str) and value and is_secret_name(name):
        return MASK
    return masked_values(value)


def _without_values(text: str, beginning: re.Pattern[str]) -> Iterator[str]:
    """Yield a text in parts, with a mask for each value that has the name of a secret."""
    at = 0
    for found in beginning.finditer(text):
        if found.start() < at or not is_secret_name(found[1]):
            continue
        if value := _VALUE.match(text, found.end()):
            yield text[at : found.end()]
            yield MASK
            at = value.end()
    yield text[at:]


def _without_logins(text: str) -> str:
    first, *others = text.split("://")
    parts = [first]
    for before, rest in zip((first, *others), others, strict=False):
        parts.append(_without_login(rest, is_azure=_AZURE.search(before) is not None))
    return "://".join(parts)


def _without_login(rest: str, *, is_azure: bool) -> str:
    """Leave out what stands before the host in a text that begins with a URL's authority."""
    found = _AUTHORITY.match(rest)
    authority = found[0] if found else ""
    if is_azure and ":" not in authority.rpartition("@")[0]:
        return rest
    if "@" in authority:
        return rest[authority.rindex("@") + 1 :]
    # A port that is no number is the beginning of a password that was not written as URLs want it.
    if "@" in rest and not _HOST.fullmatch(authority):
        return rest[rest.rindex("@") + 1 :]
    return rest
