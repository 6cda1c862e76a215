"""Datasets of events: the dataset itself, its version, its columns, its facets.

An output, and any dataset of an event without a run, has a version of its own, named by a hash; an
input uses the current version if there is one. Source: `OpenLineageDao.upsertLineageDataset`,
`DatasetDao`, `DatasetVersionDao`, `DatasetSymlinkDao`, `DatasetFacetsDao`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote

from lineage_bridge.collector import (
    dataset_row,
    hashes,
    reduce_columns,
    reduce_facets,
    reduce_fields,
)
from lineage_bridge.collector.context import Context, formatted, refuse
from lineage_bridge.collector.dataset_row import VersionRow
from lineage_bridge.collector.reduce_fields import Field
from lineage_bridge.collector.reduce_runs import Run
from lineage_bridge.collector.validation import is_uri, text

DEFAULT_SOURCE = "default"
MAX_LIFECYCLE = 63
MAX_SYMLINK_TYPE = 64


class Role(Enum):
    """What a dataset is in the event that mentions it."""

    INPUT = "input of a run"
    OUTPUT = "output of a run"
    STATIC = "dataset of a DatasetEvent"
    JOB_INPUT = "input of a JobEvent"
    JOB_OUTPUT = "output of a JobEvent"

    @property
    def is_input(self) -> bool:
        """Tell whether it is read."""
        return self in {Role.INPUT, Role.JOB_INPUT}


@dataclass(frozen=True, slots=True)
class _Dataset:
    """A dataset's row; its names are the first ones it had, the namespace formatted."""

    id: int
    current_version: int | None
    namespace: str
    name: str
    fields_key: bytes | None = None
    fields_ids: str | None = None


def take(context: Context, dataset: Mapping[str, Any], role: Role, run: Run | None) -> VersionRow:
    """Upsert a dataset and its version, and store its facets.

    Raises:
        RefusedEventError: Marquez would fail in the middle of it.
    """
    namespace, name = text(dataset["namespace"]) or "", text(dataset["name"]) or ""
    facets = dataset.get("facets") or {}
    context.ensure_namespace(namespace)
    source = _source(context, facets.get("dataSource"))
    context.ensure_namespace(formatted(namespace))
    _check_symlinks(facets.get("symlinks"))
    row = _upsert(context, namespace, name, source, facets)
    _link(context, row.id, facets.get("symlinks"))
    fields = reduce_fields.fields_of(facets.get("schema"))
    version = _version(context, (namespace, name), source, row, fields, facets, role, run)
    before = version.changing()
    try:
        _fill(context, version, row, fields, dataset, role, run)
    finally:
        if version.changing() != before:
            version.save(context.connection)
    reduce_facets.check(dataset)
    return version


def _fill(
    context: Context,
    version: VersionRow,
    row: _Dataset,
    fields: Sequence[Field],
    dataset: Mapping[str, Any],
    role: Role,
    run: Run | None,
) -> None:
    columns = _map_fields(context, version, row, fields)
    if role is Role.OUTPUT and run is not None:
        reduce_columns.take(context, version, run, columns, dataset.get("facets") or {})
    if role is Role.INPUT and run is not None:
        context.connection.execute(
            "INSERT OR IGNORE INTO mq_run_inputs (run, version) VALUES (?, ?)",
            (run.id, version.id),
        )
    _point(context, version, row.current_version, role)
    reduce_facets.take(context, version, dataset, is_input=role.is_input, run=run)


def _map_fields(
    context: Context, version: VersionRow, row: _Dataset, fields: Sequence[Field]
) -> dict[str, int]:
    """Map the columns of a mention to its version; return their rows by name."""
    if not fields:
        return {}
    ids = reduce_fields.rows_of(context, row.id, fields, row.fields_key, row.fields_ids)
    version.field_ids = reduce_fields.added(version.field_ids, ids)
    return {field.name: field_id for field, field_id in zip(fields, ids, strict=True)}


def _source(context: Context, facet: Mapping[str, Any] | None) -> str:
    if facet is None:
        name, url = DEFAULT_SOURCE, ""
    else:
        if facet.get("name") is None:
            raise refuse("dataSource.name must not be null")
        name, url = text(facet["name"]) or "", text(facet.get("uri")) or ""
        if not is_uri(url):
            raise refuse("dataSource.uri must be a URI")
        if not url.isascii():
            url = quote(url, safe="/:?#[]@!$&'()*+,;=%~")
    context.mention_source(name, url)
    return name


def _lifecycle(facets: Mapping[str, Any]) -> str:
    facet = facets.get("lifecycleStateChange") or {}
    return text(facet.get("lifecycleStateChange")) or ""


