"""The input columns of a dataset's columns, in the form that the dataset itself shows.

For each pair of columns the newest edge counts; inputs in hidden datasets are listed too.
Source: `ColumnLineageDao.getLineageRowsForDatasets`, `ColumnLineageService`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

_QUERY = (
    "SELECT o.dataset, o.name, s.namespace, s.name, f.name, c.description, c.type"
    " FROM json_each(?) wanted JOIN mq_fields o ON o.dataset = wanted.value"
    " JOIN mq_column_edges c ON c.output_field = o.id"
    " JOIN mq_fields f ON f.id = c.input_field JOIN mq_symlinks s ON s.dataset = f.dataset"
    " ORDER BY o.id, s.namespace, s.name, f.name"
)


def of_datasets(
    connection: sqlite3.Connection, datasets: Iterable[int]
) -> dict[int, list[dict[str, Any]]]:
    """Read column lineage by dataset; a dataset without any is absent."""
    columns: dict[tuple[int, str], list[dict[str, Any]]] = {}
    rows = connection.execute(_QUERY, (_encode(sorted(set(datasets))).decode(),))
    for dataset, column, namespace, name, field, description, kind in rows:
        columns.setdefault((dataset, column), []).append(
            {
                "namespace": namespace,
                "dataset": name,
                "field": field,
                "transformationDescription": description,
                "transformationType": kind,
            }
        )
    found: dict[int, list[dict[str, Any]]] = {}
    for (dataset, column), inputs in columns.items():
        found.setdefault(dataset, []).append(
            {
                "name": column,
                "inputFields": inputs,
                "transformationDescription": inputs[0]["transformationDescription"],
                "transformationType": inputs[0]["transformationType"],
            }
        )
    return found
