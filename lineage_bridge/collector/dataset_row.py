"""A version of a dataset while an event changes it: read once, changed in memory, written once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

COLUMNS: Final = (
    "id, dataset, namespace, name, field_ids, lineage_key, run_facets, runless_facets,"
    " output_facets, listed_facets"
)


@dataclass(slots=True)
class VersionRow:
    """A row of `mq_dataset_versions`; see there for what its columns mean."""

    id: int
    dataset: int
    namespace: str
    name: str
    field_ids: str = "[]"
    lineage_key: bytes | None = None
    run_facets: bytes | None = None
    runless_facets: bytes | None = None
    output_facets: bytes | None = None
    listed_facets: bytes | None = None

    def changing(self) -> tuple[Any, ...]:
        """What an event may change."""
        return (
            self.field_ids,
            self.lineage_key,
            self.run_facets,
            self.runless_facets,
            self.output_facets,
            self.listed_facets,
        )

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what an event may change."""
        connection.execute(
            "UPDATE mq_dataset_versions SET field_ids = ?, lineage_key = ?, run_facets = ?,"
            " runless_facets = ?, output_facets = ?, listed_facets = ? WHERE id = ?",
            (*self.changing(), self.id),
        )


def load(connection: sqlite3.Connection, version: int) -> VersionRow:
    """Read one version."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM mq_dataset_versions WHERE id = ?", (version,)
    ).fetchone()
    return VersionRow(*row)
