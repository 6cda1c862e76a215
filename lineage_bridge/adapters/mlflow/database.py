"""MLflow's SQLite database, read as it lies, by nobody's permission but reading it.

The tables that are read have the same columns in 2.x and 3.x; what came later (`inputs` in 2.4,
`logged_models` in 3.0) may be missing. A database without a column that is needed is of a schema
that nobody here knows: it is refused with that schema's name, and nothing is guessed.
"""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final
from urllib.parse import quote

from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.mlflow.facts import (
    DELETED,
    IS_PROMPT,
    AliasFacts,
    Input,
    RunFacts,
    VersionFacts,
    optional_text,
    text,
)
from lineage_bridge.adapters.mlflow.registry import promotion_of, records_of
from lineage_bridge.adapters.mlflow.runs import training_of
from lineage_bridge.errors import ArtifactError, UnreachableError
from lineage_bridge.records import Record

KIND: Final = "database"
_MAGIC: Final = b"SQLite format 3\0"
_BUSY_SECONDS: Final = 2.0
_RUNS_AT_ONCE: Final = 500
_NAN: Final = float("nan")

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "experiments": ("experiment_id", "name", "lifecycle_stage"),
    "runs": (
        *("run_uuid", "status", "start_time", "end_time", "lifecycle_stage"),
        *("artifact_uri", "experiment_id", "user_id"),
    ),
    "params": ("key", "value", "run_uuid"),
    "tags": ("key", "value", "run_uuid"),
    "latest_metrics": ("key", "value", "is_nan", "run_uuid"),
}
_LATER: Final[Mapping[str, tuple[str, ...]]] = {
    "datasets": ("dataset_uuid", "name", "dataset_source_type", "dataset_source"),
    "inputs": ("input_uuid", "source_type", "source_id", "destination_type", "destination_id"),
    "input_tags": ("input_uuid", "name", "value"),
    "logged_models": ("model_id", "lifecycle_stage"),
    "model_versions": (
        *("name", "version", "creation_time", "last_updated_time", "user_id", "current_stage"),
        *("source", "run_id", "status"),
    ),
    "registered_models": ("name", "last_updated_time"),
    "registered_model_tags": ("name", "key"),
    "registered_model_aliases": ("name", "alias", "version"),
}


def read(artifact: Artifact) -> Iterator[Record | Problem]:
    """Read all of a database of MLflow's; nothing comes of another database."""
    with artifact.opened() as file:
        magic, seen = file.read(len(_MAGIC)), os.fstat(file.fileno())
    if magic != _MAGIC:
        if "mlflow" in artifact.name.lower():
            raise ArtifactError("is no SQLite database: it does not begin as one")
        return
    try:
        with closing(_open(artifact.path, seen)) as connection:
            store = _Store(connection)
            if store.is_of_mlflow:
                yield from store.records(artifact)
    except sqlite3.OperationalError as exc:
        if _is_busy(exc):
            raise UnreachableError("is locked by whoever writes it; it is tried again") from exc
        raise ArtifactError(f"cannot be read as a database: {exc}") from exc
    except sqlite3.DatabaseError as exc:
        raise ArtifactError(f"cannot be read as a database: {exc}") from exc


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _open(path: str, seen: os.stat_result) -> sqlite3.Connection:
    """Open a database for reading; one whose log cannot be shared is read without it."""
    found = os.stat(path)  # noqa: PTH116 - paths are text here
    if (found.st_dev, found.st_ino) != (seen.st_dev, seen.st_ino):
        raise UnreachableError("was replaced while it was opened; it is tried again")
    uri = f"file:{quote(path)}?mode=ro"
    connection = _connected(uri)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as exc:
        connection.close()
        if _is_busy(exc):
            raise
        connection = _connected(f"{uri}&immutable=1")
    return connection


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA trusted_schema = 0")
    connection.execute("PRAGMA cell_size_check = 1")
    return connection


