"""The serving layer (P5): deployment events, metric windows, and the model folders it serves from.

An event's times must name their zone. `serving_windows` reads the windows: they are many, and need
another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath
from typing import Final, Literal

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import (
    Document,
    Name,
    Text,
    Time,
    ZonedTime,
    check,
    check_lengths,
    instant_of,
    parse_object,
    zone_flags,
)
from lineage_bridge.adapters.model_uris import read_model_uri
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known
from lineage_bridge.records import Claim, Publication, Record, Reference, Source, Start

EVENTS: Final = Kind("events", "lines")
WINDOWS: Final = Kind("windows", "windows")
PUBLISHED: Final = Kind("published")

NOT_OBSERVED: Final = "not_observed"  # flag of a folder for which P5 writes no events or windows

_BY_NAME: Final = {"model_metadata.json": PUBLISHED, "deployment_events.jsonl": EVENTS}
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_WINDOWS: Final = re.compile(r"metrics_\d{1,2}\.jsonl")


class Serving:
    """The adapter of what a service leaves behind."""

    api = API
    name = "p5"
    title = "Deployment events, serving windows, published models"
    version = 4

    def recognise(self, place: Place) -> Kind | None:
        """Recognise a file by its name, or any JSONL by the folder of its sort."""
        by_name = _BY_NAME.get(place.name)
        if by_name is not None:
            return by_name
        if _WINDOWS.fullmatch(place.name):
            return WINDOWS
        if place.is_folder or not place.name.endswith(".jsonl"):
            return None
        if "metrics" in place.folders:
            return WINDOWS
        return EVENTS if "events" in place.folders else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read one event, or one published folder."""
        content = artifact.content()
        if artifact.kind is EVENTS:
            yield read_event(content, artifact.source)
        elif (record := read_published(content, artifact.source)) is not None:
            yield record


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


def read_event(line: bytes, source: Source) -> Start:
    """Read one line of `deployment_events.jsonl`.

    Raises:
        ArtifactError: the line is no deployment event of schema v1.
    """
    document = parse_object(line)
    event = check(_Event, document)
    if event.completed_at < event.started_at:
        raise ArtifactError("lies before `started_at`", field="completed_at")
    check_lengths(document)
    model = _served(event)
    return Start(
        source=source,
        time=event.event_time,
        service=event.service_name,
        service_version=event.service_version,
        environment=event.environment,
        deployment=event.deployment_id,
        instance=known(event.instance_id),
        model=model,
        dataset_name=known(event.input_dataset_name),
        bundle_id=event.bundle_id,
        bundle_uri=event.bundle_uri,
        bundle_created=event.bundle_created_at,
        activation_reason=event.activation_reason,
        traffic_status=event.traffic_status,
    )


def _served(event: _Event) -> Reference:
    """Return the model of an event; whoever knows no dataset knows nothing of the training."""
    trained_on = known(event.input_dataset_version)
    said = _named_by(event.bundle_uri)
    return Reference(
        what="model",
        name=event.model_name,
        version=event.model_version,
        run_id=said.run_id if said is not None else None,
        sha256=digest[1] if (digest := _DIGEST.fullmatch(event.bundle_id)) else None,
        trained_on=trained_on,
        started=event.started_at if trained_on else None,
        completed=event.completed_at if trained_on else None,
        field="model_name",
        mend="read its bundle with --p4",
    )


def _named_by(uri: str) -> Reference | None:
    """Return what one of MLflow's URIs names; a folder of this or another machine names nothing."""
    return read_model_uri(uri, "bundle_uri") if uri.startswith("runs:/") else None


class _Published(Document):
    model_version: Text
    run_id: str | None = None
    trained_at: Time | None = None
    input_dataset_name: str | None = None
    input_dataset_version: str | None = None
    started_at: Time | None = None
    completed_at: Time | None = None


def read_published(content: bytes, source: Source) -> Publication | None:
    """Read `<name>/<folder>/model_metadata.json`; None if it is a JSON object of another kind.

    Raises:
        ArtifactError: the content is no JSON object, or a field is missing or of the wrong form.
    """
    document = parse_object(content)
    if "model_version" not in document and "trained_at" not in document:
        return None
    checked = check(_Published, document)
    folder = PurePath(source.path).parent
    started = instant_of(checked.started_at)
    completed = instant_of(checked.completed_at or checked.trained_at)
    flags = zone_flags(checked.trained_at, checked.started_at, checked.completed_at)
    return Publication(
        source=source,
        model=Claim(
            what="model",
            name=folder.parent.name,
            version=known(checked.model_version),
            spellings=(folder.name,),
            path=str(folder),
            field="model_version",
        ),
        trained=Reference(
            what="model",
            run_id=known(checked.run_id),
            trained_on=known(checked.input_dataset_version),
            started=started,
            completed=completed,
            field="run_id",
            mend="publish the model again with its dataset and training times",
        ),
        flags=(*flags, *_not_observed(checked, started, completed)),
    )


def _not_observed(
    checked: _Published, started: datetime | None, completed: datetime | None
) -> list[str]:
    # Without its lineage P5 serves a model, and writes neither events nor windows of it.
    lineage = {
        "trained_at": completed,
        "input_dataset_name": known(checked.input_dataset_name),
        "input_dataset_version": known(checked.input_dataset_version),
        "started_at": started,
    }
    missing = [field for field, value in lineage.items() if value is None]
    return [f"{NOT_OBSERVED}:{', '.join(missing)}"] if missing else []


ADAPTER: Final = Serving()
