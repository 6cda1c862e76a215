"""How much one peer may ask, and how long it may take for it. Every limit has a safe default."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from lineage_bridge.http.access import Access
from lineage_bridge.settings import CollectorSettings

MIB = 1024 * 1024
HANDLES_KEPT = 256  # for the journal, child processes and smaller servers beside; at most half
FEW_CONNECTIONS = 64  # of a smaller server: the admin port, or the metrics on a port of their own
MAX_CONNECTIONS = 4096


def connections_possible() -> int:
    """Return how many connections the process's limit of open files leaves room for."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, allowed - min(HANDLES_KEPT, allowed // 2)))


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of one server.

    Attributes:
        head_max_bytes: maximum of a request's line and headers, on the socket.
        header_max_bytes: maximum of all headers of a request together.
        url_max_bytes: maximum of path and query.
        body_max_bytes: maximum of a request's body, before and after its encoding is undone.
        bodies_max_bytes: maximum of all bodies that are in memory at once.
        requests_max: how many requests are worked on at once; more are answered 503. One whose body
            is still on its way is not worked on.
        connections_max: how many connections are open at once, in all.
        peer_connections_max: how many of those one address has.
        head_seconds: a head must be whole by then, counted from its first byte.
        body_seconds: a body must be whole by then, counted from its head (408).
        idle_seconds: a connection is closed that waits for a request, or whose client has not read
            a byte of its answer, for so long.
        request_seconds: a request that is not answered by then is given up (503).
    """

    head_max_bytes: int = 64 * 1024
    header_max_bytes: int = 8192
    url_max_bytes: int = 8192
    body_max_bytes: int = 16 * MIB
    bodies_max_bytes: int = 256 * MIB
    requests_max: int = 512
    connections_max: int = field(default_factory=connections_possible)
    peer_connections_max: int | None = None
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    idle_seconds: float = 75.0
    request_seconds: float = 60.0

    @property
    def per_peer(self) -> int:
        """How many connections one address may have: by default three quarters of all."""
        return self.peer_connections_max or max(1, self.connections_max * 3 // 4)


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """The settings of one server.

    Attributes:
        access: who may ask for what.
        limits: how much, and for how long.
        tls_certificate: a PEM file; with `tls_key` the server speaks HTTPS.
        tls_key: its private key.
    """

    access: Access = field(default_factory=Access)
    limits: HttpLimits = field(default_factory=HttpLimits)
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def for_few(self) -> HttpConfig:
        """Make the configuration of a smaller server beside this one."""
        few = min(FEW_CONNECTIONS, self.limits.connections_max)
        return replace(self, limits=replace(self.limits, connections_max=few))

    @classmethod
    def of(cls, settings: CollectorSettings) -> HttpConfig:
        """Make the configuration that the settings ask for."""
        limits = {field.name for field in fields(HttpLimits)}
        access = Access(
            read_keys=frozenset(settings.read_keys),
            write_keys=frozenset(settings.write_keys),
            hosts=frozenset(settings.hosts),
            origins=frozenset(settings.origins),
            public=frozenset(settings.public),
        )
        return cls(
            access,
            HttpLimits(**settings.model_dump(include=limits, exclude_none=True)),
            settings.tls_certificate,
            settings.tls_key,
        )
