"""Deployments -> events: a START for each start, a COMPLETE when another version takes the slot.

Silence never ends a run. The superseded run ends 1 ms before the next START, so that Marquez's
latest run is the one that serves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Any

from lineage_bridge.adapters.linked import INTEGRATION, Start, evidence_of
from lineage_bridge.adapters.records import DeploymentRecord
from lineage_bridge.events import Event, EventType, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.deployment import DeploymentFacet, Location

BEFORE_NEXT_START = timedelta(milliseconds=1)

JOB_TYPE = {"processingType": "STREAMING", "integration": INTEGRATION, "jobType": "SERVICE"}


def with_ends(starts: Iterable[Start]) -> list[Start]:
    """Set the time at which the run of each start ended; sort starts by slot and time.

    A run ends when its slot activates another model version, or when its own instance starts
    again. A start that was read twice counts once.
    """
    unique = {start.run_id: start for start in starts}
    ordered = sorted(unique.values(), key=_order)
    ended: list[Start] = []
    for _, group in groupby(ordered, key=lambda start: start.slot):
        ended.extend(_end_within_slot(list(group)))
    return ended


def _order(start: Start) -> tuple[Any, ...]:
    record = start.record
    return (start.slot, record.time, record.model, record.model_version, record.instance or "")


def _end_within_slot(starts: list[Start]) -> list[Start]:
    ended: dict[str, Start] = {}
    serving: list[Start] = []
    for start in starts:
        over = [run for run in serving if _takes_over(start, run)]
        for run in over:
            end = max(start.record.time - BEFORE_NEXT_START, run.record.time)
            ended[run.run_id] = replace(run, ended=end)
        serving = [run for run in serving if run not in over] + [start]
        ended[start.run_id] = start
    return list(ended.values())


def _takes_over(start: Start, run: Start) -> bool:
    new, old = start.record, run.record
    other_version = (new.model, new.model_version) != (old.model, old.model_version)
    return other_version or new.instance == old.instance


def deployment_event(start: Start, event_type: EventType, supersedes: str | None = None) -> Event:
    """Make the START or COMPLETE of a serving run: model @version (+ live) -> predictions."""
    record = start.record
    time = start.ended if event_type == "COMPLETE" and start.ended else record.time
    inputs = [start.model, *start.live]
    links = [d.as_link("input") for d in inputs] + [start.predictions.as_link("output")]
    return run_event(
        event_type,
        time,
        Job(
            start.model.namespace, start.slot.job, {"jobType": standard_facet("jobType", JOB_TYPE)}
        ),
        start.run_id,
        inputs=[d.as_dataset() for d in inputs],
        outputs=[start.predictions.as_dataset()],
        run_facets={DeploymentFacet.key: _facet(record).as_json()},
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _facet(record: DeploymentRecord) -> DeploymentFacet:
    return DeploymentFacet(
        service=record.service,
        service_version=record.service_version,
        environment=record.environment,
        deployment=record.deployment,
        instance=record.instance,
        model=record.model,
        model_version=record.model_version,
        input_dataset=record.dataset_name,
        input_dataset_version=record.dataset_version,
        training_started=record.trained_from,
        training_completed=record.trained_to,
        bundle_created=record.bundle_created,
        activation_reason=record.activation_reason,
        traffic_status=record.traffic_status,
        location=Location(bundle_id=record.bundle_id, bundle_uri=record.bundle_uri),
    )
