"""Transformations: all that they name is named in full, so each is told as it is."""

from __future__ import annotations

from collections.abc import Sequence

from lineage_bridge.link.known import KnownDatasets
from lineage_bridge.records import Transformation
from lineage_bridge.records.transformation import LinkedTransformation


def link_transformations(
    records: Sequence[Transformation], known: KnownDatasets
) -> list[LinkedTransformation]:
    """Link transformations, by time; of one that is told several times the first counts."""
    first: dict[str, Transformation] = {}
    for record in records:  # what outranks comes first
        first.setdefault(record.subject, record)
    linked = (LinkedTransformation(record, known.namespace) for record in first.values())
    return sorted(linked, key=lambda one: (one.record.ended, one.job, one.run_id))
