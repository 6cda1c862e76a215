"""Hosts and origins in the one form in which browsers send them.

In that form two spellings of one host or origin are equal: small letters, no dot at the end, no
port that goes without saying, IPv6 addresses as short as they can be (RFC 6454 and the URL
standard; a browser keeps the dot, which changes no name).
"""

from __future__ import annotations

from ipaddress import IPv6Address
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def plain_host(name: str) -> str:
    """Return a host's name or address in its plain form; an IPv6 address has no brackets.

    Raises:
        ValueError: it has a colon, and is no IPv6 address.
    """
    return str(IPv6Address(name)) if ":" in name else name.lower().removesuffix(".")


def plain_origin(origin: str) -> str | None:
    """Return an origin in its plain form; None if it is no host's, as `null` and files are."""
    try:
        parts = urlsplit(origin)
        host, port = plain_host(parts.hostname or ""), parts.port
    except ValueError:  # an address or a port that is none
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    is_usual = port is None or port == _PORTS[parts.scheme]
    return f"{parts.scheme}://{shown}" if is_usual else f"{parts.scheme}://{shown}:{port}"
