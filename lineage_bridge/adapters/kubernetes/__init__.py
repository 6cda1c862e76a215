"""Kubernetes: what a cluster runs (`kubectl get -o json`, `-o yaml`), with KServe and Seldon.

A dump is state: the objects in it have a status, and those that serve a model become starts of
deployments. A manifest is intent: it tells of no run, but its ConfigMaps say what a dump beside it
means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.common_names import OF_OTHERS
from lineage_bridge.adapters.kubernetes.cluster import Cluster, read_around
from lineage_bridge.adapters.kubernetes.objects import is_of_kubernetes, merged, read_objects
from lineage_bridge.adapters.kubernetes.servers import starts_of_server
from lineage_bridge.adapters.kubernetes.workloads import starts_of_workload
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record

HERE: Final = "./"  # the folder that the file lies in
MANIFEST: Final = Kind("objects", companions=(HERE,))
ALONE: Final = Kind("objects")
HEAD_BYTES: Final = 64 * 1024  # in which a file says that it is of Kubernetes

_WORDS: Final = re.compile(
    r"k8s|kube|kserve|seldon|deployment|replica|configmap|inferenceservice|isvc|statefulset|"
    r"workload|manifest|cluster"
)


class Kubernetes:
    """The adapter of Kubernetes objects."""

    api = API
    name = "kubernetes"
    title = "Kubernetes objects (kubectl get -o json or yaml), KServe, Seldon"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        """Recognise YAML and JSON by their endings.

        Of JSON there is much: only where a word in its place says what it is of, it is read
        together with the others in its folder.
        """
        name = place.name
        if place.is_folder or not name.endswith((".yaml", ".yml", ".json")):
            return None
        if OF_OTHERS.fullmatch(name):
            return None
        if name.endswith(".json"):
            near = (name, *(folder.lower() for folder in place.folders))
            return MANIFEST if any(map(_WORDS.search, near)) else ALONE
        return MANIFEST

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read the objects of one file, each for itself."""
        with artifact.opened() as file:
            if not is_of_kubernetes(file.read(HEAD_BYTES)):
                return
        content = artifact.content()
        objects, errors = read_objects(content, artifact.name)
        cluster = Cluster.of(objects)
        if cluster.has_state and artifact.kind is MANIFEST:
            read_around(cluster, artifact)
        for found in objects:
            try:
                yield from starts_of_workload(found, cluster, artifact.source)
                yield from starts_of_server(found, cluster, artifact.source)
            except ArtifactError as exc:
                errors.append(found.placed(exc))
        for error in merged(errors):
            yield Problem(artifact.name, error)


ADAPTER: Final = Kubernetes()
