"""dbt: what its `target` folder says of models, tests and sources, without dbt.

A run's results belong to the manifest of the same invocation: a manifest that another command wrote
over it is refused, as its names and edges may be others. Sources need only the names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.common_names import OF_DBT
from lineage_bridge.adapters.dbt.documents import (
    CATALOG,
    MANIFEST,
    RESULTS,
    SOURCES,
    Manifest,
    Results,
    decode_as,
    says_dbt,
)
from lineage_bridge.adapters.dbt.project import Project
from lineage_bridge.adapters.dbt.results import records_of_results
from lineage_bridge.adapters.dbt.sources import records_of_sources
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record

PROFILES: Final = "../profiles.yml"
MAX_BYTES: Final = 256 * 1024 * 1024  # of a manifest: 5,000 models take some 40 MB
_RESULTS: Final = Kind("results", companions=(MANIFEST, CATALOG, PROFILES))
_SOURCES: Final = Kind("sources", companions=(MANIFEST, PROFILES))


class Dbt:
    """The adapter of dbt's artifacts."""

    api = API
    name = "dbt"
    title = "dbt (target/run_results.json, sources.json, with manifest.json and catalog.json)"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        """Recognise the two files that tell what happened; the others are read with them."""
        if place.is_folder or not place.name.endswith(".json"):
            return None
        if OF_DBT.fullmatch(place.name) and place.name.startswith("run_results"):
            return _RESULTS
        return _SOURCES if place.name.startswith("sources") else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read one file, by the names of the manifest beside it."""
        content = artifact.content(max_bytes=MAX_BYTES)
        if not says_dbt(content):
            if artifact.name.lower() == "run_results.json":
                raise ArtifactError("is not of dbt, or torn: it has no metadata of dbt")
            return
        is_results = artifact.kind is _RESULTS
        found = decode_as(Results, content, RESULTS if is_results else SOURCES)
        if is_results and not found.ran:
            return  # `dbt docs generate` and the like: compiled, and nothing ran
        project, problems = _project(artifact)
        yield from (Problem(name, error) for name, error in problems)
        if is_results:
            project.check_invocation(found)
            yield from records_of_results(found, project, artifact)
        else:
            yield from records_of_sources(found, project, artifact)


def _project(artifact: Artifact) -> tuple[Project, list[tuple[str, ArtifactError]]]:
    """Read what gives names; what cannot be read beside the manifest costs its own facts only."""
    content = artifact.companion(MANIFEST, max_bytes=MAX_BYTES)
    if content is None:
        reason = "is not there, expected the manifest of the same run beside it"
        raise ArtifactError(reason, field=MANIFEST)
    try:
        manifest = decode_as(Manifest, content, MANIFEST)
    except ArtifactError as exc:
        raise ArtifactError(str(exc), field=MANIFEST) from exc
    project, problems = Project(manifest), []
    for name, take in ((CATALOG, project.take_catalog), (PROFILES, project.take_profiles)):
        if name not in artifact.kind.companions:
            continue
        try:
            beside = artifact.companion(name, max_bytes=MAX_BYTES)
            if beside is not None:
                take(beside)
        except ArtifactError as exc:
            problems.append((name, exc))
    return project, problems


ADAPTER: Final = Dbt()
