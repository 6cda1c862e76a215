"""Every model that is derived from the journal, by name: imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage_bridge.journal import Model

MODELS: Mapping[str, tuple[str, str]] = {  # module, class
    "graph": ("lineage_bridge.graph.reduce", "GraphModel"),
    "identities": ("lineage_bridge.link.identities_model", "IdentitiesModel"),
    "collector": ("lineage_bridge.collector.fold.model", "CollectorModel"),
    "arrivals": ("lineage_bridge.exporter.arrivals", "ArrivalsModel"),
}


def models_of(names: Iterable[str] = MODELS) -> list[Model]:
    """Make the models of these names, by default all of them."""
    found = []
    for name in names:
        module, of_class = MODELS[name]
        found.append(getattr(import_module(module), of_class)())
    return found
