"""`dvc.lock` and `.dvc` files: paths with the hashes of their contents, and parameters.

Source: DVC's docs, "dvc.lock" and ".dvc files": schema 2.0, and the one before it, which has its
stages at the top. What is code among the dependencies is no data: a history tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from lineage_bridge.adapters.documents import MAX_ITEMS, check_lengths, check_number, shown
from lineage_bridge.adapters.yaml_documents import parse_yaml
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Claim, Reference, Source, Step
from lineage_bridge.records.words import path_parts, stem_of

LOCK: Final = "dvc.lock"
PIPELINE: Final = "dvc.yaml"
SCHEMAS: Final = ("1.0", "2.0")

_CONFLICT: Final = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
_CODE: Final = re.compile(r"(?i).*\.(?:py|ipynb|r|scala|java|sh|jl|sql|c|cc|cpp|rs|go)")
_HASHES: Final = ("md5", "etag", "checksum")


def steps_in(
    content: bytes, project: str, time: datetime, models: Mapping[str, str], source: Source
) -> Iterator[Step]:
    """Yield the steps of a lock file, in its order.

    Args:
        content: of the lock file.
        project: what its pipeline is called.
        time: of the state that it has.
        models: the outputs that are models, each with its name.
        source: of the records.

    Raises:
        ArtifactError: it cannot be read.
    """
    for name, stage in _stages(content).items():
        field = f"stages.{name}"
        reads = [
            Reference(path=path, md5=digest, size_bytes=size, field=f"{field}.deps")
            for path, digest, size in _files(stage.get("deps"), f"{field}.deps")
            if not _CODE.fullmatch(path)
        ]
        writes = [
            Claim(
                what="model" if path in models else "dataset",
                name=models.get(path) or path,
                version=digest,
                within=project,
                path=path,
                field=f"{field}.outs",
            )
            for path, digest, _ in _files(stage.get("outs"), f"{field}.outs")
        ]
        parameters = dict(_parameters(stage.get("params")))
        check_number("parameters", len(parameters))
        check_lengths(parameters)
        yield Step(
            source=source,
            project=project,
            name=name,
            time=time,
            reads=tuple(reads),
            writes=tuple(writes),
            parameters=parameters,
        )


def contents_in(path: str, content: bytes) -> dict[str, str]:
    """Return the content of each file that a lock file or a `.dvc` file tells of, by its path.

    Raises:
        ArtifactError: it cannot be read.
    """
    folder = path.rpartition("/")[0]
    if path.endswith(".dvc"):
        found = _files(_document(content).get("outs"), "outs")
    else:
        found = (
            file
            for name, stage in _stages(content).items()
            for part in ("deps", "outs")
            for file in _files(stage.get(part), f"stages.{name}.{part}")
            if not _CODE.fullmatch(file[0])
        )
    named = ((f"{folder}/{own}".lstrip("/"), digest) for own, digest, _ in found)
    return {own: digest for own, digest in named if digest is not None}


def models_in(pipeline: bytes) -> dict[str, str]:
    """Return the outputs of a `dvc.yaml` that are models, each with its name.

    Raises:
        ArtifactError: it cannot be read.
    """
    document = _document(pipeline)
    found = {}
    for stage in _objects(document.get("stages")).values():
        outs = stage.get("outs") if isinstance(stage, dict) else None
        for out in outs if isinstance(outs, list) else ():
            for path, said in _objects(out).items():
                if isinstance(said, dict) and said.get("type") == "model":
                    found[path] = stem_of(path) or path
    for name, said in _objects(document.get("artifacts")).items():
        if isinstance(said, dict) and said.get("type") == "model":
            found[str(said.get("path"))] = str(name)
    return found


def _document(content: bytes) -> Mapping[str, Any]:
    if _CONFLICT.search(content):
        raise ArtifactError("has marks of a merge that is not resolved: resolve it first")
    documents = parse_yaml(content)
    if not documents:
        raise ArtifactError("is empty, expected YAML")
    value = documents[0].value
    if not isinstance(value, dict):
        raise ArtifactError(f"expected an object, found {shown(value)}")
    return value


def _stages(content: bytes) -> dict[str, Mapping[str, Any]]:
    document = _document(content)
    schema = document.get("schema")
    if schema is not None and str(schema) not in SCHEMAS:
        expected = " or ".join(SCHEMAS)
        reason = f"version {shown(schema)} is not known, expected {expected}"
        raise ArtifactError(reason, field="schema")
    stages = document.get("stages") if schema is not None else document
    if not isinstance(stages, dict):
        raise ArtifactError(f"expected an object, found {shown(stages)}", field="stages")
    for name, stage in stages.items():
        if not isinstance(stage, dict):
            reason = f"expected an object, found {shown(stage)}"
            raise ArtifactError(reason, field=f"stages.{name}")
    return {str(name): stage for name, stage in stages.items()}


def _files(listed: Any, field: str) -> Iterator[tuple[str, str | None, int | None]]:
    """Yield path, hash and size of the files in a list."""
    if listed is None:
        return
    if not isinstance(listed, list) or len(listed) > MAX_ITEMS:
        raise ArtifactError(f"expected a list, found {shown(listed)}", field=field)
    for number, file in enumerate(listed):
        path = file.get("path") if isinstance(file, dict) else None
        if not isinstance(path, str) or not path_parts(path):
            reason = f"expected a path, found {shown(path)}"
            raise ArtifactError(reason, field=f"{field}.{number}.path")
        check_lengths({f"{field}.{number}.path": path})
        digest = next((file[name] for name in _HASHES if isinstance(file.get(name), str)), None)
        size = file.get("size")
        is_size = isinstance(size, int) and not isinstance(size, bool)
        yield "/".join(path_parts(path)), digest, size if is_size else None


def _parameters(said: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield parameters by their dotted names, without the file that they stand in."""
    for value in _objects(said).values():
        yield from _flat(value, above)


def _flat(value: Any, above: str) -> Iterator[tuple[str, str]]:
    for name, member in _objects(value).items():
        own = f"{above}.{name}" if above else str(name)
        if isinstance(member, dict):
            yield from _flat(member, own)
        else:
            yield own, str(member)


def _objects(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
