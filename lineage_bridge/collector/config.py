"""The configuration of a collector. Every setting has a safe default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineage_bridge.collector.accept.validation import Limits

DEFAULT_TAGS: Mapping[str, str] = {
    "PII": "Personally identifiable information",
    "SENSITIVE": "Contains sensitive information",
}


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """The settings of one collector.

    Attributes:
        readers: number of threads that answer reads.
        changers: number of threads that make the rare changes other than events.
        limits: how large one event may be.
        tags: tags that exist from the start, with their descriptions.
    """

    readers: int = 4
    changers: int = 2
    limits: Limits = field(default_factory=Limits)
    tags: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_TAGS))