class _Store:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._tables = {name for (name,) in rows}

    @property
    def is_of_mlflow(self) -> bool:
        """Whether it is a database of MLflow's at all."""
        return {"alembic_version", "runs", "experiments"} <= self._tables

    def records(self, artifact: Artifact) -> Iterator[Record | Problem]:
        self._connection.execute("BEGIN")  # one state of the database for all that is read
        self._check()
        source = artifact.source
        for facts in self._runs():
            try:
                yield training_of(facts, source)
            except ArtifactError as exc:
                yield _problem(artifact, f"runs.{facts.run_id}.{exc.field or ''}", exc)
        if "model_versions" not in self._tables:
            return
        for version in self._versions():
            try:
                yield from records_of(version, source)
            except ArtifactError as exc:
                field = f"model_versions.{version.name}.{version.version}.{exc.field or ''}"
                yield _problem(artifact, field, exc)
        for alias in self._aliases():
            try:
                yield promotion_of(alias, source)
            except ArtifactError as exc:
                yield _problem(artifact, f"registered_model_aliases.{alias.alias}", exc)

    def _check(self) -> None:
        """Refuse a database of a schema that is not known.

        Raises:
            ArtifactError: a table or column is missing that is needed.
        """
        row = self._connection.execute("SELECT version_num FROM alembic_version").fetchone()
        version = None if row is None else row[0]
        needed = {**_REQUIRED, **{t: c for t, c in _LATER.items() if t in self._tables}}
        for table, columns in needed.items():
            rows = self._connection.execute(f"PRAGMA table_info({table})")
            missing = sorted(set(columns) - {row[1] for row in rows})
            if missing:
                raise ArtifactError(
                    f"has the schema {version!r} (alembic), in which {table}.{missing[0]} is "
                    "missing: it is of a version of MLflow that is not known here",
                    field=f"{table}.{missing[0]}",
                )

    def _runs(self) -> Iterator[RunFacts]:
        rows = self._connection.execute(
            "SELECT r.run_uuid, e.name, r.status, r.start_time, r.end_time, r.user_id,"
            " r.artifact_uri FROM runs r LEFT JOIN experiments e USING (experiment_id)"
            " WHERE r.lifecycle_stage IS NOT ? AND e.lifecycle_stage IS NOT ?"
            " ORDER BY r.run_uuid",
            (DELETED, DELETED),
        )
        while some := rows.fetchmany(_RUNS_AT_ONCE):
            found = {
                run_id: RunFacts(
                    run_id=text(run_id, "run_uuid"),
                    experiment=optional_text(experiment, "name") or "unnamed",
                    state=str(state),
                    started_ms=started,
                    ended_ms=ended,
                    user=optional_text(user, "user_id"),
                    artifact_uri=optional_text(uri, "artifact_uri"),
                )
                for run_id, experiment, state, started, ended, user, uri in some
            }
            self._fill(found)
            yield from found.values()

    def _fill(self, runs: Mapping[str, RunFacts]) -> None:
        """Add what other tables hold of some runs."""
        of_some = f"IN ({', '.join('?' * len(runs))})"
        ids = tuple(runs)
        query = self._connection.execute
        for table in ("params", "tags"):
            rows = query(f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid {of_some}", ids)
            for run_id, key, value in rows:
                facts = runs[run_id]
                of_table = facts.parameters if table == "params" else facts.tags
                of_table[key] = "" if value is None else str(value)
        rows = query(
            f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE run_uuid {of_some}", ids
        )
        for run_id, key, value, is_nan in rows:
            runs[run_id].metrics[key] = _NAN if is_nan or value is None else float(value)
        if "inputs" in self._tables:
            self._fill_inputs(runs, of_some, ids)

    def _fill_inputs(
        self, runs: Mapping[str, RunFacts], of_some: str, ids: tuple[str, ...]
    ) -> None:
        gone = self._models_gone()
        rows = self._connection.execute(
            "SELECT destination_id, name, dataset_source_type, dataset_source, input_uuid"
            " FROM inputs JOIN datasets ON dataset_uuid = source_id"
            f" WHERE source_type = 'DATASET' AND destination_type = 'RUN'"
            f" AND destination_id {of_some} ORDER BY input_uuid",
            ids,
        ).fetchall()
        contexts = self._contexts([row[4] for row in rows])
        for run_id, name, source_type, source, input_id in rows:
            one = Input(str(name), str(source_type), str(source), contexts.get(input_id))
            runs[run_id].inputs.append(one)
        rows = self._connection.execute(
            "SELECT source_id, source_type, destination_id FROM inputs"
            f" WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND source_id {of_some}"
            " ORDER BY destination_id",
            ids,
        ).fetchall()
        for run_id, kind, model_id in rows:
            if model_id not in gone:
                facts = runs[run_id]
                (facts.read if kind == "RUN_INPUT" else facts.made).append(str(model_id))

    def _models_gone(self) -> set[str]:
        if "logged_models" not in self._tables:
            return set()
        query = "SELECT model_id FROM logged_models WHERE lifecycle_stage = ?"
        return {model_id for (model_id,) in self._connection.execute(query, (DELETED,))}

    def _contexts(self, inputs: list[Any]) -> dict[Any, str]:
        found: dict[Any, str] = {}
        for begin in range(0, len(inputs) if "input_tags" in self._tables else 0, _RUNS_AT_ONCE):
            some = inputs[begin : begin + _RUNS_AT_ONCE]
            rows = self._connection.execute(
                "SELECT input_uuid, value FROM input_tags WHERE name = 'mlflow.data.context'"
                f" AND input_uuid IN ({', '.join('?' * len(some))})",
                some,
            )
            found.update((input_id, str(value)) for input_id, value in rows)
        return found

    def _prompts(self) -> set[str]:
        if "registered_model_tags" not in self._tables:
            return set()
        query = "SELECT name FROM registered_model_tags WHERE key = ?"
        return {name for (name,) in self._connection.execute(query, (IS_PROMPT,))}

    def _versions(self) -> Iterator[VersionFacts]:
        prompts = self._prompts()
        rows = self._connection.execute(
            "SELECT name, version, run_id, source, current_stage, status, creation_time,"
            " last_updated_time, user_id FROM model_versions ORDER BY name, version"
        )
        for name, version, run_id, source, stage, status, created, changed, user in rows:
            if name in prompts:
                continue
            yield VersionFacts(
                name=text(name, "name"),
                version=text(version, "version"),
                run_id=optional_text(run_id, "run_id"),
                source=optional_text(source, "source"),
                stage=optional_text(stage, "current_stage"),
                status=optional_text(status, "status"),
                created_ms=created,
                changed_ms=changed,
                user=optional_text(user, "user_id"),
            )

    def _aliases(self) -> Iterator[AliasFacts]:
        if "registered_model_aliases" not in self._tables:
            return
        prompts = self._prompts()
        changed: dict[str, Any] = defaultdict(lambda: None)
        changed.update(
            self._connection.execute("SELECT name, last_updated_time FROM registered_models")
        )
        rows = self._connection.execute(
            "SELECT name, alias, version FROM registered_model_aliases ORDER BY name, alias"
        )
        for name, alias, version in rows:
            if name not in prompts:
                yield AliasFacts(str(name), str(alias), str(version), changed[name])


def _problem(artifact: Artifact, field: str, error: ArtifactError) -> Problem:
    return Problem(artifact.name, ArtifactError(error.reason, field=field.rstrip(".")))
