"""MLflow's store of files: a folder a run, a registered version or a registered model.

`<experiment>/<run>/{meta.yaml,params,tags,metrics,inputs,outputs}` is a run, `models/<name>` a
registered model with a folder a version. Each is read by itself, so a change has one run read
again. A metric's file has a line a value; which of them is the latest is not told by their order:
logging a model writes earlier values once more at the end. Names with slashes are folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import yaml

from lineage_bridge.adapters.api import Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import shown
from lineage_bridge.adapters.mlflow.facts import (
    DELETED,
    IS_PROMPT,
    AliasFacts,
    Input,
    Point,
    RunFacts,
    VersionFacts,
    optional_text,
    text,
)
from lineage_bridge.adapters.mlflow.registry import promotion_of, records_of
from lineage_bridge.adapters.mlflow.runs import training_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record

META: Final = "meta.yaml"
MODELS: Final = "models"
MAX_META_BYTES: Final = 1024 * 1024
MAX_BYTES: Final = 16 * 1024 * 1024  # of a metric's history

_RUN: Final = re.compile(r"[0-9a-f]{32}")
_LOGGED_MODEL: Final = re.compile(r"m-[0-9a-f]{32}")
_VERSION: Final = re.compile(r"version-\d+")
_DATASET_KIND: Final = "DATASET"
_MODEL_KIND: Final = "MODEL"

# Of a folder that ends in `/.` only its own time counts: a run has its metrics once it is over, and
# a parameter never changes. To look at each file would take a second for 20,000 runs.
RUN: Final = Kind(
    "run",
    companions=("tags/", "params/.", "metrics/.", "inputs/.", "outputs/.", "../meta.yaml"),
    encloses=True,
)
VERSION: Final = Kind("registered version", companions=("../tags/",), encloses=True)
REGISTERED: Final = Kind("registered model", companions=("aliases/", "tags/"))
_PART: Final = Kind("part of a store", form="part")
_ENCLOSED: Final = Kind("logged model", form="part", encloses=True)

# It makes texts, lists and mappings, and never an object; the id 0123… stays what it is.
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_FIELD: Final = re.compile(
    r"^([a-z_]+): (?:'([^'\n]*)'|([A-Za-z0-9_/.][A-Za-z0-9_/.:+-]*(?<!:)|\[\]|\{\}))\n",
    re.MULTILINE,
)
_NOTHING: Final = frozenset({"null", "~", "", "Null", "NULL"})


def recognise(place: Place) -> Kind | None:
    """Return the kind of a `meta.yaml`, by the folders that it lies in."""
    *_, outer, inner = ("", "", *place.folders)
    if _RUN.fullmatch(inner):
        is_run = not outer or outer.isdecimal()
        return RUN if is_run else (_PART if outer == "datasets" else None)
    if _LOGGED_MODEL.fullmatch(inner):
        return _ENCLOSED
    if _VERSION.fullmatch(inner):
        return VERSION
    if outer == MODELS:
        return REGISTERED
    return _PART if inner.isdecimal() else None


def read(artifact: Artifact) -> Iterator[Record | Problem]:
    """Read a run, a registered version or the aliases of a registered model."""
    meta = parse(artifact.content(max_bytes=MAX_META_BYTES))
    match artifact.kind.name:
        case RUN.name:
            yield from _read_run(artifact, meta)
        case VERSION.name:
            yield from _read_version(artifact, meta)
        case _:
            yield from _read_registered(artifact, meta)


def parse(content: bytes) -> dict[str, Any]:
    """Parse a YAML file of MLflow's into texts, without the fields that hold nothing.

    Raises:
        ArtifactError: it is no YAML, or no mapping.
    """
    flat = _flat(content)
    if flat is not None:
        return flat
    try:
        document = yaml.load(content, _LOADER)  # noqa: S506 - it makes no objects
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        problem = getattr(exc, "problem", None) or exc
        mark = getattr(exc, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        raise ArtifactError(f"is no YAML: {problem}", line=line) from exc
    if not isinstance(document, dict):
        raise ArtifactError("expected a mapping of fields, and no object of a program's")
    return {k: v for k, v in document.items() if not isinstance(v, str) or v not in _NOTHING}


def _flat(content: bytes) -> dict[str, Any] | None:
    """Read the plainest YAML, a line a field, in a tenth of the time; None of any other."""
    try:
        text_of_all = content.decode("ascii")
    except UnicodeDecodeError:
        return None
    lines = _FIELD.findall(text_of_all)
    if len(lines) != text_of_all.count("\n") or not text_of_all.endswith("\n"):
        return None
    found = {key: quoted or plain for key, quoted, plain in lines}
    return {k: v for k, v in found.items() if v not in _NOTHING and v not in {"[]", "{}"}}


@lru_cache(maxsize=256)
def _shared(content: bytes) -> Mapping[str, Any]:
    """Parse a file that many runs share: an experiment's, or a dataset's with its long schema."""
    return parse(content)


# Runs


def _read_run(artifact: Artifact, meta: Mapping[str, Any]) -> Iterator[Record | Problem]:
    if meta.get("run_id") is None and meta.get("run_uuid") is None:
        if meta.keys() & {"experiment_id", "lifecycle_stage", "start_time"}:
            raise ArtifactError("is missing", field="run_id")
        return
    if meta.get("lifecycle_stage") == DELETED:
        return
    facts = RunFacts(
        run_id=text(meta.get("run_id") or meta["run_uuid"], "run_id"),
        experiment=_experiment(artifact, meta),
        state=text(meta.get("status"), "status"),
        started_ms=meta.get("start_time"),
        ended_ms=meta.get("end_time"),
        user=optional_text(meta.get("user_id"), "user_id"),
        artifact_uri=optional_text(meta.get("artifact_uri"), "artifact_uri"),
    )
    problems: list[Problem] = []
    facts.parameters = _texts(artifact, "params", problems)
    facts.tags = _texts(artifact, "tags", problems)
    facts.metrics = _metrics(artifact, problems)
    facts.made = sorted(artifact.folders_in("outputs"))
    _read_inputs(artifact, facts, problems)
    yield from problems
    yield training_of(facts, artifact.source)


def _experiment(artifact: Artifact, meta: Mapping[str, Any]) -> str:
    """Return the name of a run's experiment; its id where the name cannot be read."""
    try:
        content = artifact.companion(f"../{META}", max_bytes=MAX_META_BYTES)
        name = None if content is None else optional_text(_shared(content).get("name"), "name")
    except ArtifactError:
        name = None
    return name or optional_text(meta.get("experiment_id"), "experiment_id") or "unnamed"


