"""The way back: the published folder that an event of a copy, or of a start, tells of."""

from __future__ import annotations

from pathlib import PurePosixPath

from lineage_bridge.events import EventView
from lineage_bridge.facets.event import Words
from lineage_bridge.naming import is_model, model_dataset, publishes
from lineage_bridge.records.identity import (
    links_of,
    source_of,
)
from lineage_bridge.records.publication import Publication
from lineage_bridge.records.words import Claim, Reference, Source, reference_of


def recall_publication(view: EventView) -> Publication | None:
    """Return the record that an event of a copy tells of; None if it is of another kind."""
    if view.job is None or not publishes(view.job.name) or len(view.outputs) != 1:
        return None
    made, read = links_of(view, "output"), links_of(view, "input")
    words = made[0].said if made else None
    if words is None or words.name is None or not read:
        return _recall_of_first_release(view)
    published = view.outputs[0].name.name
    return Publication(
        source=source_of(view),
        model=Claim(
            what="model",
            name=words.name,
            version=words.version,
            spellings=words.spellings or (),
            path=words.path,
            field=made[0].field,
            declared=published if published != model_dataset(words.name) else None,
        ),
        trained=reference_of(read[0].said, "model", field=read[0].field),
    )


def _recall_of_first_release(view: EventView) -> Publication | None:
    # It kept no words, but the path of the folder: <name>/<version>/model_metadata.json.
    source = source_of(view)
    parts = PurePosixPath(source.shown).parts
    published, trained = view.outputs[0], view.inputs[0] if view.inputs else None
    if len(parts) < 3 or trained is None or not is_model(published.name.name):
        return None
    return Publication(
        source=source,
        model=Claim(
            what="model", name=parts[-3], version=published.version, spellings=(parts[-2],)
        ),
        trained=Reference(
            what="model",
            namespace=trained.name.namespace,
            name=trained.name.name,
            version=trained.version,
        ),
    )


def publication_behind(
    served: Words | None, source: Source, declared: str | None
) -> Publication | None:
    """Return the folder that a start was linked by, from the words that its event keeps.

    A folder under the trained model's own name is no event: only the starts that it explained know
    of it, once the folder is gone.
    """
    if served is None or served.run_id is None or served.name is None:
        return None
    return Publication(
        source=source,
        model=Claim(what="model", name=served.name, version=served.version, declared=declared),
        trained=Reference(
            what="model",
            run_id=served.run_id,
            trained_on=served.trained_on,
            started=served.started,
            completed=served.completed,
        ),
    )
