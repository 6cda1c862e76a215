"""Column lineage of outputs: from which columns of which inputs a column was made.

An edge is stored only if both ends are known: the output column in the event's own schema, the
input column in a version that the run has read before (inputs of the same event included). Source:
`OpenLineageDao.upsertColumnLineage`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.fold.done import Done
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.marquez_limits import MAX_TRANSFORMATION_TYPE

if TYPE_CHECKING:
    from lineage_bridge.collector.fold.reduce_runs import Run
    from lineage_bridge.collector.rows.dataset_row import VersionRow

PIECE = 500  # edges that are written in a row before a commit is possible

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

# Columns of the run's inputs: (namespace, dataset, column) -> rows of version and column.
_Inputs = dict[tuple[str, str, str], list[tuple[int, int]]]


def take(
    context: Context,
    version: VersionRow,
    run: Run,
    outputs: Mapping[str, int],
    facets: Mapping[str, Any],
    done: Done,
) -> Iterator[None]:
    """Store the column lineage of an output; `outputs` are the rows of its columns by name.

    Yields after every `PIECE` edges, so that the caller may commit.
    """
    columns = (facets.get("columnLineage") or {}).get("fields")
    if not columns or not outputs:
        return
    inputs = _inputs(context, run.id)
    key = hashlib.blake2b(
        _encode([columns, outputs, sorted(inputs.items())]), digest_size=16
    ).digest()
    if version.lineage_key == key:
        return
    written = 0
    for number, (name, column) in enumerate(columns.items()):
        if number < done.mapped or name not in outputs or column is None:
            continue
        written += _store(context, version.id, outputs[name], column, inputs)
        if written >= PIECE:
            written, done.mapped = 0, number + 1
            yield
    version.lineage_key = key


def _inputs(context: Context, run: int) -> _Inputs:
    found: _Inputs = {}
    context.batch.save_versions(context.connection)
    rows = context.connection.execute(
        "SELECT s.namespace, s.name, f.name, v.id, f.id FROM mq_run_inputs i"
        " JOIN mq_dataset_versions v ON v.id = i.version"
        " JOIN mq_symlinks s ON s.dataset = v.dataset AND s.is_primary = 1"
        " JOIN json_each(v.field_ids) e JOIN mq_fields f ON f.id = e.value WHERE i.run = ?",
        (run,),
    )
    for namespace, dataset, name, version, field in rows:
        found.setdefault((namespace, dataset, name), []).append((version, field))
    return found


def _store(
    context: Context, version: int, output: int, column: Mapping[str, Any], inputs: _Inputs
) -> int:
    """Store the edges into one column; return how many they are."""
    description = text(column.get("transformationDescription"))
    kind = text(column.get("transformationType"))
    if len(kind or "") > MAX_TRANSFORMATION_TYPE:
        raise refuse(f"transformationType must have up to {MAX_TRANSFORMATION_TYPE} characters")
    links = 0
    for input_version, field in _sources(column, inputs):
        links += 1
        link = (version, output, input_version, field)
        at = context.at_us
        context.connection.execute(
            "INSERT INTO mq_column_lineage (output_version, output_field, input_version,"
            " input_field, description, type, created_us, updated_us)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET description = excluded.description,"
            " type = excluded.type, updated_us = excluded.updated_us",
            (*link, description, kind, at, at),
        )
        context.connection.execute(
            "INSERT INTO mq_column_edges (output_version, output_field, input_version,"
            " input_field, description, type, updated_us) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET output_version = excluded.output_version,"
            " input_version = excluded.input_version, description = excluded.description,"
            " type = excluded.type, updated_us = excluded.updated_us"
            " WHERE excluded.updated_us >= updated_us",
            (*link, description, kind, at),
        )
    return links


def _sources(column: Mapping[str, Any], inputs: _Inputs) -> Iterator[tuple[int, int]]:
    for source in column.get("inputFields") or ():
        if source is not None:
            members = ("namespace", "name", "field")
            namespace, name, field = (text(source.get(member)) or "" for member in members)
            yield from inputs.get((namespace, name, field), ())
