"""The event of a finding: a short run of an observer that reads the log, and what it is held to."""

from __future__ import annotations

import json
from typing import Final

from lineage_bridge.assess.assertions import assertions_facet
from lineage_bridge.assess.drift.facet import drift_assertions
from lineage_bridge.events import Dataset, Event, EventView, Job, run_event
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.drift import DriftFacet
from lineage_bridge.link.identities import Key
from lineage_bridge.naming import drift_job, run_uuid
from lineage_bridge.observe.drift.reference import Trained
from lineage_bridge.observe.logs.hours import Answered
from lineage_bridge.records.descriptions import described_dataset, described_job, spoken
from lineage_bridge.records.identity import job_type
from lineage_bridge.times import format_time, from_micros, to_micros

COMPLETE: Final = "COMPLETE"


def job_of(answered: Answered) -> str:
    """Return the name of the observer of a deployment's log."""
    return drift_job(answered.slot.inference_log)


def key_of(namespace: str, answered: Answered, at_us: int) -> Key:
    """Return what an event is about: one run for each model version and instant."""
    job = job_of(answered)
    said = json.dumps([answered.model, answered.version, format_time(from_micros(at_us))])
    return Key(job, run_uuid(namespace, job, said), COMPLETE)


def finding_event(
    namespace: str,
    answered: Answered,
    found: DriftFacet,
    trained: Trained,
    supersedes: str | None = None,
) -> Event:
    """Make the event, at the instant that was judged.

    Args:
        namespace: of our jobs, and of the log.
        answered: whose log it is.
        found: the finding.
        trained: what the log was held against.
        supersedes: the event whose place it takes.
    """
    log = answered.slot.inference_log
    sentence = (
        f"Compares what {spoken(answered.slot)} is asked with what its model was trained on; "
        "a run is one finding."
    )
    key = key_of(namespace, answered, to_micros(found.evaluated_at))
    job = Job(namespace, key.job, {**job_type("OBSERVER"), **described_job(sentence)})
    own = {**described_dataset(namespace, log), DriftFacet.key: found.as_json()}
    version = f"{answered.model}/{answered.version}"
    inputs = [
        Dataset(namespace, log, version, own, assertions_facet(drift_assertions(found))),
        Dataset(trained.namespace, trained.name, trained.version),
    ]
    return run_event(
        COMPLETE, found.evaluated_at, job, key.run, inputs=inputs, supersedes=supersedes
    )


def hours_known(view: EventView) -> int:
    """Return how many hours the finding of an event knew; 0 if it does not say it."""
    facets = (facet_in(DriftFacet, dataset.facets) for dataset in view.inputs)
    return max((facet.hours_known for facet in facets if facet is not None), default=0)
