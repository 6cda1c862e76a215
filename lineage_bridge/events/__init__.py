"""OpenLineage events: build ours (`build`), wrap, read and know again anybody's."""

from __future__ import annotations

from lineage_bridge.events.build import (
    ID_DIGITS,
    RUN_EVENT_URL,
    Dataset,
    EventType,
    Evidence,
    Job,
    compute_id,
    is_as_hashed,
    run_event,
)
from lineage_bridge.events.content import KINDS, digest_of, one_line
from lineage_bridge.events.envelope import (
    Event,
    check_names,
    decode,
    event_id_of,
    event_of,
    kind_of,
)
from lineage_bridge.events.loose import as_list, as_number, as_object, as_text, text_of
from lineage_bridge.events.views import (
    DatasetView,
    EventView,
    Name,
    name_of,
    own_facet,
    supersedes_of,
    symlinks_of,
    view_event,
    withdraws_of,
)
from lineage_bridge.events.withdrawal import withdrawal

__all__ = [
    "ID_DIGITS",
    "KINDS",
    "RUN_EVENT_URL",
    "Dataset",
    "DatasetView",
    "Event",
    "EventType",
    "EventView",
    "Evidence",
    "Job",
    "Name",
    "as_list",
    "as_number",
    "as_object",
    "as_text",
    "check_names",
    "compute_id",
    "decode",
    "digest_of",
    "event_id_of",
    "event_of",
    "is_as_hashed",
    "kind_of",
    "name_of",
    "one_line",
    "own_facet",
    "run_event",
    "supersedes_of",
    "symlinks_of",
    "text_of",
    "view_event",
    "withdrawal",
    "withdraws_of",
]
