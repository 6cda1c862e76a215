"""What a run of MLflow's read: the sources of its logged datasets, and parameters that name files.

A logged dataset has a name that somebody chose and a digest of a data frame; neither tells which
file it was, as two files may have equal rows, and one file gives several frames. Its source does:
a path or a URI. MLflow keeps the first source for a name and a digest in an experiment, though, so
a later run may show the path of another file: where a parameter of the run names a file that none
of its sources is, the parameter counts, and the conflict is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from lineage_bridge.adapters.mlflow.facts import Input
from lineage_bridge.naming import known
from lineage_bridge.records import Reference
from lineage_bridge.records.words import path_parts, stem_of

CONFLICT: Final = "source_conflict:"  # the flag of a parameter that names another file
TRAINING: Final = ("training", "train")  # contexts of what a model was made from
EVALUATION: Final = ("eval", "evaluation", "test", "testing")  # of what it was only tried on

_MEND: Final = "log the dataset with the path of its file: mlflow.data.from_pandas(…, source=path)"
_LIKELY: Final = 0.8  # how sure it is that a file was read that only a parameter names
_FILE: Final = re.compile(
    r"[^\n]*\.(?:parquet|pq|csv|tsv|json|jsonl|ndjson|feather|arrow|orc|avro|pkl|h5)(?:\.gz)?",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_OF_DATA: Final = ("data", "dataset", "train", "training", "feature", "features", "input", "table")
_OF_ELSE: Final = (
    *("out", "output", "save", "export", "pred", "predictions", "result", "results", "log"),
    *("valid", "validation", "val", "test", "eval", "evaluation", "config"),
)
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]")
_BY_NAME: Final = ("delta_table_name", "table_name", "table")
_PATHS: Final = ("uri", "path", "url")


def reads_of(
    inputs: Sequence[Input], parameters: Mapping[str, str], *, makes_model: bool
) -> tuple[tuple[Reference, ...], list[str]]:
    """Return what a run read, what it was trained on first, and flags for what contradicts.

    Args:
        inputs: its logged datasets.
        parameters: of the run.
        makes_model: whether it made a model: what that was only tried on is then left out.
    """
    logged = _logged(inputs, makes_model=makes_model)
    said = [
        (key, value)
        for key, value in sorted(parameters.items())
        if _FILE.fullmatch(value) and _names_data(key)
    ]
    files = {stem_of(r.path) for r in logged if r.path is not None}
    others = [(key, value) for key, value in said if stem_of(plain_path(value)) not in files]
    if not others or len(others) < len(said):
        return (tuple(logged) or _nothing(inputs)), []
    named = [_of_parameter(key, value) for key, value in others]
    if not files:
        return (*named, *logged), []
    flags = [f"{CONFLICT}{key}" for key, _ in others]
    rest = [r for r in logged if r.path is None]
    return (*named, *rest), flags


def _names_data(key: str) -> bool:
    """Tell whether a parameter of that name says what was read, by the words in the name."""
    words = {word.lower() for word in _WORD.findall(key)}
    return not words.isdisjoint(_OF_DATA) and words.isdisjoint(_OF_ELSE)


def _logged(inputs: Sequence[Input], *, makes_model: bool) -> list[Reference]:
    ordered = sorted(inputs, key=lambda one: one.context not in TRAINING)
    has_training = any(one.context in TRAINING for one in ordered)
    found: dict[Any, Reference] = {}
    for one in ordered:
        if makes_model and has_training and one.context in EVALUATION:
            continue
        reference = reference_of(one)
        if reference is not None:
            words = (reference.namespace, reference.name, reference.path)
            found.setdefault(words, reference)
    return list(found.values())


def _nothing(inputs: Sequence[Input]) -> tuple[Reference, ...]:
    """Return the reference of a run whose logged datasets do not tell what they are."""
    return (Reference(field="inputs.source", mend=_MEND),) if inputs else ()


def _of_parameter(key: str, value: str) -> Reference:
    return Reference(path=plain_path(value), field=f"params.{key}", mend=_MEND, certainty=_LIKELY)


def reference_of(logged: Input) -> Reference | None:
    """Return what a logged dataset's source means; None where it tells only what code made it."""
    try:
        source = orjson.loads(logged.source)
    except orjson.JSONDecodeError:
        source = logged.source
    if isinstance(source, str):
        source = {"uri": source}
    if not isinstance(source, dict) or logged.source_type == "code":
        return None
    if logged.source_type == "hugging_face" and isinstance(source.get("path"), str):
        return _named(
            "https://huggingface.co", f"datasets/{source['path']}", source.get("revision")
        )
    for key in _BY_NAME:
        table = source.get(key)
        if isinstance(table, str) and known(table) is not None:
            namespace = "delta" if key == "delta_table_name" else logged.source_type
            return _named(namespace, table, source.get("delta_table_version"))
    place = next((source[key] for key in _PATHS if isinstance(source.get(key), str)), None)
    return None if place is None or known(place) is None else _of_place(place)


def _of_place(place: str) -> Reference:
    parts = urlsplit(place)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return _named(f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/", None)
    return Reference(path=plain_path(place), field="inputs.source", mend=_MEND)


def _named(namespace: str, name: str, version: Any) -> Reference:
    is_version = isinstance(version, str | int) and not isinstance(version, bool)
    return Reference(
        namespace=namespace,
        name=name,
        version=str(version) if is_version else None,
        field="inputs.source",
    )


def plain_path(place: str) -> str:
    """Return the path of a `file:` URI or a plain path; other URIs stay whole."""
    text = place.strip()
    if text[:5].lower() != "file:" or _WINDOWS.match(text):
        return text
    path = unquote(urlsplit(text).path)
    return path[1:] if _WINDOWS.match(path[1:]) else path


def last_part(place: str) -> str | None:
    """Return the last part of a path or URI."""
    parts = path_parts(place)
    return parts[-1] if parts else None
