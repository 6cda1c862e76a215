"""Metrics as a part of a site: the exposition that a scrape asks for.

prometheus_client writes it. Importing that takes 40 ms, and only a scrape needs it: so a scrape
imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import parse_qs

from lineage_bridge.errors import JournalError
from lineage_bridge.http.access import Surface
from lineage_bridge.http.errors import SOON, refusal
from lineage_bridge.http.messages import Call
from lineage_bridge.http.responses import Response
from lineage_bridge.http.site import Part

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


class MetricsSource(Protocol):
    """A `Collector` of prometheus_client, though not by inheritance: that would need its import."""

    def collect(self) -> Iterable[Any]:
        """Return families of metrics with their present values.

        Raises:
            JournalError: the journal cannot be read.
        """
        ...


def metrics_part(*sources: MetricsSource, surface: Surface = "metrics") -> Part:
    """Make the part that shows the metrics of all sources, in the format that is asked for.

    A scrape that fails is answered 503, and has no effect on the next one.
    """

    def show(call: Call) -> Response:
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        registry: Any = CollectorRegistry(auto_describe=False)
        for source in sources:
            registry.register(cast("Collector", source))
        names = parse_qs(call.query).get("name[]")
        if names:
            registry = registry.restricted_registry(names)
        encode, media_type = choose_encoder(call.headers.get("accept", ""))
        try:
            return Response(encode(registry), media_type=media_type)
        except JournalError as exc:
            raise refusal(503, str(exc), SOON) from exc

    return Part(surface, show)
