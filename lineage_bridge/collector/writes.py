"""The endpoints for changes other than events: namespaces, sources, tags, deletions.

Each checks the request, writes a command, and answers from the tables that then contain the change;
a deletion answers with the deleted thing. Source: `NamespaceResource`, `SourceResource`,
`TagResource`, `DatasetResource`, `JobResource`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineage_bridge.collector.answer import datasets, jobs, lookup, namespaces
from lineage_bridge.collector.api import Api
from lineage_bridge.collector.dialect.errors import coded, generic, not_found, unreadable
from lineage_bridge.collector.dialect.java import is_uri, text
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.marquez_limits import MAX_OWNER

Json = dict[str, Any]


def member(document: Json, name: str, *, required: bool = False) -> str | None:
    """Return a member of a body that must be a text; a required one must not be blank."""
    value = document.get(name)
    if isinstance(value, dict | list):
        raise unreadable(f"`{name}` must be a text")
    if required and not (text(value) or "").strip():
        raise unreadable(f"`{name}` must not be null or blank")
    return text(value)


def put_namespace(api: Api, request: Request) -> Json:
    """PUT /namespaces/{namespace}."""
    document = request.document()
    owner = member(document, "ownerName", required=True) or ""
    if len(owner) > MAX_OWNER:
        raise coded(500, f"ownerName must not be longer than {MAX_OWNER} characters")
    name = request.names["namespace"]
    description = member(document, "description")
    api.write("put_namespace", name=name, owner=owner, description=description)
    with api.reading() as connection:
        return namespaces.show_namespace(connection, name)


def delete_namespace(api: Api, request: Request) -> Json:
    """DELETE /namespaces/{namespace}."""
    name = request.names["namespace"]
    with api.reading() as connection:
        before = namespaces.show_namespace(connection, name)
    api.write("delete_namespace", name=name)
    return before


def put_source(api: Api, request: Request) -> Json:
    """PUT /sources/{source}."""
    document = request.document()
    kind = member(document, "type", required=True)
    url = member(document, "connectionUrl")
    if url is None or not is_uri(url):
        raise unreadable("`connectionUrl` must be a URI")
    if not url:
        raise generic()
    name = request.names["source"]
    description = member(document, "description")
    api.write(
        "put_source",
        name=name,
        type=(kind or "").upper(),
        url=url,
        description=description,
    )
    with api.reading() as connection:
        return namespaces.show_source(connection, name)


def put_tag(api: Api, request: Request) -> Json:
    """PUT /tags/{tag}."""
    document = request.document()
    name = request.names["tag"]
    api.write("put_tag", name=name, description=member(document, "description"))
    with api.reading() as connection:
        return namespaces.show_tag(connection, name)


def delete_dataset(api: Api, request: Request) -> Json:
    """DELETE /namespaces/{namespace}/datasets/{dataset}."""
    with api.reading() as connection:
        row = datasets.find(connection, request)
        before = datasets.without_lineage(connection, row)
    if (row["namespace"], row["name"]) != (row["own_namespace"], row["own_name"]):
        raise not_found(f"Dataset '{row['name']}' not found.")
    api.write("delete_dataset", namespace=row["namespace"], name=row["name"])
    return before


def delete_job(api: Api, request: Request) -> Json:
    """DELETE /namespaces/{namespace}/jobs/{job}."""
    with api.reading() as connection:
        before = jobs.bare(connection, lookup.find_job(connection, request))
    api.write("delete_job", namespace=before["namespace"], name=before["name"])
    return before


def tag_dataset(op: str) -> Callable[[Api, Request], Json]:
    """POST and DELETE /namespaces/{namespace}/datasets/{dataset}/tags/{tag}."""

    def handler(api: Api, request: Request) -> Json:
        with api.reading() as connection:
            row = datasets.find(connection, request)
        names = {"namespace": row["namespace"], "name": row["name"]}
        api.write(op, **names, tag=request.names["tag"])
        with api.reading() as connection:
            return datasets.without_lineage(connection, datasets.find(connection, request))

    return handler


def tag_field(op: str) -> Callable[[Api, Request], Json]:
    """POST and DELETE /namespaces/{namespace}/datasets/{dataset}/fields/{field}/tags/{tag}."""

    def handler(api: Api, request: Request) -> Json:
        field = request.names["field"]
        with api.reading() as connection:
            row = datasets.find(connection, request)
            found = connection.execute(
                "SELECT count(*) FROM mq_fields WHERE dataset = ? AND name = ?", (row["id"], field)
            ).fetchone()
        if (row["namespace"], row["name"]) != (row["own_namespace"], row["own_name"]):
            raise generic()  # Marquez does not find a field by another name of its dataset
        if not found[0]:
            raise not_found(f"Field '{field}' not found for dataset '{row['name']}'.")
        if found[0] > 1:
            raise generic()  # several rows where Marquez expects one
        names = {"namespace": row["namespace"], "name": row["name"]}
        api.write(op, **names, field=field, tag=request.names["tag"].upper())
        with api.reading() as connection:
            return datasets.without_lineage(connection, datasets.find(connection, request))

    return handler


def tag_job(op: str) -> Callable[[Api, Request], Json]:
    """POST and DELETE /namespaces/{namespace}/jobs/{job}/tags/{tag}."""

    def handler(api: Api, request: Request) -> Json:
        with api.reading() as connection:
            job = jobs.bare(connection, lookup.find_job(connection, request))
        if op == "tag_job" and job["simpleName"] != job["name"]:
            raise coded(500, "a job under a parent cannot be tagged")
        api.write(op, namespace=job["namespace"], name=job["name"], tag=request.names["tag"])
        with api.reading() as connection:
            return jobs.bare(connection, lookup.find_job(connection, request))

    return handler
