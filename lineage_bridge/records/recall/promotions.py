"""The way back: the promotion that an event tells of."""

from __future__ import annotations

from datetime import datetime

from lineage_bridge.events import EventView
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.promotion import PromotionFacet
from lineage_bridge.records.identity import links_of, source_of
from lineage_bridge.records.promotion import Promotion
from lineage_bridge.records.words import Reference


def recall_promotion(view: EventView, time: datetime) -> Promotion | None:
    """Return the record that an event of a promotion tells of; None if it is of another kind."""
    facet = facet_in(PromotionFacet, view.run_facets)
    if facet is None or view.event_type != "COMPLETE":
        return None
    link = next(iter(links_of(view, "input")), None)
    return Promotion(
        source=source_of(view),
        model=Reference(
            what="model",
            name=facet.model,
            version=facet.model_version,
            field=link.field if link is not None else None,
        ),
        kind=facet.kind,
        label=facet.label,
        time=time,
        user=facet.user,
    )
