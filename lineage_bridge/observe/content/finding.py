"""The event of a finding: a short run of an observer that only reads the version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.assess.assertions import Assertion, assertions_facet, assertions_in
from lineage_bridge.assess.checks.facet import check_assertions, validation_facet
from lineage_bridge.assess.checks.judge import Report
from lineage_bridge.events import (
    Dataset,
    Event,
    EventView,
)
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.link.identities import Key
from lineage_bridge.observe.content.versions import Build
from lineage_bridge.observe.telling import event_on_version, key_of_version
from lineage_bridge.records.descriptions import described_dataset
from lineage_bridge.times import from_micros, within_range

AFTER_BUILD_US: Final = 1_000  # so that its assertions are the newer ones


def key_of(namespace: str, build: Build) -> Key:
    """Return what the event is about: one run for each version, whenever it is judged."""
    return key_of_version(namespace, Dataset(build.namespace, build.name, build.version))


def finding_event(
    namespace: str,
    build: Build,
    report: Report,
    versions_before: int,
    of_build: EventView | None,
    supersedes: str | None = None,
) -> Event:
    """Make the event: timed right after the build, whenever the version is judged.

    Args:
        namespace: of our jobs.
        build: the version.
        report: what was found in it.
        versions_before: how many earlier versions were known.
        of_build: the build's event, whose assertions stand beside the finding's.
        supersedes: the event whose place it takes.
    """
    time = from_micros(within_range(build.built_us + AFTER_BUILD_US))
    facet = validation_facet(report, time, versions_before)
    own = {**described_dataset(build.namespace, build.name), ValidationFacet.key: facet.as_json()}
    asserted = assertions_facet(_asserted(of_build), check_assertions(report))
    read = Dataset(build.namespace, build.name, build.version, own, asserted)
    sentence = f"Checks what is in {build.name}; a run is the finding on one version."
    return event_on_version(namespace, read, time, sentence, supersedes)


def versions_before(view: EventView) -> int:
    """Return how many earlier versions an event's finding knew; -1 if it has no such finding."""
    facets = (facet_in(ValidationFacet, dataset.facets) for dataset in view.inputs)
    return max((facet.versions_before for facet in facets if facet is not None), default=-1)


def _asserted(of_build: EventView | None) -> Iterator[Assertion]:
    """Yield what the build's event asserts of its dataset: how fresh it was."""
    for dataset in of_build.outputs if of_build is not None else ():
        yield from assertions_in(dataset.facets)
