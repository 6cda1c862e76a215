"""The routes of the API as data, and how a path finds its route.

Source: the table of endpoints of Marquez 0.51 (`marquez.api.*Resource`); GraphQL is left out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from lineage_bridge.collector import legacy, writes
from lineage_bridge.collector.answer import (
    dataset_versions,
    datasets,
    feed,
    jobs,
    lineage,
    namespaces,
    runs,
    search,
    upstream,
)
from lineage_bridge.collector.answer.columns.lineage import get_column_lineage
from lineage_bridge.collector.answer.stats import THINGS, Stats
from lineage_bridge.collector.api import Api
from lineage_bridge.collector.dialect.errors import ApiError, not_found
from lineage_bridge.collector.dialect.requests import Request

Handler = Callable[[Api, Request], Any]
Reader = Callable[[sqlite3.Connection, Request], Any]

NAMESPACE = "/api/v1/namespaces/{namespace}"
DATASET = f"{NAMESPACE}/datasets/{{dataset}}"
JOB = f"{NAMESPACE}/jobs/{{job}}"
RUN = "/api/v1/jobs/runs/{id}"
EVENTS = "/api/v1/lineage"
TRANSITIONS = {
    "start": "RUNNING",
    "complete": "COMPLETED",
    "fail": "FAILED",
    "abort": "ABORTED",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        handler: answers a request; None for events, which the application handles itself.
        consumes: a JSON body is expected (or, for GET, no other content type).
    """

    handler: Handler | None
    consumes: bool = False


@dataclass(slots=True)
class _Node:
    """One path segment in the tree of routes, with what may follow it."""

    literals: dict[str, _Node] = field(default_factory=dict)
    name: str | None = None
    named: _Node | None = None
    methods: dict[str, Route] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """The routes of a path by method, and the values of its named segments."""

    methods: Mapping[str, Route]
    names: Mapping[str, str]


class Router:
    """Finds routes by path; a literal segment wins over a named one."""

    def __init__(self, routes: Mapping[tuple[str, str], Route]) -> None:
        self._root = _Node()
        for (method, path), route in routes.items():
            node = self._root
            for segment in path.strip("/").split("/"):
                node = _step(node, segment)
            node.methods[method] = route

    def match(self, path: str) -> Match:
        """Find the routes of a path, percent-encoded as it was sent.

        Raises:
            ApiError: the path has no route, or cannot be decoded.
        """
        node, names = self._root, {}
        segments = path.removesuffix("/").split("/")[1:]
        for raw in segments:
            segment = decode_segment(raw)
            following = node.literals.get(segment)
            if following is None and node.named is not None and segment:
                following = node.named
                names[node.name or ""] = segment
            if following is None:
                raise not_found()
            node = following
        if not node.methods:
            raise not_found()
        return Match(node.methods, names)


def _step(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.literals.setdefault(segment, _Node())
    if node.named is None:
        node.name, node.named = segment.strip("{}"), _Node()
    return node.named


def decode_segment(segment: str) -> str:
    """Decode one path segment, once; drop everything from a `;` on.

    Raises:
        ApiError: a percent sign is not followed by two hex digits.
    """
    segment = segment.partition(";")[0]
    if "%" not in segment:
        return segment
    for part in segment.split("%")[1:]:
        if len(part) < 2 or not all(c in "0123456789abcdefABCDEF" for c in part[:2]):
            raise ApiError(400)
    return unquote_to_bytes(segment).decode(errors="replace")


def _reads(reader: Reader) -> Handler:
    def handler(api: Api, request: Request) -> Any:
        with api.reading() as connection:
            return reader(connection, request)

    return handler


def _list_events(api: Api, request: Request) -> Any:
    return feed.list_events(api.reading, request)


def all_routes(stats: Stats) -> dict[tuple[str, str], Route]:
    """Return every route of the API, by method and path."""
    reads: dict[str, Reader] = {
        "/api/v1/namespaces": namespaces.list_namespaces,
        NAMESPACE: namespaces.get_namespace,
        "/api/v1/sources": namespaces.list_sources,
        "/api/v1/sources/{source}": namespaces.get_source,
        f"{NAMESPACE}/datasets": datasets.list_datasets,
        DATASET: datasets.get_dataset,
        f"{DATASET}/versions": dataset_versions.list_versions,
        f"{DATASET}/versions/{{version}}": dataset_versions.get_version,
        "/api/v1/jobs": jobs.list_jobs,
        f"{NAMESPACE}/jobs": jobs.list_jobs,
        JOB: jobs.get_job,
        f"{JOB}/versions": jobs.list_versions,
        f"{JOB}/versions/{{version}}": jobs.get_version,
        f"{JOB}/runs": runs.list_runs,
        RUN: runs.get_run,
        f"{RUN}/facets": runs.get_facets,
        "/api/v1/tags": namespaces.list_tags,
        "/api/v1/search": search.search,
        "/api/v2beta/search/jobs": search.search_index,
        "/api/v2beta/search/datasets": search.search_index,
        "/api/v1/stats/lineage-events": stats.count_events,
        **{f"/api/v1/stats/{kind}": stats.count_things(kind) for kind in THINGS},
    }
    consuming_reads: dict[str, Reader] = {
        EVENTS: lineage.get_lineage,
        "/api/v1/column-lineage": get_column_lineage,
        "/api/v1/runlineage/upstream": upstream.get_upstream,
    }
    return {
        **{("GET", path): Route(_reads(reader)) for path, reader in reads.items()},
        **{("GET", path): Route(_reads(r), consumes=True) for path, r in consuming_reads.items()},
        ("GET", "/api/v1/events/lineage"): Route(_list_events),
        **_writes(),
    }


def _writes() -> dict[tuple[str, str], Route]:
    field_tag = f"{DATASET}/fields/{{field}}/tags/{{tag}}"
    return {
        ("POST", EVENTS): Route(None, consumes=True),
        ("PUT", NAMESPACE): Route(writes.put_namespace, consumes=True),
        ("DELETE", NAMESPACE): Route(writes.delete_namespace),
        ("PUT", "/api/v1/sources/{source}"): Route(writes.put_source, consumes=True),
        ("PUT", "/api/v1/tags/{tag}"): Route(writes.put_tag, consumes=True),
        ("PUT", DATASET): Route(legacy.put_dataset, consumes=True),
        ("DELETE", DATASET): Route(writes.delete_dataset),
        ("POST", f"{DATASET}/tags/{{tag}}"): Route(writes.tag_dataset("tag_dataset")),
        ("DELETE", f"{DATASET}/tags/{{tag}}"): Route(writes.tag_dataset("untag_dataset")),
        ("POST", field_tag): Route(writes.tag_field("tag_field")),
        ("DELETE", field_tag): Route(writes.tag_field("untag_field")),
        ("PUT", JOB): Route(legacy.put_job, consumes=True),
        ("DELETE", JOB): Route(writes.delete_job),
        ("POST", f"{JOB}/tags/{{tag}}"): Route(writes.tag_job("tag_job")),
        ("DELETE", f"{JOB}/tags/{{tag}}"): Route(writes.tag_job("untag_job")),
        ("POST", f"{JOB}/runs"): Route(legacy.create_run, consumes=True),
        **{
            ("POST", f"{RUN}/{verb}"): Route(legacy.transition(state))
            for verb, state in TRANSITIONS.items()
        },
    }
