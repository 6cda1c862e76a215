"""`lineageBridge_promotion`: what a version of a model was chosen for."""

from __future__ import annotations

from typing import Annotated, Literal

from lineage_bridge.facets.definition import Facet, doc


class PromotionFacet(Facet, frozen=True, kw_only=True):
    """A label that somebody put on a version of a model.

    Source: a registry's aliases and stages.
    """

    key = "lineageBridge_promotion"
    schema = "LineageBridgePromotionRunFacet"
    released = "0.2.0"

    model: Annotated[str, doc("The model's name in the registry.")]
    model_version: Annotated[str, doc("The version as the registry spells it.")]
    kind: Annotated[
        Literal["alias", "stage"], doc("Whether the label is an alias or a stage of the registry.")
    ]
    label: Annotated[str, doc("The alias, such as `champion`, or the stage, such as `Production`.")]
    user: Annotated[str | None, doc("Who did it; absent where the registry does not say.")] = None
