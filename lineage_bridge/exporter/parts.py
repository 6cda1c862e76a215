"""The parts of a scrape: one that fails is left out and says so, the others stand.

Anybody may send an event with a facet of our name and any content. Where a facet breaks what was
promised of it, the part that reads it is missing from the scrape until a good one comes, instead of
every metric of the home.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from lineage_bridge.errors import LineageBridgeError
from lineage_bridge.exporter.bridge_metrics import PART_SUCCESS
from lineage_bridge.exporter.metric import Reading

_LOG = logging.getLogger(__name__)


def take_part(name: str, source: Callable[[], Iterable[Reading]]) -> list[Reading]:
    """The readings of a part, and whether it could be computed.

    Raises:
        LineageBridgeError: the journal cannot be read; that is no matter of one part.
    """
    try:
        readings = list(source())
    except LineageBridgeError:
        raise
    except Exception:  # noqa: BLE001 # whatever a hostile facet leads to, it is logged and shown
        _LOG.exception("The part %r is missing from this scrape", name)
        return [PART_SUCCESS.read(name, value=0)]
    return [*readings, PART_SUCCESS.read(name, value=1)]
