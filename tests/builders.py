"""Events for tests: valid, small, and named by what matters.

`an_event` is one of ours, `a_foreign_event` one of any other producer. Datasets are written
`name` or `name@version`, in the namespace `ns`; times are minutes of one morning.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from lineage_bridge import events
from lineage_bridge.facets import PRODUCER, definitions, standard_facet
from lineage_bridge.facets.standard import STANDARD
from lineage_bridge.journal import Journal

NS = "ns"
MORNING = datetime(2026, 4, 7, 8, 0, tzinfo=UTC)


def a_facet(key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A facet of that key, ours or a standard one, with these fields as they are."""
    if key in STANDARD:
        return standard_facet(key, fields)
    url = definitions()[key].schema_url()
    return {"_producer": PRODUCER, "_schemaURL": url, **fields}


def at(minute: float) -> datetime:
    return MORNING + timedelta(minutes=minute)


def a_run_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def a_dataset(text: str, facets: Mapping[str, Any] | None = None) -> events.Dataset:
    name, _, version = text.partition("@")
    return events.Dataset(NS, name, version or None, facets or {})


def an_event(
    job: str,
    minute: float = 0,
    *,
    run: str = "1",
    state: events.EventType = "COMPLETE",
    inputs: Sequence[str | events.Dataset] = (),
    outputs: Sequence[str | events.Dataset] = (),
    streaming: bool = False,
    links: Sequence[Mapping[str, Any]] = (),
    run_facets: Mapping[str, Any] | None = None,
    supersedes: events.Event | None = None,
) -> events.Event:
    kind = "STREAMING" if streaming else "BATCH"
    job_type = {"processingType": kind, "integration": "TEST", "jobType": "JOB"}
    return events.run_event(
        state,
        at(minute),
        events.Job(NS, job, {"jobType": standard_facet("jobType", job_type)}),
        a_run_id(f"{job}/{run}"),
        inputs=[a_dataset(d) if isinstance(d, str) else d for d in inputs],
        outputs=[a_dataset(d) if isinstance(d, str) else d for d in outputs],
        run_facets=run_facets,
        evidence=events.Evidence("artifact.json", links=links),
        supersedes=None if supersedes is None else supersedes.id,
    )


def a_foreign_event(
    job: str = "etl",
    minute: float = 0,
    *,
    state: str | None = "COMPLETE",
    inputs: Sequence[str | Mapping[str, Any]] = (),
    outputs: Sequence[str | Mapping[str, Any]] = (),
    is_streaming: bool = False,
    **members: Any,
) -> events.Event:
    job_type = {"processingType": "STREAMING", "integration": "TEST", "jobType": "JOB"}
    facets = {"jobType": standard_facet("jobType", job_type)} if is_streaming else {}
    document = {
        "eventType": state,
        "eventTime": at(minute).isoformat(),
        "run": {"runId": a_run_id(f"{job}/1")},
        "job": {"namespace": NS, "name": job, **({"facets": facets} if facets else {})},
        "inputs": [_entry(dataset) for dataset in inputs],
        "outputs": [_entry(dataset) for dataset in outputs],
        "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    } | members
    return as_event(document)


def a_dataset_event(text: str, minute: float = 0) -> events.Event:
    """A dataset event of any producer that states a version: `name@version`."""
    name, _, version = text.partition("@")
    facets = {"version": standard_facet("version", {"datasetVersion": version})}
    document = {
        "eventTime": at(minute).isoformat(),
        "dataset": {"namespace": NS, "name": name, "facets": facets},
        "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
    }
    return as_event(document)


def _entry(dataset: str | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"namespace": NS, "name": dataset} if isinstance(dataset, str) else dataset


def as_event(document: Mapping[str, Any]) -> events.Event:
    return events.event_of(document, orjson.dumps(document))


def a_journal(home: Path, recorded: Sequence[events.Event]) -> Journal:
    journal = Journal(home)
    journal.append(recorded, "artifact")
    return journal
