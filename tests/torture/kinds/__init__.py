"""The kinds of trouble: each a module with a coroutine that fills the outcome of its ground."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from torture.ground import Ground
from torture.kinds.artifacts import artifacts
from torture.kinds.crowd import crowd
from torture.kinds.databases import databases
from torture.kinds.full_disk import full_disk
from torture.kinds.giants import giants
from torture.kinds.kills import kills
from torture.kinds.requests import requests
from torture.kinds.sockets import sockets


@dataclass(frozen=True)
class Kind:
    """A kind of trouble, and its share of the time."""

    make: Callable[[Ground], Awaitable[None]]
    share: float


KINDS: Mapping[str, Kind] = {
    "kills": Kind(kills, 0.27),
    "crowd": Kind(crowd, 0.17),
    "full-disk": Kind(full_disk, 0.1),
    "sockets": Kind(sockets, 0.1),
    "giants": Kind(giants, 0.1),
    "requests": Kind(requests, 0.08),
    "artifacts": Kind(artifacts, 0.08),
    "databases": Kind(databases, 0.1),
}
