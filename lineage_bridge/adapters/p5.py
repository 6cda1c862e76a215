"""P5, the serving layer: deployment events (JSONL) and the model folders that it serves from.

`p5_windows` reads its metric windows: they are many and need another way. An event's times must
name their zone.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal

from lineage_bridge.adapters.documents import (
    Document,
    Name,
    Text,
    Time,
    ZonedTime,
    check,
    instant_of,
    parse_object,
    shown,
    zone_flags,
)
from lineage_bridge.adapters.records import DeploymentRecord, PublishedRecord, Source
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known

VERSION = 1  # raised when artifacts are read differently: all the family's files are read again
MAX_NAME_CHARACTERS = 10_000


class _Event(Document):
    schema_version: Literal["v1"]
    event_type: Literal["serving_deployment_activated"]
    event_time: ZonedTime
    service_name: Name
    service_version: Text
    environment: Name
    deployment_id: Name
    instance_id: str | None = None
    model_name: Name
    model_version: Text
    bundle_id: Text
    bundle_uri: Text
    bundle_created_at: ZonedTime
    input_dataset_name: Text
    input_dataset_version: Text
    started_at: ZonedTime
    completed_at: ZonedTime
    activation_reason: Text
    traffic_status: Text


def read_event(line: bytes, source: Source) -> DeploymentRecord:
    """Read one line of `deployment_events.jsonl`.

    Raises:
        ArtifactError: the line is no deployment event of schema v1.
    """
    document = parse_object(line)
    event = check(_Event, document)
    if event.completed_at < event.started_at:
        raise ArtifactError("lies before `started_at`", field="completed_at")
    _check_lengths(document)
    return DeploymentRecord(
        source=source,
        time=event.event_time,
        service=event.service_name,
        service_version=event.service_version,
        environment=event.environment,
        deployment=event.deployment_id,
        instance=known(event.instance_id),
        model=event.model_name,
        model_version=event.model_version,
        bundle_id=event.bundle_id,
        bundle_uri=event.bundle_uri,
        bundle_created=event.bundle_created_at,
        dataset_name=event.input_dataset_name,
        dataset_version=event.input_dataset_version,
        trained_from=event.started_at,
        trained_to=event.completed_at,
        activation_reason=event.activation_reason,
        traffic_status=event.traffic_status,
    )


def _check_lengths(document: dict[str, Any]) -> None:
    for field, value in document.items():
        if isinstance(value, str) and len(value) > MAX_NAME_CHARACTERS:
            reason = f"has {len(value)} characters, expected at most {MAX_NAME_CHARACTERS}"
            raise ArtifactError(f"{reason}: {shown(value)}", field=field)


class _Published(Document):
    model_version: Text
    run_id: str | None = None
    trained_at: Time | None = None
    input_dataset_name: str | None = None
    input_dataset_version: str | None = None
    started_at: Time | None = None
    completed_at: Time | None = None


def read_published(content: bytes, source: Source) -> PublishedRecord | None:
    """Read `<name>/<folder>/model_metadata.json`; None if it is a JSON object of another kind.

    Raises:
        ArtifactError: the content is no JSON object, or a field is missing or of the wrong form.
    """
    document = parse_object(content)
    if "model_version" not in document and "trained_at" not in document:
        return None
    checked = check(_Published, document)
    folder = PurePath(source.path).parent
    return PublishedRecord(
        source=source,
        name=folder.parent.name,
        folder=folder.name,
        version=known(checked.model_version),
        run_id=known(checked.run_id),
        dataset_name=known(checked.input_dataset_name),
        dataset_version=known(checked.input_dataset_version),
        started=instant_of(checked.started_at),
        completed=instant_of(checked.completed_at or checked.trained_at),
        flags=tuple(zone_flags(checked.trained_at, checked.started_at, checked.completed_at)),
    )
