"""Identities: the dataset version that an artifact's words mean, and how that was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import orjson

from lineage_bridge.events import Dataset, EventView, Evidence
from lineage_bridge.facets import event as event_facet
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.event import Words
from lineage_bridge.naming import dataset_id
from lineage_bridge.records.descriptions import described_dataset
from lineage_bridge.records.words import JOURNAL, Claim, Reference, Source, path_tail

INTEGRATION: Final = "LINEAGE_BRIDGE"

OF_PARENT: Final = "parent"  # the method of a link that a run has from the one it is nested in

Role = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Link:
    """How an identity was found.

    Attributes:
        method: a rung of the ladder in `link`, such as `stem`.
        confidence: 0 to 1.
        evidence: what was compared with what, for people.
    """

    method: str
    confidence: float
    evidence: str


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A dataset, its version if it has one, and the link by which they were found."""

    namespace: str
    name: str
    version: str | None
    link: Link

    @property
    def id(self) -> str:
        """The node id, without the version."""
        return dataset_id(self.namespace, self.name)

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What makes it equal to another, however each was found."""
        return (self.namespace, self.name, self.version)

    @property
    def said(self) -> tuple[str, str, str | None, str]:
        """What an event says of it, for `links_text`."""
        return (self.namespace, self.name, self.version, self.link.method)

    def as_dataset(self, facets: Mapping[str, Any] | None = None) -> Dataset:
        """Return it as a dataset of an event: with its version, and with what it is."""
        described = described_dataset(self.namespace, self.name)
        own = {**described, **facets} if facets else described
        return Dataset(self.namespace, self.name, self.version, own)

    def as_link(
        self, role: Role, said: Words | None = None, field: str | None = None
    ) -> event_facet.Link:
        """Return its entry in `lineageBridge_event.links`, with the artifact's words for it."""
        return event_facet.Link(
            dataset=self.id,
            role=role,
            method=self.link.method,
            confidence=self.link.confidence,
            evidence=self.link.evidence,
            said=said,
            field=field,
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A reference and what it means; None where nothing is known that it may mean."""

    reference: Reference
    dataset: DatasetVersion | None

    def as_link(self) -> event_facet.Link:
        """Return its entry in `lineageBridge_event.links`."""
        words, field = self.reference.words, self.reference.field
        if self.dataset is not None:
            return self.dataset.as_link("input", words, field)
        return event_facet.Link(
            dataset="", role="input", method="none", confidence=0.0, said=words, field=field
        )


def not_made(said: Words, field: str | None) -> event_facet.Link:
    """Return the entry of what was to be made, and is no dataset of the event."""
    return event_facet.Link(
        dataset="", role="output", method="none", confidence=0.0, said=said, field=field
    )


def links_text(datasets: Iterable[tuple[str, str, str | None, str]]) -> str:
    """Write namespace, name, version and link method of an event's datasets as one text."""
    return orjson.dumps(list(datasets)).decode()


def links_said(view: EventView) -> str:
    """Return `links_text` of what an event says; of one that does not say all, an empty text."""
    said = (view.own.links or ()) if view.own is not None else ()
    methods = [link.method for link in said if link.dataset]
    datasets = [*view.inputs, *view.outputs]
    if len(methods) != len(datasets):
        return ""
    return links_text(
        (*dataset.name, dataset.version, method)
        for dataset, method in zip(datasets, methods, strict=True)
    )


def claimed_words(claim: Claim) -> Words:
    """Return the words of a claim as an event keeps them."""
    return Words(
        name=claim.name,
        version=claim.version,
        spellings=claim.spellings or None,
        within=claim.within,
        path=path_tail(claim.path) if claim.path is not None else None,
        sha256=claim.sha256,
        md5=claim.md5,
    )


def evidence_of(source: Source, links: Sequence[event_facet.Link]) -> Evidence:
    """Make the evidence of an event: the artifact that it comes from, and its links."""
    return Evidence(source.shown, source.sha256, source.line, links, source.second_hand)


@cache
def job_type(kind: str, processing: str = "BATCH") -> dict[str, Any]:
    """Return the job's standard facet; Marquez refuses it without all three fields.

    It is one object for all events, not to be changed.
    """
    fields = {"processingType": processing, "integration": INTEGRATION, "jobType": kind}
    return {"jobType": standard_facet("jobType", fields)}


# The way back


def source_of(view: EventView) -> Source:
    """Return the artifact that an event of ours says it was made from."""
    artifact = view.own.artifact if view.own is not None else None
    if artifact is None:
        return Source(JOURNAL, "", "")
    return Source(
        JOURNAL,
        artifact.path,
        artifact.path,
        artifact.sha256,
        artifact.line,
        second_hand=bool(artifact.second_hand),
    )


def links_of(view: EventView, role: Role) -> list[event_facet.Link]:
    """Return the links of an event's inputs or outputs, in the order in which it has them."""
    links = (view.own.links or ()) if view.own is not None else ()
    return [link for link in links if link.role == role]
