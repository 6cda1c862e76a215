"""Model servers that a cluster knows as such: KServe's InferenceService, Seldon's deployments.

Where several revisions or predictors share the requests, each is a deployment of its own, with its
share; a shadow answers nobody. Sources: KServe's API v1beta1 (and v1alpha2, which names the
framework as a key), Seldon Core's v1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from lineage_bridge.adapters.documents import as_number, shown
from lineage_bridge.adapters.kubernetes.cluster import Cluster
from lineage_bridge.adapters.kubernetes.containers import (
    MEND,
    containers_of,
    hash_of,
    image_of,
    run_annotated,
)
from lineage_bridge.adapters.kubernetes.objects import (
    Object,
    count_of,
    objects_in,
    section,
    text_of,
    time_of,
)
from lineage_bridge.adapters.model_uris import read_model_uri
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facets.deployment import Workload
from lineage_bridge.records import Reference, Source, Start

CANARY: Final = "-canary"
WHOLE: Final = 100.0


class Server(NamedTuple):
    """One revision or predictor that answers requests.

    Attributes:
        deployment: what it is called in its slot.
        percent: its share of the requests, None where nobody else has one.
        spec: what it was made from, and its place in the object.
    """

    deployment: str
    percent: float | None
    spec: Mapping[str, Any]
    field: str
    revision: str | None = None
    replicas: int | None = None


def starts_of_server(one: Object, cluster: Cluster, source: Source) -> Iterator[Start]:
    """Yield a start for each revision or predictor that answers; of a manifest none.

    Raises:
        ArtifactError: it cannot be read, or its API is of a version that is not known.
    """
    known = _KINDS.get((one.group, one.kind))
    if known is None:
        return
    versions, servers_of, is_ready = known
    if one.api_version not in versions:
        reason = f"version {shown(one.api_version)} is not known, expected {' or '.join(versions)}"
        raise ArtifactError(reason, field="apiVersion")
    if not one.has_state:  # a manifest, perhaps only a part of one
        return
    servers = list(servers_of(one))
    serves = one.is_observed and is_ready(one)
    for server in servers:
        model, image = _model_of(server, one, cluster)
        answers = server.percent != 0 and server.replicas != 0
        if serves and answers and model is not None:
            yield _start(one, server, model, image, source)


def _start(
    one: Object, server: Server, model: Reference, image: str | None, source: Source
) -> Start:
    named, digest = image_of(image)
    return Start(
        source=source,
        time=_began(one),
        service=one.name,
        environment=one.namespace,
        deployment=server.deployment,
        model=replace(model, run_id=model.run_id or run_annotated(one)),
        activation_reason=f"revision {server.revision}" if server.revision else None,
        workload=Workload(
            kind=one.kind,
            name=one.name,
            revision=server.revision,
            image=named,
            image_digest=digest,
            replicas=server.replicas,
            traffic_percent=server.percent,
            spec_sha256=hash_of(server.spec),
        ),
    )


def _began(one: Object) -> datetime:
    """Return since when its newest specification serves: since its creation, if it is the first."""
    created: datetime | None = time_of(one.document, "metadata", "creationTimestamp")
    ready = time_of({"ready": one.condition("Ready")}, "ready", "lastTransitionTime")
    generation = one.metadata.get("generation")
    is_first = generation is None or generation == 1
    began = created if is_first else ready or created
    if began is None:
        raise ArtifactError("is missing", field="metadata.creationTimestamp")
    return began


def _is_ready(one: Object) -> bool:
    return one.condition("Ready").get("status") == "True"


def _model_of(server: Server, one: Object, cluster: Cluster) -> tuple[Reference | None, str | None]:
    """Return the model that a server loads, and the image that it runs."""
    for field, framework in _loaders(server):
        for key in ("storageUri", "modelUri", "uri"):
            uri = text_of(framework, key)
            if uri is not None:
                place = f"{field}.{key}"
                return read_model_uri(uri, place, MEND), text_of(framework, "image")
        path = text_of(framework, "storage", "path")
        if path is not None:
            return read_model_uri(path, f"{field}.storage.path", MEND), text_of(framework, "image")
    if "containers" in server.spec:
        for container in containers_of(server.spec, server.field, one, cluster):
            model = container.model()
            if model is not None:
                return model, container.image
    return None, None


def _loaders(server: Server) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what may name a model: `model` first, then whatever framework is the key."""
    names = sorted(server.spec, key=lambda name: (name != "model", name))
    for name in names:
        if isinstance(found := server.spec[name], dict):
            yield f"{server.field}.{name}", found
    yield server.field, server.spec


