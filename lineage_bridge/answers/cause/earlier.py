"""How a deployment was before: its serving health at an earlier instant, read by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from lineage_bridge.errors import FacetError
from lineage_bridge.facets import read_facet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.graph.load import facet_before
from lineage_bridge.journal.trouble import derived_is_damaged

# The serving health of a node of predictions as it was at an instant, None if there was none.
Earlier: TypeAlias = Callable[[str, datetime], ServingHealthFacet | None]


def nothing_earlier(_predictions: str, _at: datetime) -> ServingHealthFacet | None:
    """Know nothing of the past."""
    return None


def earlier_in(connection: sqlite3.Connection, known_at: datetime | None = None) -> Earlier:
    """Return what reads the past from a journal's database.

    Args:
        connection: on it; it must be open when somebody asks.
        known_at: only what had arrived by then; None for all.
    """

    def earlier(predictions: str, at: datetime) -> ServingHealthFacet | None:
        said = facet_before(connection, predictions, ServingHealthFacet.key, at, known_at)
        if said is None:
            return None
        try:
            return read_facet(ServingHealthFacet, said)
        except FacetError as exc:
            raise derived_is_damaged(f"facet `{ServingHealthFacet.key}`: {exc}") from exc

    return earlier
