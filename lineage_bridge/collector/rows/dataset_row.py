"""Rows of datasets and their versions in memory: read once and written once per batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

COLUMNS: Final = (
    "id, dataset, namespace, name, run, field_ids, lineage_key, lineage, run_facets,"
    " runless_facets, output_facets, listed_facets"
)
_DATASET_COLUMNS: Final = (
    "d.id, d.current_version, d.namespace, d.name, d.fields_key, d.field_ids, d.updated_us,"
    " d.physical_name, d.description, d.is_deleted, d.is_hidden, d.type"
)


@dataclass(slots=True)
class DatasetRow:
    """A row of `mq_datasets`; it has the dataset's first name, and its formatted namespace."""

    id: int
    current_version: int | None
    namespace: str
    name: str
    fields_key: bytes | None
    field_ids: int | None
    updated_us: int
    physical_name: str
    description: str | None
    is_deleted: bool
    is_hidden: bool = False
    type: str = "DB_TABLE"


def save_datasets(connection: sqlite3.Connection, rows: Iterable[DatasetRow]) -> None:
    """Write the columns of datasets that an event may change."""
    connection.executemany(
        "UPDATE mq_datasets SET type = ?, updated_us = ?, physical_name = ?, description = ?,"
        " is_deleted = ?, is_hidden = ?, current_version = ?, fields_key = ?, field_ids = ?"
        " WHERE id = ?",
        [
            (
                row.type,
                row.updated_us,
                row.physical_name,
                row.description,
                row.is_deleted,
                row.is_hidden,
                row.current_version,
                row.fields_key,
                row.field_ids,
                row.id,
            )
            for row in rows
        ],
    )


def find_dataset(connection: sqlite3.Connection, namespace: str, name: str) -> DatasetRow | None:
    """Read the dataset that has a name, be it its first or another; None if there is none."""
    row = connection.execute(
        f"SELECT {_DATASET_COLUMNS} FROM mq_symlinks s JOIN mq_datasets d ON d.id = s.dataset"
        " WHERE s.namespace = ? AND s.name = ?",
        (namespace, name),
    ).fetchone()
    return None if row is None else DatasetRow(*row)


def load_dataset(connection: sqlite3.Connection, dataset: int) -> DatasetRow:
    """Read one dataset."""
    row = connection.execute(
        f"SELECT {_DATASET_COLUMNS} FROM mq_datasets d WHERE d.id = ?", (dataset,)
    ).fetchone()
    return DatasetRow(*row)


@dataclass(slots=True)
class VersionRow:
    """A row of `mq_dataset_versions`; the schema in `tables` explains its columns."""

    id: int
    dataset: int
    namespace: str
    name: str
    run: int | None = None
    field_ids: int | None = None
    lineage_key: bytes | None = None
    lineage: int | None = None
    run_facets: bytes | None = None
    runless_facets: bytes | None = None
    output_facets: bytes | None = None
    listed_facets: bytes | None = None

    def changing(self) -> tuple[Any, ...]:
        """Return the values that an event may change."""
        return (
            self.field_ids,
            self.lineage_key,
            self.lineage,
            self.run_facets,
            self.runless_facets,
            self.output_facets,
            self.listed_facets,
        )


def save_versions(connection: sqlite3.Connection, rows: Iterable[VersionRow]) -> None:
    """Write the columns of versions that an event may change, except `run`."""
    connection.executemany(
        "UPDATE mq_dataset_versions SET field_ids = ?, lineage_key = ?, lineage = ?,"
        " run_facets = ?, runless_facets = ?, output_facets = ?, listed_facets = ? WHERE id = ?",
        [(*row.changing(), row.id) for row in rows],
    )


def load(connection: sqlite3.Connection, version: int) -> VersionRow:
    """Read one version."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM mq_dataset_versions WHERE id = ?", (version,)
    ).fetchone()
    return VersionRow(*row)


def find(connection: sqlite3.Connection, version: str) -> VersionRow | None:
    """Read the version that has a hash, None if there is none."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM mq_dataset_versions WHERE version = ?", (version,)
    ).fetchone()
    return None if row is None else VersionRow(*row)
