"""DVC: what a pipeline's lock file says was run, and what a data file's content is.

A lock file has no times. Where it is in a git repository, the history tells of each of its states,
at the commit's time (`git`); here its present state counts, at the file's own time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.dvc.lock import LOCK, PIPELINE, models_in, steps_in
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record

_LOCK: Final = Kind("lock", companions=(PIPELINE,))


class Dvc:
    """The adapter of DVC's lock files."""

    api = API
    name = "dvc"
    title = "DVC pipelines (dvc.lock)"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        """Recognise the lock file, which leads to the pipeline beside it."""
        return _LOCK if place.name == LOCK and not place.is_folder else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read the steps of one pipeline."""
        content = artifact.content()
        models: dict[str, str] = {}
        try:
            pipeline = artifact.companion(PIPELINE)
            models = models_in(pipeline) if pipeline is not None else {}
        except ArtifactError as exc:
            yield Problem(PIPELINE, exc)
        project = artifact.folders[-1] if artifact.folders else PIPELINE
        source = replace(artifact.source, second_hand=True)  # a history tells more of it
        yield from steps_in(content, project, artifact.modified, models, source)


ADAPTER: Final = Dvc()
