"""The way back: the change that an event tells of."""

from __future__ import annotations

from datetime import datetime

from lineage_bridge.events import EventView, as_object, as_text
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.change import ChangeFacet
from lineage_bridge.records.change import Change, Code
from lineage_bridge.records.identity import source_of


def recall_change(view: EventView, time: datetime) -> Change | None:
    """Return the record that an event of a change tells of; None if it is broken."""
    facet = facet_in(ChangeFacet, view.run_facets)
    if facet is None or facet.repository is None:
        return None
    return Change(
        source=source_of(view),
        time=time,
        kind=facet.kind,
        what=facet.repository,
        sentence=facet.sentence,
        before=facet.before,
        after=facet.after,
        files=facet.files or (),
        values=facet.values or (),
        left_out=facet.left_out or 0,
        difference=facet.difference,
        code=_code(view, facet.repository),
        declared=facet.of,
    )


def _code(view: EventView, repository: str) -> Code | None:
    location = as_object(view.job_facets.get("sourceCodeLocation"))
    url, version = as_text(location.get("url")), as_text(location.get("version"))
    if url is None or version is None:
        return None
    return Code(
        url=url,
        repository=repository,
        version=version,
        branch=as_text(location.get("branch")),
        path=as_text(location.get("path")),
    )
