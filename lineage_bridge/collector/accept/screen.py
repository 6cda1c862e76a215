"""Find the few events that may be refused half-way, without a look at the tables.

Marquez refuses some valid events half-way, in the middle of processing them. The sender must learn
of that, so such an event is tried out before it is appended, which costs as much as folding it.
This module spares nearly all events that cost: it looks for signs. An event without a sign is never
refused, one with a sign may be fine all the same.

Invariant: every event that `reduce` refuses by `refuse(...)` has a sign here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage_bridge.collector.dialect.java import is_uri, text
from lineage_bridge.collector.rows.context import formatted
from lineage_bridge.marquez_limits import (
    MAX_FACET_NAME,
    MAX_FIELD_NAME,
    MAX_LIFECYCLE,
    MAX_LOCATION,
    MAX_SYMLINK_TYPE,
    MAX_TRANSFORMATION_TYPE,
    NAMESPACE,
)

_Object = Mapping[str, Any]


class Namespaces:
    """Namespaces that Marquez stores under another name, so that two datasets may collide."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._twisted: set[str] = set()
        for name in known:
            self.add(name)

    def add(self, namespace: str) -> bool:
        """Add a namespace; return whether its datasets may collide with those of another one."""
        stored = formatted(namespace)
        if stored != namespace:
            self._twisted.add(stored)
        return stored in self._twisted


def namespaces_of(event: _Object, kind: str) -> set[str]:
    """Return the namespaces of an event's datasets."""
    return {
        text(dataset["namespace"]) or ""
        for dataset in _datasets(event, kind)
        if dataset is not None
    }


def has_sign(event: _Object, kind: str) -> bool:
    """Return whether a valid event has a sign, found in the event alone."""
    return any(_of_job(event, kind)) or any(
        sign for dataset in _datasets(event, kind) for sign in _of_dataset(dataset)
    )


def _datasets(event: _Object, kind: str) -> Iterator[_Object | None]:
    if kind == "dataset":
        yield event.get("dataset")
        return
    for side in ("inputs", "outputs"):
        yield from event.get(side) or ()


def _of_job(event: _Object, kind: str) -> Iterator[bool]:
    if kind == "dataset":
        return
    job_facets = event["job"].get("facets") or {}
    location = text((job_facets.get("sourceCodeLocation") or {}).get("url"))
    yield len(location or "") > MAX_LOCATION
    if kind == "run":
        run_facets = event["run"].get("facets")
        yield event.get("eventType") is None and run_facets is not None
        yield _has_long(run_facets or ()) or _has_long(job_facets)


def _of_dataset(dataset: _Object | None) -> Iterator[bool]:
    if dataset is None:
        yield True
        return
    yield not NAMESPACE.fullmatch(text(dataset["namespace"]) or "")
    yield not (text(dataset["name"]) or "").strip()
    for member in ("facets", "inputFacets", "outputFacets"):
        yield _has_long(dataset.get(member) or ())
    facets = dataset.get("facets")
    if facets:
        yield from _of_facets(facets)


def _of_facets(facets: _Object) -> Iterator[bool]:
    source = facets.get("dataSource")
    if source is not None:
        yield source.get("name") is None or not is_uri(text(source.get("uri")) or "")
    symlinks = facets.get("symlinks")
    if symlinks is not None:
        links = symlinks.get("identifiers")
        yield links is None or any(
            link is None or len(text(link.get("type")) or "") > MAX_SYMLINK_TYPE for link in links
        )
    lifecycle = text((facets.get("lifecycleStateChange") or {}).get("lifecycleStateChange"))
    yield len(lifecycle or "") > MAX_LIFECYCLE
    for field in (facets.get("schema") or {}).get("fields") or ():
        yield field is None or len(text(field["name"]) or "") > MAX_FIELD_NAME
    for column in ((facets.get("columnLineage") or {}).get("fields") or {}).values():
        kind = text((column or {}).get("transformationType"))
        yield len(kind or "") > MAX_TRANSFORMATION_TYPE


def _has_long(names: Iterable[str]) -> bool:
    return any(len(name) > MAX_FACET_NAME for name in names)
