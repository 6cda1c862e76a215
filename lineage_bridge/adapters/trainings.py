"""Trainings and published models -> events: START where a start is known, then COMPLETE."""

from __future__ import annotations

from typing import Any

from lineage_bridge import facets
from lineage_bridge.adapters.linked import INTEGRATION, Publication, Training, evidence_of
from lineage_bridge.adapters.records import TrainingRecord
from lineage_bridge.events import Event, EventType, Job, run_event

MODEL_FACETS = {"datasetType": facets.facet("datasetType", {"datasetType": "MODEL"})}


def _job_facets(job_type: str) -> dict[str, Any]:
    fields = {"processingType": "BATCH", "integration": INTEGRATION, "jobType": job_type}
    return {"jobType": facets.facet("jobType", fields)}


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
    run_facets = {facets.TRAINING: facets.facet(facets.TRAINING, _facts(training))}
    if record.parameters:
        parameters = [{"key": k, "value": v} for k, v in sorted(record.parameters.items())]
        run_facets["executionParameters"] = facets.facet(
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


def _facts(training: Training) -> dict[str, Any]:
    record = training.record
    known_start = record.started is not None and starts_before_end(training)
    return {
        "upstreamRunId": record.run_id,
        "model": record.model,
        "modelVersion": record.version,
        "modelType": record.model_type,
        "metrics": dict(sorted(record.metrics.items())) or None,
        "durationSeconds": (training.ended - record.started).total_seconds()
        if known_start and record.started
        else None,
        "timeBasis": record.time_basis,
        "flags": list(_flags(record)) or None,
        "location": {"artifactUri": record.artifact_uri} if record.artifact_uri else None,
    }


def _flags(record: TrainingRecord) -> list[str]:
    return sorted(set(record.flags))


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