def _texts(artifact: Artifact, folder: str, problems: list[Problem]) -> dict[str, str]:
    """Read the values of a folder of files, by the files' names."""
    found: dict[str, str] = {}
    for name, content in _files(artifact, folder, problems):
        try:
            found[name] = content.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as exc:
            error = ArtifactError(f"is not UTF-8 (byte {exc.start})", field=name)
            problems.append(Problem(f"{folder}/{name}", error))
    return found


def _metrics(artifact: Artifact, problems: list[Problem]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, content in _files(artifact, "metrics", problems):
        point, error = latest(content, name)
        if point is not None:
            found[name] = point.value
        if error is not None:
            problems.append(Problem(f"metrics/{name}", error))
    return found


def latest(content: bytes, name: str) -> tuple[Point | None, ArtifactError | None]:
    """Return the latest value of a metric's file, and what is wrong with its first bad line.

    A line has time, value and step; of the oldest stores it has no step.
    """
    words = content.split()
    if len(words) == 3 * content.count(b"\n"):  # nearly all are: a history may be long
        try:
            steps, times = map(int, words[2::3]), map(int, words[::3])
            points = list(zip(steps, times, map(float, words[1::3]), strict=True))
        except ValueError:
            return _latest_of_lines(content, name)
        best = max(points, default=None)
        if best is None or not any(value != value for _, _, value in points):  # noqa: PLR0124 - NaN
            return None if best is None else Point(*best), None
    return _latest_of_lines(content, name)


def _latest_of_lines(content: bytes, name: str) -> tuple[Point | None, ArtifactError | None]:
    best: Point | None = None
    error: ArtifactError | None = None
    for number, line in enumerate(content.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            time_ms, value, *others = words  # step, and of late name and digest of a dataset
            point = Point(int(others[0]) if others else 0, int(time_ms), float(value))
        except ValueError:
            said = shown(line.decode("utf-8", "replace"))
            reason = f"expected time, value and step, found {said}"
            error = error or ArtifactError(reason, field=name, line=number)
            continue
        if best is None or point.order >= best.order:
            best = point
    return best, error


def _files(artifact: Artifact, folder: str, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder that can be read, and note the others."""
    try:
        for name, content in artifact.folder(folder, max_bytes=MAX_BYTES):
            if isinstance(content, ArtifactError):
                problems.append(Problem(f"{folder}/{name}", content))
            else:
                yield name, content
    except ArtifactError as exc:
        problems.append(Problem(folder, exc))


def _read_inputs(artifact: Artifact, facts: RunFacts, problems: list[Problem]) -> None:
    for name, content in _files(artifact, "inputs", problems):
        if not name.endswith(f"/{META}"):
            continue
        try:
            said = _shared(content)
            kind, source_id = said.get("source_type"), text(said.get("source_id"), "source_id")
            if kind == _DATASET_KIND:
                facts.inputs.append(_input(artifact, source_id, said.get("tags")))
            elif kind == _MODEL_KIND:
                facts.read.append(source_id)
        except ArtifactError as exc:
            problems.append(Problem(f"inputs/{name}", exc))


def _input(artifact: Artifact, dataset_id: str, tags: Any) -> Input:
    place = f"../datasets/{dataset_id}/{META}"
    content = artifact.companion(place, max_bytes=MAX_BYTES) if "/" not in dataset_id else None
    if content is None:
        raise ArtifactError(
            f"the dataset {dataset_id!r}, which it names, is not there", field="source_id"
        )
    said = _shared(content)
    context = tags.get("mlflow.data.context") if isinstance(tags, dict) else None
    return Input(
        name=text(said.get("name"), "name"),
        source_type=optional_text(said.get("source_type"), "source_type") or "",
        source=optional_text(said.get("source"), "source") or "",
        context=context if isinstance(context, str) else None,
    )


# The registry


def _read_version(artifact: Artifact, meta: Mapping[str, Any]) -> Iterator[Record]:
    if "version" not in meta or "name" not in meta:
        if meta.keys() & {"creation_timestamp", "current_stage", "source"}:
            raise ArtifactError("is missing", field="name" if "name" not in meta else "version")
        return
    if artifact.companion(f"../tags/{IS_PROMPT}") is not None:
        return
    facts = VersionFacts(
        name=text(meta["name"], "name"),
        version=text(meta["version"], "version"),
        run_id=optional_text(meta.get("run_id"), "run_id"),
        source=optional_text(meta.get("source"), "source"),
        model_id=optional_text(meta.get("model_id"), "model_id"),
        stage=optional_text(meta.get("current_stage"), "current_stage"),
        status=optional_text(meta.get("status"), "status"),
        created_ms=meta.get("creation_timestamp"),
        changed_ms=meta.get("last_updated_timestamp"),
        user=optional_text(meta.get("user_id"), "user_id"),
    )
    yield from records_of(facts, artifact.source)


def _read_registered(artifact: Artifact, meta: Mapping[str, Any]) -> Iterator[Record | Problem]:
    if "name" not in meta or "creation_timestamp" not in meta:
        return
    if artifact.companion(f"tags/{IS_PROMPT}") is not None:
        return
    name = text(meta["name"], "name")
    changed = meta.get("last_updated_timestamp") or meta["creation_timestamp"]
    problems: list[Problem] = []
    aliases = _texts(artifact, "aliases", problems)
    said = meta.get("aliases")
    for alias, version in (said if isinstance(said, dict) else {}).items():
        aliases.setdefault(str(alias), text(version, "aliases"))
    yield from problems
    for alias, version in sorted(aliases.items()):
        yield promotion_of(AliasFacts(name, alias, version.strip(), changed), artifact.source)