def _upsert(
    context: Context, namespace: str, name: str, source: str, facets: Mapping[str, Any]
) -> _Dataset:
    """Upsert a dataset by one of its names."""
    connection = context.connection
    description = text((facets.get("documentation") or {}).get("description"))
    is_deleted = _lifecycle(facets).upper() == "DROP"
    found = connection.execute(
        "SELECT d.id, d.current_version, d.namespace, d.name, d.fields_key, d.fields_ids,"
        " d.is_hidden FROM mq_symlinks s"
        " JOIN mq_datasets d ON d.id = s.dataset WHERE s.namespace = ? AND s.name = ?",
        (namespace, name),
    ).fetchone()
    if found is None:
        row = _insert(context, namespace, name, source, description, is_deleted)
        return _Dataset(row, None, formatted(namespace), name)
    connection.execute(
        "UPDATE mq_datasets SET type = 'DB_TABLE', updated_us = ?, physical_name = ?,"
        " description = ?, is_deleted = ?, is_hidden = 0 WHERE id = ?",
        (context.at_us, name, description, is_deleted, found[0]),
    )
    if found[6]:
        connection.execute("UPDATE mq_symlinks SET is_hidden = 0 WHERE dataset = ?", (found[0],))
    return _Dataset(*found[:6])


def _insert(
    context: Context,
    namespace: str,
    name: str,
    source: str,
    description: str | None,
    is_deleted: bool,
) -> int:
    connection = context.connection
    values = (formatted(namespace), name, source, name, description, context.at_us, context.at_us)
    cursor = connection.execute(
        "INSERT INTO mq_datasets (namespace, name, source, physical_name, description, created_us,"
        " updated_us, type, is_deleted) VALUES (?, ?, ?, ?, ?, ?, ?, 'DB_TABLE', ?)"
        " ON CONFLICT DO NOTHING",
        (*values, is_deleted),
    )
    if cursor.rowcount != 1:
        raise refuse(f"another dataset is named {formatted(namespace)}:{name} in the database")
    row = int(cursor.lastrowid or 0)
    connection.execute(
        "INSERT INTO mq_symlinks (namespace, name, dataset, is_primary) VALUES (?, ?, ?, 1)",
        (namespace, name, row),
    )
    return row


def _check_symlinks(facet: Mapping[str, Any] | None) -> None:
    if facet is None:
        return
    if facet.get("identifiers") is None:
        raise refuse("symlinks.identifiers must not be null")
    for link in facet["identifiers"]:
        if link is None or len(text(link.get("type")) or "") > MAX_SYMLINK_TYPE:
            raise refuse("a symlink is null or its type too long")


def _link(context: Context, dataset: int, facet: Mapping[str, Any] | None) -> None:
    for link in (facet or {}).get("identifiers") or ():
        namespace = text(link["namespace"]) or ""
        context.ensure_namespace(namespace)
        context.connection.execute(
            "INSERT OR IGNORE INTO mq_symlinks (namespace, name, dataset, is_primary)"
            " VALUES (?, ?, ?, 0)",
            (namespace, text(link["name"]), dataset),
        )


def _version(
    context: Context,
    names: tuple[str, str],
    source: str,
    row: _Dataset,
    fields: Sequence[Field],
    facets: Mapping[str, Any],
    role: Role,
    run: Run | None,
) -> VersionRow:
    namespace, name = names
    if role.is_input and row.current_version is not None:
        return dataset_row.load(context.connection, row.current_version)
    lifecycle = _lifecycle(facets)
    if len(lifecycle) > MAX_LIFECYCLE:
        raise refuse(f"lifecycleStateChange must not be longer than {MAX_LIFECYCLE} characters")
    keys = tuple(fields)
    version = hashes.dataset_version(
        namespace, source, name, name, keys, lifecycle, run.uuid if run else None
    )
    writer = run.id if run is not None and role is Role.OUTPUT else None
    found = context.connection.execute(
        f"SELECT run, {dataset_row.COLUMNS} FROM mq_dataset_versions WHERE version = ?", (version,)
    ).fetchone()
    if found is not None:
        if found[0] != writer:
            context.connection.execute(
                "UPDATE mq_dataset_versions SET run = ? WHERE version = ?", (writer, version)
            )
        return VersionRow(*found[1:])
    inserted = context.connection.execute(
        "INSERT INTO mq_dataset_versions (uuid, version, dataset, run, created_us, namespace,"
        " name, fields, lifecycle_state, schema_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            context.uuid(f"dataset version {version}"),
            version,
            row.id,
            writer,
            context.at_us,
            namespace,
            name,
            reduce_fields.frozen(keys),
            lifecycle,
            hashes.schema_version(row.namespace, row.name, keys),
        ),
    )
    return VersionRow(int(inserted.lastrowid or 0), row.id, namespace, name)


def _point(context: Context, version: VersionRow, current: int | None, role: Role) -> None:
    if role is Role.STATIC:
        set_current(context, version.dataset, version.id)
    elif role is Role.INPUT and current is None:
        context.connection.execute(
            "UPDATE mq_datasets SET current_version = ? WHERE id = ?",
            (version.id, version.dataset),
        )


def set_current(context: Context, dataset: int, version: int) -> None:
    """Point a dataset at a version; Marquez then takes its own clock for the last update."""
    context.connection.execute(
        "UPDATE mq_datasets SET current_version = ?, updated_us = ? WHERE id = ?",
        (version, context.received_us, dataset),
    )
