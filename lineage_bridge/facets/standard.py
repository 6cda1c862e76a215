"""The standard facets that we fill, and the cleaning of values for every facet that we write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from lineage_bridge.facets.definition import PRODUCER

# By key: the version and name of the spec's schema that the facet follows. Jobs and datasets have
# one key for two schemas.
STANDARD: Final[Mapping[str, str]] = {
    "schema": "1-2-0/SchemaDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "documentation of a job": "1-1-0/DocumentationJobFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "datasetType": "1-0-1/DatasetTypeDatasetFacet",
    "storage": "1-0-1/StorageDatasetFacet",
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataQualityMetrics": "1-0-1/DataQualityMetricsDatasetFacet",
    "dataQualityAssertions": "1-1-0/DataQualityAssertionsDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "executionParameters": "1-0-0/ExecutionParametersRunFacet",
    "parent": "1-1-0/ParentRunFacet",
    "sourceCodeLocation": "1-0-1/SourceCodeLocationJobFacet",
    "ownership": "1-0-1/OwnershipJobFacet",
    "symlinks": "1-0-1/SymlinksDatasetFacet",
    "tags": "1-0-0/TagsRunFacet",
}


@cache
def standard_url(key: str) -> str:
    """Return the `_schemaURL` of a standard facet."""
    version, name = STANDARD[key].split("/")
    return f"https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"


def standard_facet(key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Make the standard facet of a key, without absent (None) and non-finite values."""
    return clean_facet(key, plain(fields))


def clean_facet(key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Make the standard facet of a key from many values that are known to be clean."""
    return {"_producer": PRODUCER, "_schemaURL": standard_url(key), **fields}


def plain(value: Any) -> Any:
    """Clean a value for JSON: no nulls and no NaN inside, numpy scalars as plain numbers."""
    if type(value) is str or type(value) is int:  # most are, and nothing can be wrong with them
        return value
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items() if not _is_absent(v)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value if not _is_absent(item)]
    if type(value).__module__ == "numpy":
        return plain(value.item())
    return value


def _is_absent(value: Any) -> bool:
    if type(value) is str or type(value) is int:
        return False
    if type(value).__module__ == "numpy":
        value = value.item()
    return value is None or (isinstance(value, float) and not math.isfinite(value))
