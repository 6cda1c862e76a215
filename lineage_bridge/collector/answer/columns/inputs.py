"""The input columns of a dataset's columns, in the form that the dataset itself shows.

For each pair of columns the newest edge counts; inputs in hidden datasets are listed too. An input
has the name that the version had when it was written, whatever other names its dataset has. What
is shown is made a column at a time, while it is sent, as it may be a thousand times as long as what
is stored. Source: `ColumnLineageDao.getLineageRowsForDatasets`, `ColumnLineageService`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from lineage_bridge.collector.answer.columns.edges import ColumnEdges, Strands

_encode = msgspec.json.Encoder().encode

_NAMES = (
    "WITH named AS (SELECT DISTINCT v.dataset, v.namespace, v.name FROM json_each(:versions) w"
    " JOIN mq_dataset_versions v ON v.id = w.value)"
    " SELECT f.id, named.namespace, named.name, f.name FROM json_each(:columns) w"
    " JOIN mq_fields f ON f.id = w.value JOIN named ON named.dataset = f.dataset"
    " ORDER BY named.namespace, named.name, f.name"
)


class ColumnInputs:
    """The column lineage of datasets, without the connection that it was read from."""

    def __init__(self, connection: sqlite3.Connection, datasets: Iterable[int]) -> None:
        edges = ColumnEdges(connection)
        self._edges = {dataset: edges.into_dataset(dataset) for dataset in set(datasets)}
        inputs: set[int] = set()
        outputs: set[int] = set()
        versions: set[int] = set()
        for columns in self._edges.values():
            outputs.update(columns)
            for strands in columns.values():
                inputs.update(*(strand.columns for strand in strands))
                for strand in strands:
                    versions |= {strand.input_version, strand.output_version}
        self._columns = dict(
            connection.execute(
                "SELECT id, name FROM mq_fields WHERE id IN (SELECT value FROM json_each(?))",
                (_encode(sorted(outputs)).decode(),),
            ).fetchall()
        )
        self._names: dict[int, list[bytes]] = {}  # of an input, mostly one
        wanted = {
            "columns": _encode(sorted(inputs)).decode(),
            "versions": _encode(sorted(versions)).decode(),
        }
        for column, *names in connection.execute(_NAMES, wanted):
            self._names.setdefault(column, []).append(_members(*names))

    def of(self, dataset: int) -> Iterator[bytes] | None:
        """Yield the JSON of a dataset's `columnLineage` bit by bit; None if it has none."""
        columns = self._edges[dataset]
        return self._shown(columns) if columns else None

    def _shown(self, columns: dict[int, Strands]) -> Iterator[bytes]:
        by_name: dict[str, Strands] = {}  # a column that changed its type has several rows
        for column in sorted(columns):
            by_name.setdefault(self._columns[column], []).extend(columns[column])
        opening = b"["
        for name, strands in by_name.items():
            yield opening + self._column(name, strands)
            opening = b","
        yield b"]"

    def _column(self, name: str, strands: Strands) -> bytes:
        inputs = []
        for strand in strands:
            made = strand.made() + b"}"
            inputs += [names + made for source in strand.columns for names in self._names[source]]
        return b'{"name":%b,"inputFields":[%b]%b}' % (
            _encode(name),
            b",".join(inputs),
            strands[0].made(),
        )


def _members(namespace: str, dataset: str, field: str) -> bytes:
    return _encode({"namespace": namespace, "dataset": dataset, "field": field})[:-1]
