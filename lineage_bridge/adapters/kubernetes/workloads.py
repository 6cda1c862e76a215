"""Deployments, their ReplicaSets, and StatefulSets that serve a model.

A ReplicaSet is one revision of a Deployment, and the time of its creation is when that revision
began to serve. A Deployment alone knows only its newest revision, and that it was rolled out by
some time. What never became available, is not seen by the cluster yet, or has no replicas serves
nobody. Source: Kubernetes' docs, "Deployments", "Deployment status".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from lineage_bridge.adapters.documents import shown
from lineage_bridge.adapters.kubernetes.cluster import Cluster, owner_of
from lineage_bridge.adapters.kubernetes.containers import (
    Container,
    containers_of,
    hash_of,
    image_of,
    run_annotated,
)
from lineage_bridge.adapters.kubernetes.objects import Object, count_of, section, text_of, time_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facets.deployment import Workload
from lineage_bridge.naming import Slot
from lineage_bridge.records import Reference, Source, Start

KINDS: Final = ("Deployment", "ReplicaSet", "StatefulSet")
_REVISION: Final = "deployment.kubernetes.io/revision"
_VERSIONS: Final = ("v1", "v1beta1", "v1beta2")


def starts_of_workload(one: Object, cluster: Cluster, source: Source) -> Iterator[Start]:
    """Yield the start that an object tells of; none if it serves no model, or nobody.

    Raises:
        ArtifactError: it cannot be read.
    """
    if one.kind not in KINDS or one.group not in {"apps", "extensions"}:
        return
    if one.api_version not in _VERSIONS:
        reason = f"version {shown(one.api_version)} is not known, expected {' or '.join(_VERSIONS)}"
        raise ArtifactError(reason, field="apiVersion")
    if not one.has_state:  # a manifest, perhaps only a part of one
        return
    owner = owner_of(one) if one.kind == "ReplicaSet" else one.name
    if owner is None:
        return
    model, container = _served(one, cluster)
    if model is None:
        return
    began = _began(one, cluster, owner)
    if began is not None:
        start = _start(one, owner, container, model, began, source)
        yield _told_by_others(start, one, owner, cluster)


def _served(one: Object, cluster: Cluster) -> tuple[Reference | None, Container]:
    template = section(one.document, "spec", "template")
    field = "spec.template.spec"
    containers = containers_of(section(template, "spec"), field, one, cluster)
    for container in containers:
        model = container.model()
        if model is not None:
            run_id = model.run_id or run_annotated(one, template)
            return replace(model, run_id=run_id), container
    return None, containers[0]


def _began(one: Object, cluster: Cluster, owner: str) -> datetime | None:
    """Return since when it serves; None if it serves nobody, or something else tells it better."""
    created: datetime | None = time_of(one.document, "metadata", "creationTimestamp")
    if one.kind == "ReplicaSet":
        return created if _has_served(one, owner, cluster, created) else None
    is_told = one.kind == "Deployment" and _is_told_by_revision(one, cluster)
    is_first = one.kind == "StatefulSet" or _revision(one) in {None, "1"}
    if count_of(one.document, "spec", "replicas") == 0:
        has_served = is_first and not is_told and _was_stopped(one, owner, cluster, created)
        return created if has_served else None
    if is_told or not one.is_observed or not _is_available(one):
        return None
    if is_first:
        return created
    progressed: datetime | None = time_of(
        {"condition": one.condition("Progressing")}, "condition", "lastUpdateTime"
    )
    return progressed or created


def _was_stopped(one: Object, owner: str, cluster: Cluster, created: datetime | None) -> bool:
    """Return whether it served until its last replica was taken away."""
    stopped = cluster.stopped.get((one.namespace, owner))
    return stopped is not None and created is not None and stopped > created


def _has_served(one: Object, owner: str, cluster: Cluster, created: datetime | None) -> bool:
    """Return whether a revision ever answered: an older one did, if a newer one took over."""
    asked = count_of(one.document, "spec", "replicas") or 0
    ready = count_of(one.document, "status", "readyReplicas") or 0
    if ready > 0:
        return True
    if asked:
        return False
    return not _is_newest(one, owner, cluster) or _was_stopped(one, owner, cluster, created)


def _is_newest(one: Object, owner: str, cluster: Cluster) -> bool:
    siblings = cluster.replica_sets.get((one.namespace, owner), [])
    return all(_number(other) <= _number(one) for other in siblings)


def _is_available(one: Object) -> bool:
    """Return whether at least one replica of the newest revision answers."""
    if one.condition("Progressing").get("reason") == "ProgressDeadlineExceeded":
        return False
    ready = count_of(one.document, "status", "availableReplicas")
    if ready is None:
        ready = count_of(one.document, "status", "readyReplicas") or 0
    updated = count_of(one.document, "status", "updatedReplicas")
    return ready > 0 and updated != 0


def _is_told_by_revision(one: Object, cluster: Cluster) -> bool:
    known = cluster.replica_sets.get((one.namespace, one.name), [])
    return any(_revision(other) == _revision(one) for other in known)


def _revision(one: Object) -> str | None:
    return text_of(one.metadata, "annotations", _REVISION)


def _number(one: Object) -> int:
    revision = _revision(one) or ""
    return int(revision) if revision.isdecimal() and len(revision) < 10 else 0


def _start(
    one: Object,
    owner: str,
    container: Container,
    model: Reference,
    began: datetime,
    source: Source,
) -> Start:
    slot = container.slot(Slot(owner, one.namespace, owner))
    revision = _revision(one)
    kind = "Deployment" if one.kind == "ReplicaSet" else one.kind
    image, digest = image_of(container.image)
    return Start(
        source=source,
        time=began,
        service=slot.service,
        environment=slot.environment,
        deployment=slot.deployment,
        model=model,
        activation_reason=f"revision {revision}" if revision else None,
        workload=Workload(
            kind=kind,
            name=owner,
            revision=revision,
            image=image,
            image_digest=digest,
            replicas=_asked(one),
            spec_sha256=hash_of(_template(one)),
        ),
    )


def _told_by_others(start: Start, one: Object, owner: str, cluster: Cluster) -> Start:
    """Add what other objects say: the digest that its pods run, and when the last of them went."""
    workload = start.workload
    assert workload is not None, "every start of a cluster has one"
    is_newest = one.kind == "Deployment" or _is_newest(one, owner, cluster)
    stopped = cluster.stopped.get((one.namespace, owner)) if is_newest else None
    digest = workload.image_digest or cluster.digest_of(one, workload.image)
    return replace(start, workload=replace(workload, image_digest=digest, stopped=stopped))


def _asked(one: Object) -> int | None:
    """Return the replicas that were asked for; an old revision has none any more."""
    return count_of(one.document, "spec", "replicas") or None


def _template(one: Object) -> Mapping[str, Any]:
    return section(one.document, "spec", "template", "spec")
