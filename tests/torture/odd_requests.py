"""Requests that are mostly right: methods, paths, headers, bodies and encodings are changed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import quote

from torture.mutations import ODD, cut_up, encoded, mutated

_N = "/api/v1/namespaces/{namespace}"
_D, _J, _R = f"{_N}/datasets/{{name}}", f"{_N}/jobs/{{name}}", "/api/v1/jobs/runs/{id}"
PATHS = (
    *("/api/v1/lineage", "/api/v1/column-lineage", "/api/v1/events/lineage", "/api/v1/namespaces"),
    *(_N, f"{_N}/datasets", _D, f"{_D}/versions", f"{_D}/versions/{{id}}", f"{_D}/tags/{{name}}"),
    *(f"{_D}/fields/{{name}}/tags/{{name}}", f"{_N}/jobs", _J, f"{_J}/runs", f"{_J}/versions"),
    *(f"{_J}/versions/{{id}}", f"{_J}/tags/{{name}}", "/api/v1/jobs", _R, f"{_R}/facets"),
    *(f"{_R}/start", f"{_R}/complete", f"{_R}/fail", "/api/v1/runlineage/upstream"),
    *("/api/v1/sources", "/api/v1/sources/{name}", "/api/v1/tags", "/api/v1/tags/{name}"),
    *("/api/v1/search", "/api/v1/stats/lineage-events", "/api/v1/stats/jobs", "/metrics"),
    *("/", "/healthz", "/readyz", "/api/v2beta/search/jobs", "/api/v1", "//", "/api/%", "/{name}"),
)
METHODS = (
    *("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"),
    *("get", "BREW"),
)
QUERIES = (
    *("nodeId", "depth", "limit", "offset", "q", "before", "after", "sortDirection", "period"),
    "runId",
)
TYPES = (
    *("application/json", "application/json; charset=utf-8", "application/json; charset=latin-1"),
    *("text/plain", "application/xml", "", "json", "application/json, text/html", "*/*", "é"),
)
MEMBERS = (  # of the bodies of other writes than events
    *("ownerName", "description", "type", "connectionUrl", "sourceName", "name", "fields", "tags"),
)
NAMES = {
    "namespace": ("jobs", "db", "default", "nobody"),
    "name": ("job.1", "t1", "column_0", "PII", "nothing"),
    "id": ("00000000-0000-4000-8000-005000000001", "42be0bc8-ba90-4c23-97e4-2b3fedf01fe7", "no-id"),
}  # fmt: skip


def odd_post(rng: Random, events: Sequence[Any]) -> tuple[bytes, bytes | None]:
    """A request with an event, and the event as it should be kept if it is answered 201.

    None where the body has more than the event, and nobody knows what of it is kept.
    """
    body = encoded(rng, mutated(rng, rng.choice(events)))
    known: bytes | None = body
    if rng.random() < 0.15:
        body, known = cut_up(rng, body), None
    headers, body = _encoding(rng, body)
    head = f"POST /api/v1/lineage HTTP/1.1\r\nContent-Type: application/json\r\n{headers}"
    return _with_length(head, body), known


def odd_request(rng: Random, events: Sequence[Any]) -> bytes:
    """Any request."""
    method, path = rng.choice(METHODS), _path(rng)
    content_type = rng.choice(TYPES)
    head = f"{method} {path} HTTP/1.1\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    if rng.random() < 0.3:
        head += f"Accept: {rng.choice(['text/html', 'application/json', '', '*/*;q=0', 'a/b'])}\r\n"
    if rng.random() < 0.1:
        head += f"X-Odd: {'x' * rng.choice([1, 9_000, 70_000])}\r\n"
    if method in {"GET", "HEAD"} and rng.random() < 0.8:
        return f"{head}Host: localhost\r\nConnection: close\r\n\r\n".encode()
    body = rng.choice([b"", b"{}", b"null", b"[]", b"1", encoded(rng, rng.choice(ODD))])
    if rng.random() < 0.5:
        body = encoded(rng, mutated(rng, rng.choice(events)))
    elif rng.random() < 0.5:
        body = encoded(rng, {name: rng.choice(ODD) for name in MEMBERS})
    headers, body = _encoding(rng, body)
    return _with_length(head + headers, body)


def _path(rng: Random) -> str:
    path = rng.choice(PATHS)
    for name, known in NAMES.items():
        while f"{{{name}}}" in path:
            odd = str(rng.choice(ODD))[:200]
            chosen = rng.choice(known) if rng.random() < 0.7 else odd
            path = path.replace(f"{{{name}}}", _quoted(chosen), 1)
    if rng.random() < 0.5:
        pairs = []
        for name in rng.sample(QUERIES, rng.randint(1, 3)):
            good = rng.choice(["dataset:db:t1", "job:jobs:job.1", "5", "0", "dag", "HOUR"])
            pairs.append(f"{name}={_quoted(good if rng.random() < 0.5 else str(rng.choice(ODD)))}")
        path += "?" + "&".join(pairs)
    return path


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _encoding(rng: Random, body: bytes) -> tuple[str, bytes]:
    """Headers of an encoding, and the body in it; now and then one without the other."""
    deed = rng.random()
    if deed < 0.1:
        return "Content-Encoding: gzip\r\n", gzip.compress(body, 1)
    if deed < 0.13:
        return "", gzip.compress(body, 1)
    if deed < 0.16:
        return "Content-Encoding: gzip\r\n", cut_up(rng, gzip.compress(body, 1))
    if deed < 0.18:
        return "Content-Encoding: deflate\r\n", zlib.compress(body)
    if deed < 0.2:
        return f"Content-Encoding: {rng.choice(['br', 'x', 'gzip, gzip'])}\r\n", body
    return "", body


def _with_length(head: str, body: bytes) -> bytes:
    rest = f"Host: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head + rest).encode() + body
