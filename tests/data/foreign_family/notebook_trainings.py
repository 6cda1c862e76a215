"""A family of another package: what a notebook writes down of the model that it trained."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Claim, Record, Reference, Training
from lineage_bridge.times import parse_time


class _Run(msgspec.Struct):
    run: str
    model: str
    finished: str
    data: str | None = None
    data_sha256: str | None = None
    metrics: dict[str, float] = {}


class NotebookTrainings:
    """The adapter of `<name>.notebook.json`."""

    api = API
    name = "notebooks"
    title = "Trainings in notebooks"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        return Kind("run") if place.name.endswith(".notebook.json") else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        try:
            run = msgspec.json.decode(artifact.content(), type=_Run)
            finished = parse_time(run.finished).instant
        except (msgspec.MsgspecError, ValueError) as exc:
            raise ArtifactError(str(exc)) from exc
        yield Training(
            source=artifact.source,
            run_id=run.run,
            model=Claim(what="model", name=run.model, field="model"),
            reads=(Reference(path=run.data, sha256=run.data_sha256, field="data"),),
            completed=finished,
            metrics=run.metrics,
            time_basis="utc",
        )


ADAPTER = NotebookTrainings()
