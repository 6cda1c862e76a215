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

from lineage_bridge.collector.dialect.errors import RefusedEventError
from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.fold.done import Done
from lineage_bridge.collector.rows import recipes, shared
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.collector.rows.recipes import Place
from lineage_bridge.marquez_limits import MAX_TRANSFORMATION_TYPE

if TYPE_CHECKING:
    from lineage_bridge.collector.fold.reduce_runs import Run
    from lineage_bridge.collector.rows.dataset_row import VersionRow

PIECE = 20_000  # edges that are read in a row before a commit is possible: 10 ms
EACH_COLUMN = 25  # what a column costs beside its edges, in edges

_encode = msgspec.json.Encoder().encode

_Names = tuple[Any, Any, Any]  # namespace, dataset and column, as an event has them


def _columns(dataset: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any] | None] | None:
    return ((dataset.get("facets") or {}).get("columnLineage") or {}).get("fields") or None


def has_any(dataset: Mapping[str, Any]) -> bool:
    """Return whether an event says of some column of a dataset what it was made from."""
    return _columns(dataset) is not None


def take(
    context: Context,
    version: VersionRow,
    run: Run,
    outputs: Mapping[str, int],
    dataset: Mapping[str, Any],
    done: Done,
) -> Iterator[None]:
    """Store the column lineage of an output; `outputs` are the rows of its columns by name.

    Yields after every `PIECE` edges, so that the caller may commit.

    Raises:
        RefusedEventError: a transformation's type is too long; the columns before it are stored.
    """
    columns = _columns(dataset) or {}
    inputs = _Inputs(context, run.id)
    key = hashlib.blake2b(_encode([columns, outputs, inputs.key]), digest_size=16).digest()
    if version.lineage_key == key:
        if version.lineage is not None:
            version.lineage = recipes.renew(context.connection, version.lineage, context.at_us)
        return
    try:
        yield from _read(context, columns, outputs, inputs, done)
    except RefusedEventError:
        _note(context, version, inputs, done)
        raise
    _note(context, version, inputs, done)
    version.lineage_key = key


def _note(context: Context, version: VersionRow, inputs: _Inputs, done: Done) -> None:
    version.lineage = None
    if done.recipes:
        version.lineage = recipes.note(
            context.connection,
            version.id,
            version.dataset,
            dict(done.recipes),
            inputs.versions,
            context.at_us,
        )


def _read(
    context: Context,
    columns: Mapping[str, Mapping[str, Any] | None],
    outputs: Mapping[str, int],
    inputs: _Inputs,
    done: Done,
) -> Iterator[None]:
    """Store the recipe of each column."""
    made: dict[int, bytes] = {}
    read = 0
    for number, (name, column) in enumerate(columns.items()):
        if number < done.mapped or name not in outputs or column is None:
            continue
        try:
            recipe = _recipe(column, inputs)
        except RefusedEventError:
            _keep(context, made, done)
            raise
        if recipe is not None:
            made[outputs[name]] = recipe
        read += len(column.get("inputFields") or ()) + EACH_COLUMN
        if read >= PIECE:
            _keep(context, made, done)
            done.mapped, read, made = number + 1, 0, {}
            yield
    _keep(context, made, done)


def _keep(context: Context, made: Mapping[int, bytes], done: Done) -> None:
    numbers = shared.keep_all(context.connection, list(made.values()))
    done.recipes += zip(made, numbers, strict=True)


def _recipe(column: Mapping[str, Any], inputs: _Inputs) -> bytes | None:
    description = text(column.get("transformationDescription"))
    kind = text(column.get("transformationType"))
    if len(kind or "") > MAX_TRANSFORMATION_TYPE:
        raise refuse(f"transformationType must have up to {MAX_TRANSFORMATION_TYPE} characters")
    places: set[Place] = set()
    for source in column.get("inputFields") or ():
        if source is not None:
            names = source.get("namespace"), source.get("name"), source.get("field")
            places.update(inputs.find(names))
    return recipes.encode(description, kind, places) if places else None


class _Inputs:
    """The columns that a run has read; those of a dataset are loaded when one of them is asked for.

    Attributes:
        versions: the versions that the run has read, by dataset.
        key: differs if anything of this does.
    """

    def __init__(self, context: Context, run: int) -> None:
        context.batch.save_versions(context.connection)
        self._connection = context.connection
        self.versions: dict[int, list[int]] = {}
        self._datasets: dict[tuple[str, str], int] = {}
        self._field_ids: dict[int, list[int | None]] = {}
        # An input column may be named under any of its dataset's names.
        self.key = context.connection.execute(
            "SELECT s.namespace, s.name, v.dataset, v.id, v.field_ids FROM mq_run_inputs i"
            " JOIN mq_dataset_versions v ON v.id = i.version"
            " JOIN mq_symlinks s ON s.dataset = v.dataset"
            " WHERE i.run = ? ORDER BY v.dataset, v.id, s.namespace, s.name",
            (run,),
        ).fetchall()
        for namespace, name, dataset, version, field_ids in self.key:
            self._datasets[namespace, name] = dataset
            versions = self.versions.setdefault(dataset, [])
            if version not in versions[-1:]:
                versions.append(version)
                self._field_ids.setdefault(dataset, []).append(field_ids)
        self._columns: dict[int, dict[str, list[Place]]] = {}
        self._found: dict[_Names, list[Place]] = {}

    def find(self, names: _Names) -> list[Place]:
        """Return the input columns of a name, one for each version and type that was read."""
        if not type(names[0]) is type(names[1]) is type(names[2]) is str:
            return self._look_up(*(text(name) or "" for name in names))
        found = self._found.get(names)
        if found is None:
            found = self._found[names] = self._look_up(*names)
        return found

    def _look_up(self, namespace: str, name: str, column: str) -> list[Place]:
        dataset = self._datasets.get((namespace, name))
        if dataset is None:
            return []
        if dataset not in self._columns:
            self._columns[dataset] = self._load(dataset)
        return self._columns[dataset].get(column, [])

    def _load(self, dataset: int) -> dict[str, list[Place]]:
        columns: dict[str, list[Place]] = {}
        for nth, field_ids in enumerate(self._field_ids[dataset]):
            ids = shared.load(self._connection, field_ids) or []
            rows = self._connection.execute(
                "SELECT f.name, f.id FROM json_each(?) e JOIN mq_fields f ON f.id = e.value",
                (_encode(ids).decode(),),
            )
            for name, row in rows:
                columns.setdefault(name, []).append((dataset, nth, row))
        return columns
