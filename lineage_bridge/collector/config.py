"""What a collector may be told: limits, keys, TLS. All of it has a safe default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage_bridge.collector.validation import Limits

MIB = 1024 * 1024
DEFAULT_TAGS: Mapping[str, str] = {
    "PII": "Personally identifiable information",
    "SENSITIVE": "Contains sensitive information",
}


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """The settings of one collector.

    Attributes:
        body_max_bytes: of a request, after its content encoding is undone.
        header_max_bytes: of all headers of a request.
        url_max_bytes: of path and query.
        requests_max: served at once; more are answered 503.
        request_seconds: until a request that is still not read or answered is given up (503).
        readers: threads that answer reads and rare writes.
        limits: what one event may hold.
        read_keys: keys that may read; with no key at all everyone may do everything.
        write_keys: keys that may read and write.
        tags: that are there from the start.
        tls_certificate: a PEM file; with `tls_key` the server speaks HTTPS.
        tls_key: its private key.
    """

    body_max_bytes: int = 16 * MIB
    header_max_bytes: int = 8192
    url_max_bytes: int = 8192
    requests_max: int = 512
    request_seconds: float = 60.0
    readers: int = 4
    limits: Limits = field(default_factory=Limits)
    read_keys: frozenset[str] = frozenset()
    write_keys: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_TAGS))
    tls_certificate: Path | None = None
    tls_key: Path | None = None
