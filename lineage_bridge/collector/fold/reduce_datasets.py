"""Datasets of events: the dataset itself, its version, its columns, its facets.

A mention is a place in an event where a dataset appears. An output, and a `DatasetEvent`'s dataset,
gets a version of its own, named by a hash; an input uses the current version if there is one.
Source: `OpenLineageDao.upsertLineageDataset`, `DatasetDao`, `DatasetVersionDao`,
`DatasetSymlinkDao`, `DatasetFacetsDao`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote

from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.dialect.java import is_uri, text
from lineage_bridge.collector.fold import reduce_columns, reduce_facets, reduce_fields
from lineage_bridge.collector.fold.done import Done
from lineage_bridge.collector.fold.reduce_fields import Field
from lineage_bridge.collector.fold.reduce_runs import Run
from lineage_bridge.collector.rows import dataset_row
from lineage_bridge.collector.rows.context import Context, formatted, refuse
from lineage_bridge.collector.rows.dataset_row import DatasetRow, VersionRow
from lineage_bridge.marquez_limits import MAX_LIFECYCLE, MAX_SYMLINK_TYPE

DEFAULT_SOURCE = "default"


class Role(Enum):
    """The role of a dataset in the event that mentions it."""

    INPUT = "input of a run"
    OUTPUT = "output of a run"
    STATIC = "dataset of a DatasetEvent"
    JOB_INPUT = "input of a JobEvent"
    JOB_OUTPUT = "output of a JobEvent"

    @property
    def is_input(self) -> bool:
        """Whether the dataset is read."""
        return self is Role.INPUT or self is Role.JOB_INPUT


def take(
    context: Context, dataset: Mapping[str, Any], role: Role, run: Run | None, done: Done
) -> Generator[None, None, VersionRow]:
    """Upsert a dataset and its version, and store its facets.

    Yields now and then if the dataset is large: the writes until then may be committed, and
    repeating them changes nothing.

    Raises:
        RefusedEventError: Marquez would fail in the middle of the dataset.
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
        yield from _fill(context, version, row, fields, dataset, role, run, done)
    finally:
        if version.changing() != before:
            context.batch.changed.add(version.id)
    reduce_facets.check(dataset)
    return version


def _fill(
    context: Context,
    version: VersionRow,
    row: DatasetRow,
    fields: tuple[Field, ...],
    dataset: Mapping[str, Any],
    role: Role,
    run: Run | None,
    done: Done,
) -> Iterator[None]:
    if fields:
        rows = yield from reduce_fields.rows_of(context, row, fields, done)
        version.field_ids = reduce_fields.added(context, version.field_ids, rows)
        if role is Role.OUTPUT and run is not None and reduce_columns.has_any(dataset):
            columns = reduce_fields.by_name(context, fields, rows)
            yield from reduce_columns.take(context, version, run, columns, dataset, done)
    if role is Role.INPUT and run is not None:
        context.connection.execute(
            "INSERT OR IGNORE INTO mq_run_inputs (run, version) VALUES (?, ?)",
            (run.id, version.id),
        )
    if role is Role.STATIC:
        set_current(context, row.id, version.id)
    elif role is Role.INPUT and row.current_version is None:
        row.current_version = version.id
    reduce_facets.take(context, version, dataset, is_input=role.is_input, run=run)


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
) -> DatasetRow:
    """Upsert a dataset by one of its names; the batch writes its row."""
    description = text((facets.get("documentation") or {}).get("description"))
    is_deleted = _lifecycle(facets).upper() == "DROP"
    row = _known(context, namespace, name)
    if row is None:
        row = _insert(context, namespace, name, source, description, is_deleted)
        context.batch.dataset_ids[namespace, name] = row.id
        context.batch.datasets[row.id] = row
        return row
    if row.is_hidden:
        context.connection.execute(
            "UPDATE mq_symlinks SET is_hidden = 0 WHERE dataset = ?", (row.id,)
        )
    row.type, row.is_hidden, row.updated_us = "DB_TABLE", False, context.at_us
    row.physical_name, row.description, row.is_deleted = name, description, is_deleted
    return row


