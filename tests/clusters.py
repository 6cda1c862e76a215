"""Objects of Kubernetes for tests, as `kubectl get` prints them: small, with what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

T1, T2, T3 = "2026-03-28T12:00:01Z", "2026-04-01T06:10:00Z", "2026-04-07T08:30:40Z"
DIGEST = "sha256:" + "6b" * 32


def container(*, image: str = "registry.example.com/server:1", **env: Any) -> dict[str, Any]:
    variables = [{"name": key, "value": value} for key, value in env.items()]
    return {"name": "server", "image": image, "env": variables}


def workload(kind: str, name: str, *containers: dict[str, Any], **meta: Any) -> dict[str, Any]:
    """A Deployment or ReplicaSet of one replica that answers."""
    metadata = {"name": name, "namespace": "prod", "creationTimestamp": T1, **meta}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": 1, "template": {"spec": {"containers": list(containers)}}},
        "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1},
    }


def revision(number: int, created: str, *containers: dict[str, Any], of: str = "shop") -> Any:
    """One of the ReplicaSets of a Deployment; all but those of the newest have no replicas."""
    return workload(
        "ReplicaSet",
        f"{of}-{number}",
        *containers,
        creationTimestamp=created,
        annotations={"deployment.kubernetes.io/revision": str(number)},
        ownerReferences=[{"kind": "Deployment", "name": of, "controller": True}],
    )


def scaled(found: dict[str, Any], replicas: int) -> dict[str, Any]:
    found["spec"]["replicas"] = replicas
    found["status"] = {"replicas": replicas, "observedGeneration": 1}
    return found


def config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "prod"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def inference_service(predictor: dict[str, Any], **more: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": T3}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "shop", "namespace": "prod", "creationTimestamp": T1, "generation": 2},
        "spec": {"predictor": predictor},
        "status": {"observedGeneration": 2, "conditions": [ready], **more},
    }


def listed(*objects: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def write(path: Path, *objects: Any) -> Path:
    """Write objects as a list of JSON, or as documents of YAML, by the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(listed(*objects)))
    else:
        path.write_text(yaml.safe_dump_all(objects))
    return path
