"""Trainings and published models -> events: START where a start is known, then COMPLETE."""

from __future__ import annotations

from typing import Any

from lineage_bridge.adapters.linked import INTEGRATION, Publication, Training, evidence_of
from lineage_bridge.events import Event, EventType, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.training import Location, TrainingFacet

MODEL_FACETS = {"datasetType": standard_facet("datasetType", {"datasetType": "MODEL"})}


def _job_facets(job_type: str) -> dict[str, Any]:
    fields = {"processingType": "BATCH", "integration": INTEGRATION, "jobType": job_type}
    return {"jobType": standard_facet("jobType", fields)}


def starts_before_end(training: Training) -> bool:
    """Return whether a start is known and before the end; without that there is no duration."""
    started = training.record.started
    return started is not None and started < training.ended


def training_event(
    training: Training, event_type: EventType, supersedes: str | None = None
) -> Event:
    """Make the START or COMPLETE of a training: features @version -> models @version."""
    record = training.record
    started = record.started if event_type == "START" else None
    inputs = [training.dataset] if training.dataset is not None else []
    links = [d.as_link("input") for d in inputs] + [training.model.as_link("output")]
    run_facets = {TrainingFacet.key: _facet(training).as_json()}
    if record.parameters:
        parameters = [{"key": k, "value": v} for k, v in sorted(record.parameters.items())]
        run_facets["executionParameters"] = standard_facet(
            "executionParameters", {"parameters": parameters}
        )
    return run_event(
        event_type,
        started or training.ended,
        Job(training.model.namespace, training.job, _job_facets("TRAINING")),
        training.run_id,
        inputs=[d.as_dataset() for d in inputs],
        outputs=[training.model.as_dataset(MODEL_FACETS)],
        run_facets=run_facets,
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _facet(training: Training) -> TrainingFacet:
    record = training.record
    duration_seconds = None
    if record.started is not None and starts_before_end(training):
        duration_seconds = (training.ended - record.started).total_seconds()
    return TrainingFacet(
        upstream_run_id=record.run_id,
        model=record.model,
        model_version=record.version,
        model_type=record.model_type,
        metrics=dict(sorted(record.metrics.items())) or None,
        duration_seconds=duration_seconds,
        time_basis=record.time_basis,
        flags=tuple(sorted(set(record.flags))) or None,
        location=Location(artifact_uri=record.artifact_uri) if record.artifact_uri else None,
    )


def publication_event(publication: Publication, supersedes: str | None = None) -> Event:
    """Make the COMPLETE of a copy under another name: models.<trained> -> models.<published>."""
    links = [publication.trained.as_link("input"), publication.published.as_link("output")]
    return run_event(
        "COMPLETE",
        publication.ended,
        Job(publication.published.namespace, publication.job, _job_facets("PUBLISH")),
        publication.run_id,
        inputs=[publication.trained.as_dataset()],
        outputs=[publication.published.as_dataset(MODEL_FACETS)],
        evidence=evidence_of(publication.source, links),
        supersedes=supersedes,
    )