def _known(context: Context, namespace: str, name: str) -> DatasetRow | None:
    batch = context.batch
    known = batch.dataset_ids.get((namespace, name))
    if known is not None:
        return batch.datasets[known]
    found = dataset_row.find_dataset(context.connection, namespace, name)
    if found is None:
        return None
    batch.dataset_ids[namespace, name] = found.id
    return batch.datasets.setdefault(found.id, found)


def _insert(
    context: Context,
    namespace: str,
    name: str,
    source: str,
    description: str | None,
    is_deleted: bool,
) -> DatasetRow:
    connection = context.connection
    own_namespace, at_us = formatted(namespace), context.at_us
    values = (own_namespace, name, source, name, description, at_us, at_us)
    cursor = connection.execute(
        "INSERT INTO mq_datasets (namespace, name, source, physical_name, description, created_us,"
        " updated_us, type, is_deleted) VALUES (?, ?, ?, ?, ?, ?, ?, 'DB_TABLE', ?)"
        " ON CONFLICT DO NOTHING",
        (*values, is_deleted),
    )
    if cursor.rowcount != 1:
        raise refuse(f"another dataset is named {own_namespace}:{name} in the database")
    row = int(cursor.lastrowid or 0)
    connection.execute(
        "INSERT INTO mq_symlinks (namespace, name, dataset, is_primary) VALUES (?, ?, ?, 1)",
        (namespace, name, row),
    )
    return DatasetRow(
        id=row,
        current_version=None,
        namespace=own_namespace,
        name=name,
        fields_key=None,
        field_ids=None,
        updated_us=at_us,
        physical_name=name,
        description=description,
        is_deleted=is_deleted,
    )


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
    row: DatasetRow,
    fields: tuple[Field, ...],
    facets: Mapping[str, Any],
    role: Role,
    run: Run | None,
) -> VersionRow:
    namespace, name = names
    if role.is_input and row.current_version is not None:
        return _current(context, row.current_version)
    lifecycle = _lifecycle(facets)
    if len(lifecycle) > MAX_LIFECYCLE:
        raise refuse(f"lifecycleStateChange must not be longer than {MAX_LIFECYCLE} characters")
    version = hashes.dataset_version(
        namespace, source, name, name, fields, lifecycle, run.uuid if run else None
    )
    writer = run.id if run is not None and role is Role.OUTPUT else None
    found = _find(context, version)
    if found is not None:
        if found.run != writer:
            found.run = writer
            context.connection.execute(
                "UPDATE mq_dataset_versions SET run = ? WHERE version = ?", (writer, version)
            )
        return found
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
            reduce_fields.freeze(context, fields),
            lifecycle,
            hashes.schema_version(row.namespace, row.name, fields),
        ),
    )
    made = VersionRow(int(inserted.lastrowid or 0), row.id, namespace, name, writer)
    context.batch.version_ids[version] = made.id
    context.batch.versions[made.id] = made
    return made


def _current(context: Context, version: int) -> VersionRow:
    versions = context.batch.versions
    if version not in versions:
        versions[version] = dataset_row.load(context.connection, version)
    return versions[version]


def _find(context: Context, version: str) -> VersionRow | None:
    batch = context.batch
    known = batch.version_ids.get(version)
    if known is not None:
        return batch.versions[known]
    found = dataset_row.find(context.connection, version)
    if found is None:
        return None
    batch.version_ids[version] = found.id
    return batch.versions.setdefault(found.id, found)


def set_current(context: Context, dataset: int, version: int) -> None:
    """Make a version the dataset's current one; its update time is the arrival, as in Marquez."""
    row = _by_id(context, dataset)
    row.current_version, row.updated_us = version, context.received_us


def point_late(context: Context, version: VersionRow) -> None:
    """Make a version current that a late event named after its run had ended."""
    _by_id(context, version.dataset).current_version = version.id


def _by_id(context: Context, dataset: int) -> DatasetRow:
    datasets = context.batch.datasets
    if dataset not in datasets:
        datasets[dataset] = dataset_row.load_dataset(context.connection, dataset)
    return datasets[dataset]
