"""Events that Marquez cannot store: find them before they are sent for the first time.

Marquez answers 201 or 500 to these, stores half of the event, and some of them break its lists for
everybody from then on. So they are never sent; they become dead letters with the reason.

Source: Marquez 0.51's schema and validation, tried on a running one: columns of 255 characters,
index rows of 2,700 bytes, `jobType` with all three fields, PostgreSQL's ban on NUL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage_bridge.errors import EventError
from lineage_bridge.events import as_list, as_object, decode
from lineage_bridge.marquez_limits import (
    MAX_DATASET_NAME,
    MAX_FACET_NAME,
    MAX_FIELD_NAME,
    MAX_JOB_NAME,
    MAX_LIFECYCLE,
    MAX_LOCATION,
    MAX_NAMESPACE,
    MAX_SYMLINK_TYPE,
    MAX_TRANSFORMATION_TYPE,
    NAMESPACE,
)

_NO_URI = re.compile(r"""[\x00-\x20\x7f"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})""")  # as Java reads one
_JOB_TYPE = ("processingType", "integration", "jobType")


def problem_of(body: bytes) -> str | None:
    """Return why Marquez cannot store this event, or None if it can."""
    try:
        document = decode(body)
    except EventError as exc:
        return str(exc)
    return next(_problems(document, body), None)


def _problems(document: Mapping[str, Any], body: bytes) -> Iterator[str]:
    if b"\\u0000" in body and _has_nul(document):
        yield "a text holds the character U+0000, which PostgreSQL cannot store"
    yield from _run_problems(document)
    yield from _job_problems(document)
    for side, io_key in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for index, dataset in enumerate(as_list(document.get(side))):
            yield from _dataset_problems(f"{side}[{index}]", dataset, io_key)
    if "dataset" in document:
        yield from _dataset_problems("dataset", document["dataset"], "outputFacets")


def _run_problems(document: Mapping[str, Any]) -> Iterator[str]:
    run = as_object(document.get("run"))
    if run.get("facets") is not None and document.get("eventType") is None:
        yield "`run.facets` needs an `eventType` beside it"
    yield from _long_keys("run.facets", run.get("facets"))


def _job_problems(document: Mapping[str, Any]) -> Iterator[str]:
    if "job" not in document:
        return
    job = as_object(document["job"])
    namespace = job.get("namespace")
    if not isinstance(namespace, str) or not 0 < len(namespace) <= MAX_NAMESPACE:
        yield f"`job.namespace` must have 1 to {MAX_NAMESPACE} characters"
    yield from _bad_name("job.name", job.get("name"), MAX_JOB_NAME)
    own = as_object(job.get("facets"))
    yield from _long_keys("job.facets", own)
    location = as_object(own.get("sourceCodeLocation")).get("url")
    yield from _too_long("job.facets.sourceCodeLocation.url", location, MAX_LOCATION)
    if own.get("jobType") is not None:
        missing = [key for key in _JOB_TYPE if as_object(own["jobType"]).get(key) is None]
        if missing:
            yield f"`job.facets.jobType` needs {' and '.join(f'`{key}`' for key in missing)}"


def _dataset_problems(where: str, dataset: Any, io_key: str) -> Iterator[str]:
    if not isinstance(dataset, dict):
        yield f"`{where}` must be an object"
        return
    yield from _bad_namespace(f"{where}.namespace", dataset.get("namespace"))
    yield from _bad_name(f"{where}.name", dataset.get("name"), MAX_DATASET_NAME)
    yield from _long_keys(f"{where}.{io_key}", dataset.get(io_key))
    own = as_object(dataset.get("facets"))
    yield from _long_keys(f"{where}.facets", own)
    yield from _schema_problems(f"{where}.facets.schema", own.get("schema"))
    yield from _source_problems(f"{where}.facets.dataSource", own.get("dataSource"))
    yield from _symlink_problems(f"{where}.facets.symlinks", own.get("symlinks"))
    yield from _column_problems(f"{where}.facets.columnLineage", own.get("columnLineage"))
    change = as_object(own.get("lifecycleStateChange")).get("lifecycleStateChange")
    yield from _too_long(f"{where}.facets.lifecycleStateChange", change, MAX_LIFECYCLE)


def _schema_problems(where: str, schema: Any) -> Iterator[str]:
    for index, column in enumerate(as_list(as_object(schema).get("fields"))):
        place = f"{where}.fields[{index}]"
        if column is None:
            yield f"`{place}` must not be null"
        name = as_object(column).get("name")
        if isinstance(name, str) and not name.strip():
            yield f"`{place}.name` must not be blank"
        yield from _too_long(f"{place}.name", name, MAX_FIELD_NAME)


def _source_problems(where: str, source: Any) -> Iterator[str]:
    if source is None:
        return
    if not as_object(source).get("name"):
        yield f"`{where}.name` must not be empty"
    uri = as_object(source).get("uri")
    if isinstance(uri, str) and _NO_URI.search(uri):
        yield f"`{where}.uri` is no URI: a blank or another character must be percent-encoded"


def _symlink_problems(where: str, symlinks: Any) -> Iterator[str]:
    if symlinks is None:
        return
    identifiers = as_object(symlinks).get("identifiers")
    if identifiers is None:
        yield f"`{where}` needs `identifiers`"
    for index, identifier in enumerate(as_list(identifiers)):
        link = as_object(identifier)
        yield from _bad_namespace(f"{where}.identifiers[{index}].namespace", link.get("namespace"))
        yield from _too_long(
            f"{where}.identifiers[{index}].type", link.get("type"), MAX_SYMLINK_TYPE
        )


def _column_problems(where: str, lineage: Any) -> Iterator[str]:
    for name, column in as_object(as_object(lineage).get("fields")).items():
        yield from _too_long(f"{where}.fields", name, MAX_FIELD_NAME)
        kind = as_object(column).get("transformationType")
        yield from _too_long(
            f"{where}.fields.{name}.transformationType", kind, MAX_TRANSFORMATION_TYPE
        )


def _bad_namespace(where: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not NAMESPACE.fullmatch(value):
        yield f"`{where}` must be 1 to {MAX_NAMESPACE} characters of a-z A-Z 0-9 and :;=/_.@+-"


def _bad_name(where: str, value: Any, max_bytes: int) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip():
        yield f"`{where}` must not be blank"
    elif len(value.encode()) > max_bytes:
        yield f"`{where}` has {len(value.encode())} bytes, Marquez indexes up to {max_bytes}"


def _too_long(where: str, value: Any, most: int) -> Iterator[str]:
    if isinstance(value, str) and len(value) > most:
        yield f"`{where}` has {len(value)} characters, Marquez holds {most}"


def _long_keys(where: str, facets: Any) -> Iterator[str]:
    for key in as_object(facets):
        yield from _too_long(f"{where}.{key[:20]}…", key, MAX_FACET_NAME)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(member) for key, member in value.items())
    return isinstance(value, list) and any(_has_nul(member) for member in value)
