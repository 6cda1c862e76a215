"""What the containers of a pod say: which image, which model, and by which name they serve."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from lineage_bridge.adapters.documents import MAX_TEXT_CHARACTERS
from lineage_bridge.adapters.kubernetes.cluster import Cluster
from lineage_bridge.adapters.kubernetes.objects import (
    Object,
    objects_in,
    section,
    text_of,
)
from lineage_bridge.adapters.model_uris import read_model_uri
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import Slot, known
from lineage_bridge.records import Reference

MEND: Final = "name the folder with its training or registry to `backfill`"

_URIS: Final = ("MODEL_URI", "MLFLOW_MODEL_URI", "STORAGE_URI", "MODEL_PATH")
_OPTIONS: Final = ("--model-uri", "--model_uri", "-m")
_NAMES: Final = ("MODEL_NAME",)
_VERSIONS: Final = ("MODEL_VERSION",)
_VARIABLE: Final = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_RUN: Final = re.compile(r"[0-9a-f]{32}")
_RUN_KEY: Final = re.compile(r"(?i).*run[-_]?id")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Container:
    """One container, with its variables resolved.

    Attributes:
        field: its place in the object.
        env: its variables; those of Secrets are left out.
    """

    field: str
    image: str | None
    env: Mapping[str, str]
    words: tuple[str, ...]

    def slot(self, default: Slot) -> Slot:
        """Return what it serves as: by the variables of P5, else its object's own deployment."""
        service = known(self.env.get("P5_SERVICE_NAME"))
        environment = known(self.env.get("P5_ENVIRONMENT"))
        deployment = known(self.env.get("P5_DEPLOYMENT_ID"))
        return Slot(
            service or default.service,
            environment or default.environment,
            deployment or default.deployment,
        )

    def model(self) -> Reference | None:
        """Return the model that it serves; None if it serves none that can be told."""
        name = known(self.env.get("P5_MODEL_NAME"))
        if name is not None:
            field = f"{self.field}.env.P5_MODEL_NAME"
            version = known(self.env.get("P5_MODEL_VERSION"))
            return Reference(what="model", name=name, version=version, field=field, mend=MEND)
        name, version = self._variable(_NAMES), self._variable(_VERSIONS)
        said = self._by_uri()
        if said is None:
            if name is None:
                return None
            field = f"{self.field}.env.{_NAMES[0]}"
            return Reference(what="model", name=name, version=version, field=field, mend=MEND)
        if said.name is None and name is not None:
            said = replace(said, name=name)
        if said.version is None and said.name is not None:
            said = replace(said, version=version)
        return said

    def _by_uri(self) -> Reference | None:
        for place, uri in self._uris():
            found = read_model_uri(uri, place, MEND)
            if found is not None:
                return found
        return None

    def _uris(self) -> Iterator[tuple[str, str]]:
        for name in _URIS:
            if (uri := known(self.env.get(name))) is not None:
                yield f"{self.field}.env.{name}", uri
        for word, following in zip(self.words, (*self.words[1:], ""), strict=False):
            option, _, value = word.partition("=")
            if option in _OPTIONS and (value or following):
                uri = self._expanded(value or following)
                if "$(" not in uri:
                    yield f"{self.field}.args", uri

    def _expanded(self, text: str) -> str:
        return _VARIABLE.sub(lambda match: self.env.get(match[1], match[0]), text)

    def _variable(self, names: tuple[str, ...]) -> str | None:
        return next((found for name in names if (found := known(self.env.get(name)))), None)


def containers_of(
    spec: Mapping[str, Any], field: str, one: Object, cluster: Cluster
) -> list[Container]:
    """Read the containers of a pod's specification.

    Raises:
        ArtifactError: it has none, or one cannot be read.
    """
    place = f"{field}.containers"
    found = [
        Container(
            where,
            text_of(document, "image"),
            _environment(document, where, one, cluster),
            tuple(_words(document)),
        )
        for where, document in objects_in(spec.get("containers"), place)
    ]
    if not found:
        raise ArtifactError("has no container, expected one at least", field=place)
    return found


def _environment(
    document: Mapping[str, Any], field: str, one: Object, cluster: Cluster
) -> dict[str, str]:
    env: dict[str, str] = {}
    for _, source in objects_in(document.get("envFrom"), f"{field}.envFrom"):
        prefix = text_of(source, "prefix") or ""
        name = text_of(source, "configMapRef", "name")
        data = cluster.configs.get((one.namespace, name), {}) if name else {}
        env.update({f"{prefix}{key}": str(value) for key, value in data.items()})
    for _, variable in objects_in(document.get("env"), f"{field}.env"):
        name, value = variable.get("name"), variable.get("value")
        if not isinstance(name, str):
            continue
        if value is None:
            value = _from_config(variable, one, cluster)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            env[name] = str(value)
        else:
            env.pop(name, None)
    return {key: value for key, value in env.items() if len(value) <= MAX_TEXT_CHARACTERS}


def _from_config(variable: Mapping[str, Any], one: Object, cluster: Cluster) -> Any:
    key = section(variable, "valueFrom", "configMapKeyRef")
    data = cluster.configs.get((one.namespace, str(key.get("name"))), {})
    return data.get(str(key.get("key")))


def _words(document: Mapping[str, Any]) -> Iterator[str]:
    for name in ("command", "args"):
        words = document.get(name)
        for word in words if isinstance(words, list) else ():
            yield from str(word).split() if "\n" in str(word) else (str(word),)


def run_annotated(one: Object, template: Mapping[str, Any] | None = None) -> str | None:
    """Return the training run that an annotation names, such as `…/mlflow-run-id`."""
    annotations = dict(one.annotations())
    annotations.update(
        {
            key: value
            for key, value in section(template or {}, "metadata", "annotations").items()
            if isinstance(value, str)
        }
    )
    for key, value in sorted(annotations.items()):
        plain = value.replace("-", "").lower()
        if _RUN_KEY.fullmatch(key) and _RUN.fullmatch(plain):
            return value
    return None


def image_of(image: str | None) -> tuple[str | None, str | None]:
    """Return an image without its digest, and its digest."""
    if image is None:
        return None, None
    name, at, digest = image.partition("@")
    is_digest = bool(at) and _DIGEST.fullmatch(digest) is not None
    return (name, digest) if is_digest else (image, None)


def hash_of(spec: Any) -> str:
    """Return the hash of a specification, whatever the order of its members."""
    return sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
