"""The URIs by which services name the model that they load: of a registry, a run, or a place.

`models:/<name>/<version>`, `models:/<name>@<alias>`, `models:/m-<id>`, `runs:/<run>/<path>`, and
any path or object store whose end says which run, which logged model, or which `<name>/<version>`
it is. Sources: MLflow's docs, "Model Registry" and "Artifact Stores"; KServe's and TensorFlow
Serving's convention that the last folder of a model is its version.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final
from urllib.parse import unquote, urlsplit

from lineage_bridge.naming import known
from lineage_bridge.records import Reference
from lineage_bridge.records.words import path_parts

_LOGGED: Final = re.compile(r"m-[0-9a-f]{32}")
_RUN: Final = re.compile(r"[0-9a-f]{32}")
_VERSION: Final = re.compile(r"v?\d+(?:\.\d+)*")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def read_model_uri(uri: str, field: str, mend: str | None = None) -> Reference | None:
    """Return the model that a URI names; None if it names none.

    Args:
        uri: as the service has it.
        field: of the artifact, that has the URI.
        mend: what to do upstream if the model is not found.
    """
    scheme, rest = _split(uri.strip())
    parts = path_parts(rest)
    if not parts:
        return None
    if scheme == "models":
        name, version = _registered(unquote(rest).strip("/"))
        path = version if name is None else None  # a logged model is a folder of that name
        return _reference(field, mend, name=name, version=version, path=path)
    if scheme == "runs":
        return _reference(field, mend, run_id=parts[0], path="/".join(parts))
    return _placed(parts, field, mend)


def _split(uri: str) -> tuple[str, str]:
    if not _SCHEME.match(uri) or re.match(r"[A-Za-z]:[\\/]", uri):  # a drive of Windows
        return "", uri
    split = urlsplit(uri)
    return split.scheme.lower(), f"{split.netloc}/{split.path}"


def _registered(rest: str) -> tuple[str | None, str | None]:
    """Return name and version of what follows `models:/`; a logged model has no name there."""
    if _LOGGED.fullmatch(rest):
        return None, rest
    name, slash, version = rest.rpartition("/")
    if slash:
        return name, version
    name, at, alias = rest.rpartition("@")
    return (name, f"@{alias}") if at else (rest, None)


def _placed(parts: list[str], field: str, mend: str | None) -> Reference:
    path = "/".join(parts)
    logged = next((part for part in reversed(parts) if _LOGGED.fullmatch(part)), None)
    if logged is not None:
        return _reference(field, mend, version=logged, path=path)
    run = _run_in(parts)
    if run is not None:
        return _reference(field, mend, run_id=run, path=path)
    if len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        return _reference(field, mend, name=parts[-2], version=parts[-1], path=path)
    return _reference(field, mend, path=path)


def _run_in(parts: list[str]) -> str | None:
    pairs = pairwise(parts)
    return next((p for p, after in pairs if after == "artifacts" and _RUN.fullmatch(p)), None)


def _reference(
    field: str,
    mend: str | None,
    *,
    name: str | None = None,
    version: str | None = None,
    run_id: str | None = None,
    path: str | None = None,
) -> Reference:
    return Reference(
        what="model",
        name=known(name),
        version=known(version),
        run_id=run_id,
        path=path,
        field=field,
        mend=mend,
    )
