"""Our facets on the wire: keys, schema URLs, and one way to build them.

A facet of ours is a plain JSON object made by `facet()`; `schemas/` has one published JSON Schema
for each, in which every field has its unit and source. A published schema changes only by addition,
under a new version. The classes for users of openlineage-python are in `facet_classes`.

No NaN or infinity goes on the wire, and no null: an absent fact is an absent key (Marquez drops
nulls, so none may carry meaning).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from lineage_bridge import __version__

REPOSITORY: Final = "https://github.com/lineage-bridge/lineage-bridge"
PRODUCER: Final = f"{REPOSITORY}/tree/v{__version__}"

EVENT: Final = "lineageBridge_event"
FRESHNESS: Final = "lineageBridge_freshness"
FEATURE_SET: Final = "lineageBridge_featureSet"
TRAINING: Final = "lineageBridge_training"
DEPLOYMENT: Final = "lineageBridge_deployment"
SERVING_HEALTH: Final = "lineageBridge_servingHealth"

# Key -> name of its schema file. A URL names the release that published the schema first, so that
# it never changes while the schema does not.
SCHEMAS: Final[Mapping[str, str]] = {
    EVENT: "LineageBridgeEventRunFacet-1-0-0",
    FRESHNESS: "LineageBridgeFreshnessDatasetFacet-1-0-0",
    FEATURE_SET: "LineageBridgeFeatureSetDatasetFacet-1-0-0",
    TRAINING: "LineageBridgeTrainingRunFacet-1-0-0",
    DEPLOYMENT: "LineageBridgeDeploymentRunFacet-1-0-0",
    SERVING_HEALTH: "LineageBridgeServingHealthDatasetFacet-1-0-0",
}

# Standard facets that we fill, by key: the version of the spec's schema that they follow.
STANDARD: Final[Mapping[str, str]] = {
    "schema": "1-2-0/SchemaDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "datasetType": "1-0-1/DatasetTypeDatasetFacet",
    "storage": "1-0-1/StorageDatasetFacet",
    "dataQualityMetrics": "1-0-1/DataQualityMetricsDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "executionParameters": "1-0-0/ExecutionParametersRunFacet",
}


def schema_url(key: str) -> str:
    """The immutable `_schemaURL` of a facet, ours or a standard one."""
    if key in SCHEMAS:
        return f"{REPOSITORY}/blob/v0.1.0/lineage_bridge/schemas/{SCHEMAS[key]}.json"
    version, name = STANDARD[key].split("/")
    return f"https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"


def facet(key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Build the facet of that key, without what is absent (None) or not finite, at any depth."""
    return {"_producer": PRODUCER, "_schemaURL": schema_url(key), **plain(fields)}


def plain(value: Any) -> Any:
    """The value as JSON can hold it: no nulls in objects, no NaN, numpy scalars as numbers."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items() if not _is_absent(v)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value if not _is_absent(item)]
    if type(value).__module__ == "numpy":
        return plain(value.item())
    return value


def _is_absent(value: Any) -> bool:
    if type(value).__module__ == "numpy":
        value = value.item()
    return value is None or (isinstance(value, float) and not math.isfinite(value))
