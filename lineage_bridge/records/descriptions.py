"""What jobs and datasets are, in the standard facets by which a Marquez shows it to people.

A Marquez keeps what the last event said of a job or a dataset, and forgets what that one left out.
So every event of ours says it of everything that it names, in words that no run changes: they are
made of the name alone. It cannot list its sources any more once a dataset came without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from lineage_bridge.facets import standard_facet
from lineage_bridge.naming import (
    Slot,
    is_features,
    is_inference_log,
    is_model,
    is_predictions,
    short_name,
    slot_of,
    slot_of_log,
)

DOCUMENTATION: Final = "documentation"
DATA_SOURCE: Final = "dataSource"
PLATFORM: Final = "lineage-bridge:"  # how the source of datasets begins that lie in no known store


def described_job(sentence: str) -> dict[str, Any]:
    """Return the facet of a job that says what it is; the sentence is the same for all its runs."""
    return {DOCUMENTATION: standard_facet("documentation of a job", {"description": sentence})}


@lru_cache(maxsize=8192)
def described_dataset(namespace: str, name: str) -> Mapping[str, Any]:
    """Return the facets of a dataset that say what it is and where it lies; not to be changed."""
    is_ours = any(
        is_one(name) for is_one in (is_features, is_model, is_predictions, is_inference_log)
    )
    source = f"{PLATFORM}{namespace}" if is_ours else namespace
    return {
        DOCUMENTATION: standard_facet(DOCUMENTATION, {"description": _sentence(namespace, name)}),
        DATA_SOURCE: standard_facet(DATA_SOURCE, {"name": source, "uri": source}),
    }


def spoken(slot: Slot) -> str:
    """Name a deployment in a sentence."""
    return f"the deployment {slot.deployment} ({slot.environment}) of {slot.service}"


def _sentence(namespace: str, name: str) -> str:
    if is_features(name):
        return f"The feature dataset {short_name(name)}; each build is a version."
    if is_model(name):
        return f"The model {short_name(name)}; each training or publication is a version."
    if is_predictions(name):
        slot = slot_of(name)
        of = spoken(slot) if slot is not None else "a deployment"
        return f"What {of} predicts; a version is the model version that serves."
    if is_inference_log(name):
        slot = slot_of_log(name)
        of = spoken(slot) if slot is not None else "a deployment"
        return f"What {of} was asked and answered; a version is the model version that serves."
    return f"The source table {name} in {namespace}."
