"""What the objects of one file, and of those beside it, say about each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.kubernetes.objects import (
    Object,
    count_of,
    is_of_kubernetes,
    read_objects,
    section,
    text_of,
    time_of,
)
from lineage_bridge.errors import ArtifactError

_KEPT: Final = ("ConfigMap", "ReplicaSet", "Pod", "Deployment")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}$")
_ENDINGS: Final = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Cluster:
    """The objects that others refer to.

    Attributes:
        has_state: whether one of the file's own objects has a status.
        configs: the data of each ConfigMap, by namespace and name.
        replica_sets: those that a Deployment owns, by its namespace and name.
        digests: what the images of a ReplicaSet's pods turned out to be, by its namespace and name
            and the image.
        stopped: since when Deployments have no replica, by their namespaces and names.
    """

    has_state: bool = False
    configs: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    replica_sets: dict[tuple[str, str], list[Object]] = field(
        default_factory=lambda: defaultdict(list)
    )
    digests: dict[tuple[str, str, str], str] = field(default_factory=dict)
    stopped: dict[tuple[str, str], datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Cluster:
        """Take in the objects of a file."""
        found = cls()
        for one in objects:
            found.has_state |= one.has_state
            found.take(one)
        return found

    def take(self, one: Object) -> None:
        """Take in an object; of two ConfigMaps of one name the first counts."""
        try:
            if one.kind == "ConfigMap":
                data = section(one.document, "data")
                self.configs.setdefault((one.namespace, one.name), data)
            elif one.kind == "ReplicaSet" and (owner := owner_of(one)) is not None:
                known = self.replica_sets[one.namespace, owner]
                if all(one.name != other.name for other in known):
                    known.append(one)
            elif one.kind == "Deployment" and (since := stopped_since(one)) is not None:
                self.stopped[one.namespace, one.name] = since
            elif one.kind == "Pod" and (owner := owner_of(one, "ReplicaSet")) is not None:
                for image, digest in _digests_of(one):
                    self.digests[one.namespace, owner, image] = digest
        except ArtifactError:
            return  # whoever reads its file rejects it

    def digest_of(self, one: Object, image: str | None) -> str | None:
        """Return what a revision's image turned out to be, as far as its pods tell."""
        return self.digests.get((one.namespace, one.name, image or ""))


def stopped_since(one: Object) -> datetime | None:
    """Return since when a Deployment has no replica, by somebody's wish; None of one that has.

    Raises:
        ArtifactError: it cannot be read.
    """
    if not one.is_observed or count_of(one.document, "spec", "replicas") != 0:
        return None
    available = one.condition("Available")
    since: datetime | None = time_of({"available": available}, "available", "lastTransitionTime")
    return since if available.get("status") == "False" else None


def _digests_of(pod: Object) -> Iterator[tuple[str, str]]:
    """Yield the images that a pod asked for, each with the digest of what it runs."""
    listed = section(pod.document, "spec").get("containers")
    asked = {
        str(one.get("name")): one.get("image")
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    }
    statuses = pod.status.get("containerStatuses")
    for one in statuses if isinstance(statuses, list) else ():
        found = _DIGEST.search(str(one.get("imageID"))) if isinstance(one, dict) else None
        image = asked.get(str(one.get("name"))) if found is not None else None
        if found is not None and isinstance(image, str):
            yield image, found[0]


def owner_of(one: Object, kind: str = "Deployment") -> str | None:
    """Return the name of the Deployment, or other object, that controls an object, if one does."""
    owners = one.metadata.get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict) and owner.get("kind") == kind:
            return text_of(owner, "name")
    return None


def read_around(cluster: Cluster, artifact: Artifact) -> None:
    """Take in what the files of the same folder say; one that cannot be read says nothing here."""
    try:
        names = artifact.companions("./")
    except ArtifactError:
        return
    for name in names:
        own = name.rpartition("/")[2]
        if own == artifact.name or not own.lower().endswith(_ENDINGS):
            continue
        try:
            content = artifact.companion(name)
            if content is None or not is_of_kubernetes(content):
                continue
            if not any(kind.encode() in content for kind in _KEPT):
                continue
            for one in read_objects(content, own)[0]:
                cluster.take(one)
        except ArtifactError:
            continue
