"""Names that would poison Marquez: stored by one event, they make lists answer 500 for ever.

Here such an event is answered 400, and kept out of all tables. docs/marquez.md lists the places
where Marquez lets such names through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage_bridge.collector.dialect.java import text
from lineage_bridge.marquez_limits import NAMESPACE


def poison(event: Mapping[str, Any], kind: str) -> str | None:
    """Return why a name in a valid event would poison Marquez; None if none would.

    Names of a run event's inputs are not checked: Marquez refuses the bad ones itself.
    """
    for reason in _found(event, kind):
        return reason
    return None


def _found(event: Mapping[str, Any], kind: str) -> Iterator[str]:
    if kind == "dataset":
        yield from _of_dataset(event.get("dataset"), "dataset")
        return
    yield from _of_job(event)
    for i, dataset in enumerate(event.get("inputs") or ()):
        if kind == "job":
            yield from _of_dataset(dataset, f"inputs[{i}]")
        else:
            yield from _of_facets(dataset, f"inputs[{i}]")
    for i, dataset in enumerate(event.get("outputs") or ()):
        yield from _of_dataset(dataset, f"outputs[{i}]")


def _of_job(event: Mapping[str, Any]) -> Iterator[str]:
    job = event["job"]
    if not text(job["namespace"]):
        yield "job.namespace must not be empty"
    if not (text(job["name"]) or "").strip():
        yield "job.name must not be blank"
    facets = (event.get("run") or {}).get("facets") or {}
    parent = facets.get("parent") or facets.get("parentRun")
    if parent and not (text(parent["job"]["name"]) or "").strip():
        yield "run.facets.parent.job.name must not be blank"


def _of_dataset(dataset: Mapping[str, Any] | None, path: str) -> Iterator[str]:
    if dataset is None:
        return
    if not NAMESPACE.fullmatch(text(dataset["namespace"]) or ""):
        yield f"{path}.namespace must match {NAMESPACE.pattern}"
    if not (text(dataset["name"]) or "").strip():
        yield f"{path}.name must not be blank"
    yield from _of_facets(dataset, path)


def _of_facets(dataset: Mapping[str, Any] | None, path: str) -> Iterator[str]:
    facets = (dataset or {}).get("facets") or {}
    for i, field in enumerate((facets.get("schema") or {}).get("fields") or ()):
        if field is not None and not (text(field["name"]) or "").strip():
            yield f"{path}.facets.schema.fields[{i}].name must not be blank"
    source = facets.get("dataSource")
    if source and source.get("name") is not None and not (text(source["name"]) or "").strip():
        yield f"{path}.facets.dataSource.name must not be blank"
    for i, link in enumerate((facets.get("symlinks") or {}).get("identifiers") or ()):
        where = f"{path}.facets.symlinks.identifiers[{i}]"
        if link is None:
            continue
        if not NAMESPACE.fullmatch(text(link["namespace"]) or ""):
            yield f"{where}.namespace must match {NAMESPACE.pattern}"
        if not (text(link["name"]) or "").strip():
            yield f"{where}.name must not be blank"
