"""What the checks found in datasets: in the newest version of each, or in all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage_bridge.facets.validation import ValidationFacet, ValidationStatus
from lineage_bridge.graph.model import Graph, Node, Version
from lineage_bridge.naming import is_features

KEYS: Final = (ValidationFacet.key,)  # the facets that the answer is made of


@dataclass(frozen=True, slots=True)
class DatasetChecks:
    """What the checks found in one version of a dataset.

    Attributes:
        node: the dataset.
        version: None where it has none.
        facet: the finding; None where nobody looked into it.
        built: when the version was written, where a run is known that wrote it.
        is_newest: whether no newer version is known.
    """

    node: Node
    version: str | None
    facet: ValidationFacet | None
    built: datetime | None = None
    is_newest: bool = True

    @property
    def last_checked(self) -> datetime | None:
        """The instant of the newest finding on any version; None where there is none."""
        known = self.node.versions_with(ValidationFacet.key)
        facet = known[-1].facets.of(ValidationFacet) if known else None
        return None if facet is None else facet.evaluated_at

    @property
    def status(self) -> ValidationStatus:
        """`passed`, `warn`, `error`, or `unknown` where there is no finding."""
        return "unknown" if self.facet is None else self.facet.status


def judge_checks(graph: Graph, *, every_version: bool) -> Iterator[DatasetChecks]:
    """Yield the newest version of each dataset that is checked, or all versions, newest last.

    The datasets are sorted. One of features is checked, so without a finding it is unknown; of
    others those count of which there is a finding.
    """
    for node in graph.nodes.values():
        if node.kind != "dataset" or not _concerns(node):
            continue
        if every_version:
            yield from (_checks(node, version) for version in node.versions[:-1])
        yield checks_of(node)


def checks_of(node: Node, version: str | None = None) -> DatasetChecks:
    """Return what was found in a version of a dataset, by default the newest one."""
    found = node.version_named(version) if version is not None else None
    newest = node.versions[-1] if node.versions else None
    return _checks(node, found or newest)


def _concerns(node: Node) -> bool:
    return is_features(node.name) or bool(node.versions_with(ValidationFacet.key))


def _checks(node: Node, version: Version | None) -> DatasetChecks:
    if version is None:
        return DatasetChecks(node, None, None)
    facet = version.facets.of(ValidationFacet)
    is_newest = version is node.versions[-1]
    return DatasetChecks(node, version.version, facet, version.time, is_newest)
