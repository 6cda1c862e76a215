"""The configuration of a collector: limits, keys, TLS. Every setting has a safe default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage_bridge.collector.accept.validation import Limits

MIB = 1024 * 1024
DEFAULT_TAGS: Mapping[str, str] = {
    "PII": "Personally identifiable information",
    "SENSITIVE": "Contains sensitive information",
}


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """The settings of one collector.

    Attributes:
        body_max_bytes: maximum of a request's body, after its content encoding is undone.
        header_max_bytes: maximum of all headers of a request together.
        url_max_bytes: maximum of path and query.
        requests_max: how many requests are served at once; more are answered 503.
        request_seconds: a request that is not read and answered by then is given up (503).
        readers: number of threads that answer reads and rare writes.
        limits: how large one event may be.
        read_keys: keys that may read; with no key at all everyone may do everything.
        write_keys: keys that may read and write.
        tags: tags that exist from the start, with their descriptions.
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
