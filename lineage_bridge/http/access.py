"""Who may ask: keys, the names that the server goes by, and which web pages may write.

Without any key everyone who reaches the server may do everything, except web pages: a browser runs
the scripts of strangers inside the network of its user. So a request must name the server by a
name of its own, or else a stranger's name that resolves to this address would make its pages "our
own" (DNS rebinding); and a write from a page of another origin is refused.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

from lineage_bridge.http.errors import HttpError, refusal
from lineage_bridge.settings import plain_host, plain_origin

Surface = Literal["api", "page", "metrics", "admin"]

READING = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_HOST = "*"
_BEARER = ("www-authenticate", "Bearer")
_BASIC = ("www-authenticate", 'Basic realm="lineage_bridge: any name, a key as password"')
_SHOWN = 100  # characters of a name that is refused


class Head(Protocol):
    """The head of a request, as far as access depends on it."""

    @property
    def method(self) -> str:
        """As sent, such as GET."""
        ...

    @property
    def own_address(self) -> str | None:
        """The address of this machine that the connection came in at."""
        ...

    def values(self, name: str) -> Sequence[str]:
        """All values of a header; its name in lower case."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server.

    Attributes:
        read_keys: keys that may read; with no key at all everyone may do everything.
        write_keys: keys that may read and write.
        hosts: names under which the server is reached, besides the loopback names and the address
            that a connection came in at; `*.example.org` is all names below, `*` any name.
        origins: origins such as `https://ui.example.org` whose pages may write, besides pages of
            the server's own host. Both are in the plain form of `settings.browsers`.
        public: surfaces that need no key.
    """

    read_keys: frozenset[str] = field(default=frozenset(), repr=False)
    write_keys: frozenset[str] = field(default=frozenset(), repr=False)
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    public: frozenset[Surface] = frozenset()

    def check(self, head: Head, surface: Surface) -> None:
        """Check a request for a surface.

        Raises:
            HttpError: it names another server, or writes for a page of another origin (403); it has
                no known key (401), or would write with a key that may only read (403).
        """
        self._check_host(head)
        if head.method not in READING:
            self._check_origin(head)
        if surface not in self.public and (self.read_keys or self.write_keys):
            self._check_key(head, surface)

    def _check_host(self, head: Head) -> None:
        named = head.values("host")
        if not named:  # no browser, and so no page, leaves it out
            return
        name = host_name(named[0]) if len(set(named)) == 1 else None
        if name is None or not self._is_own(name, head.own_address):
            raise refusal(
                403,
                f"`{named[0][:_SHOWN]}` is no name of this server. If it should be one, add it to "
                "`hosts` in the section `collector` of the settings.",
            )

    def _is_own(self, name: str, address: str | None) -> bool:
        return (
            is_loopback(name)
            or name == address
            or name in self.hosts
            or ANY_HOST in self.hosts
            or any(host.startswith("*.") and name.endswith(host[1:]) for host in self.hosts)
        )

    def _check_origin(self, head: Head) -> None:
        hosts = head.values("host")
        for origin in head.values("origin"):
            page = plain_origin(origin)
            if page is not None and page in self.origins:
                continue
            if page is None or not hosts or page != _own_origin(page, hosts[0]):
                raise refusal(
                    403,
                    f"A page of `{origin[:_SHOWN]}` may not write here. If it should, add it to "
                    "`origins` in the section `collector` of the settings.",
                )

    def _check_key(self, head: Head, surface: Surface) -> None:
        is_reading = head.method in READING
        key = _key_of(head, is_reading=is_reading)
        may_write = _is_one_of(key, self.write_keys)
        may_read = _is_one_of(key, self.read_keys) or may_write
        if not may_read:
            asks = (_BASIC, _BEARER) if surface == "page" else (_BEARER,)
            raise HttpError(401, {"code": 401, "message": "HTTP 401 Unauthorized"}, asks)
        if not is_reading and not may_write:
            raise HttpError(403, {"code": 403, "message": "HTTP 403 Forbidden"})


def host_name(host: str) -> str | None:
    """Return the name or address in a Host header, without its port; None if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
        name = plain_host(parts.hostname or "")
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return name or None


def unmapped(address: str) -> str:
    """Return the IPv4 address that an IPv6 address stands for, as `::ffff:192.0.2.5` does."""
    return address.removeprefix("::ffff:") if "." in address else address


def is_loopback(name: str) -> bool:
    """Return whether a name or address always means this very machine (RFC 6761, section 6.3)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _own_origin(page: str, host: str) -> str | None:
    # Of the page's scheme: a proxy in front may end TLS.
    scheme, _, _ = page.partition(":")
    return plain_origin(f"{scheme}://{host}")


def _key_of(head: Head, *, is_reading: bool) -> str:
    """Return the key that a request brings, or an empty text.

    A browser can send a key only as the password of Basic authentication, and then sends it with
    every request to this server, whichever page makes it: so such a key is good for reading alone.
    """
    sent = head.values("authorization")
    scheme, _, value = (sent[0] if len(sent) == 1 else "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic" and is_reading:
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except ValueError:  # no base64, or no text
            return ""
    return ""


def _is_one_of(key: str, keys: Iterable[str]) -> bool:
    # Every key is compared, each in constant time: the time taken reveals nothing about the keys.
    return sum(hmac.compare_digest(key.encode(), known.encode()) for known in keys) > 0