# KServe


def _inference_service(one: Object) -> Iterator[Server]:
    spec = section(one.document, "spec")
    if one.api_version == "v1alpha2":
        yield from _of_old_service(one, spec)
        return
    predictor = section(spec, "predictor")
    if not predictor:
        raise ArtifactError("is missing", field="spec.predictor")
    percent = _percent_of_latest(one)
    if percent is None:
        percent = _percent(predictor.get("canaryTrafficPercent"), "predictor.canaryTrafficPercent")
    revision = text_of(one.status, "components", "predictor", "latestReadyRevision")
    is_canary = percent is not None and percent < WHOLE and _has_previous(one)
    yield Server(
        one.name + CANARY if is_canary else one.name,
        percent if is_canary else None,
        predictor,
        "spec.predictor",
        revision,
        count_of(predictor, "minReplicas") or None,
    )


def _of_old_service(one: Object, spec: Mapping[str, Any]) -> Iterator[Server]:
    share = _percent(spec.get("canaryTrafficPercent"), "canaryTrafficPercent") or 0.0
    for name, suffix, percent in (("default", "", WHOLE - share), ("canary", CANARY, share)):
        predictor = section(spec, name, "predictor")
        if predictor:
            field = f"spec.{name}.predictor"
            shared = percent if section(spec, "canary") else None
            yield Server(one.name + suffix, shared, predictor, field)


def _percent_of_latest(one: Object) -> float | None:
    traffic = section(one.status, "components", "predictor").get("traffic")
    for _, target in objects_in(traffic, "status.components.predictor.traffic"):
        if target.get("latestRevision") is True:
            return _percent(target.get("percent"), "status.components.predictor.traffic.percent")
    return None


def _has_previous(one: Object) -> bool:
    """Return whether another revision gets the rest of the requests."""
    predictor = section(one.status, "components", "predictor")
    traffic = predictor.get("traffic")
    if not isinstance(traffic, list):
        return "previousRolledoutRevision" in predictor
    return any(
        isinstance(target, dict)
        and target.get("latestRevision") is not True
        and target.get("percent")
        for target in traffic
    )


def _percent(value: Any, field: str) -> float | None:
    if value is None:
        return None
    number = as_number(value)
    if number is None or not 0 <= number <= WHOLE:
        raise ArtifactError(
            f"expected a percentage from 0 to 100, found {shown(value)}", field=field
        )
    return number


# Seldon


def _seldon_deployment(one: Object) -> Iterator[Server]:
    predictors = list(
        objects_in(section(one.document, "spec").get("predictors"), "spec.predictors")
    )
    if not predictors:
        raise ArtifactError("has no predictor, expected one at least", field="spec.predictors")
    for field, predictor in predictors:
        name = text_of(predictor, "name")
        if name is None:
            raise ArtifactError("is missing", field=f"{field}.name")
        percent = _percent(predictor.get("traffic"), f"{field}.traffic")
        if predictor.get("shadow") is True:
            percent = 0.0
        elif len(predictors) == 1:
            percent = None
        replicas = count_of(predictor, "replicas")
        spec = section(predictor, "graph")
        yield Server(f"{one.name}-{name}", percent, spec, f"{field}.graph", None, replicas)


def _is_available(one: Object) -> bool:
    return one.status.get("state") == "Available" or _is_ready(one)


def _seldon_model(one: Object) -> Iterator[Server]:
    spec = section(one.document, "spec")
    yield Server(one.name, None, spec, "spec", None, count_of(spec, "replicas"))


_Known = tuple[tuple[str, ...], Callable[[Object], Iterator[Server]], Callable[[Object], bool]]
_KSERVE: Final[_Known] = (("v1beta1", "v1alpha2"), _inference_service, _is_ready)
_SELDON: Final[_Known] = (
    ("v1", "v1alpha2", "v1alpha3"),
    _seldon_deployment,
    _is_available,
)
_KINDS: Final[Mapping[tuple[str, str], _Known]] = {
    ("serving.kserve.io", "InferenceService"): _KSERVE,
    ("serving.kubeflow.org", "InferenceService"): _KSERVE,
    ("machinelearning.seldon.io", "SeldonDeployment"): _SELDON,
    ("mlops.seldon.io", "Model"): (("v1alpha1",), _seldon_model, _is_ready),
}
