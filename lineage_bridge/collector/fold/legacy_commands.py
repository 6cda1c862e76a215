"""The commands of the old write API: they write datasets, jobs and runs one by one, without events.

Their times are those of the server's clock. Source: `DatasetVersionDao.upsertDatasetVersion`,
`JobDao.upsertJobMeta`, `RunDao.upsertRunMeta`, `JobVersionDao.upsertJobVersionOnRunTransition`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.fold import reduce_fields, reduce_jobs, reduce_versions
from lineage_bridge.collector.fold.course import FOREVER_US
from lineage_bridge.collector.fold.done import Done, exhaust
from lineage_bridge.collector.fold.reduce_runs import Run
from lineage_bridge.collector.rows import dataset_row, job_row, shared
from lineage_bridge.collector.rows.context import Context, formatted
from lineage_bridge.events.run_ids import name_uuid

Command = Mapping[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _put_dataset(context: Context, command: Command) -> None:
    dataset = _upsert_dataset(context, command)
    fields = command["fields"]
    keys = reduce_fields.fields_of({"fields": fields})
    frozen = shared.keep(context.connection, _encode(fields))
    version = name_uuid(_version_text(command, keys))
    context.connection.execute(
        "INSERT INTO mq_dataset_versions (uuid, version, dataset, run, created_us, namespace, name,"
        " fields, lifecycle_state, schema_version, schema_location)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)"
        " ON CONFLICT (version) DO UPDATE SET run = excluded.run",
        (
            context.uuid(f"dataset version {version}"),
            version,
            dataset,
            _run(context, command["run"]),
            context.received_us,
            command["namespace"],
            command["name"],
            frozen,
            hashes.schema_version(formatted(command["namespace"]), command["name"], keys),
            command["schema_location"],
        ),
    )
    (row,) = context.connection.execute(
        "SELECT id FROM mq_dataset_versions WHERE version = ?", (version,)
    ).fetchone()
    _map_fields(context, row, dataset, {"fields": fields})
    context.connection.execute(
        "UPDATE mq_datasets SET current_version = ?, updated_us = ? WHERE id = ?",
        (row, context.received_us, dataset),
    )
    _tag(context, dataset, command)


def _map_fields(context: Context, version: int, dataset: int, schema: dict[str, Any]) -> None:
    fields = reduce_fields.fields_of(schema)
    if fields:
        row = dataset_row.load(context.connection, version)
        owner = dataset_row.load_dataset(context.connection, dataset)
        rows = exhaust(reduce_fields.rows_of(context, owner, fields, Done()))
        row.field_ids = reduce_fields.added(context, row.field_ids, rows)
        dataset_row.save_versions(context.connection, [row])
        dataset_row.save_datasets(context.connection, [owner])


def _version_text(command: Command, keys: tuple[reduce_fields.Field, ...]) -> str:
    parts = [
        command["namespace"],
        command["source"],
        command["name"],
        command["physical_name"],
        command["schema_location"],
        hashes.columns_text(keys),
        command["run"],
    ]
    return ":".join(part for part in parts if part is not None)


def _upsert_dataset(context: Context, command: Command) -> int:
    connection = context.connection
    namespace, name = command["namespace"], command["name"]
    found = connection.execute(
        "SELECT dataset FROM mq_symlinks WHERE namespace = ? AND name = ?", (namespace, name)
    ).fetchone()
    now = context.received_us
    values = (command["type"], command["physical_name"], command["description"], now)
    if found is not None:
        connection.execute(
            "UPDATE mq_datasets SET type = ?, physical_name = ?,"
            " description = coalesce(?, description), updated_us = ?,"
            " is_hidden = 0 WHERE id = ?",
            (*values, found[0]),
        )
        connection.execute("UPDATE mq_symlinks SET is_hidden = 0 WHERE dataset = ?", found)
        return int(found[0])
    row = connection.execute(
        "INSERT INTO mq_datasets (type, physical_name, description, updated_us, created_us,"
        " namespace, name, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, now, formatted(namespace), name, command["source"]),
    ).lastrowid
    connection.execute(
        "INSERT INTO mq_symlinks (namespace, name, dataset, is_primary) VALUES (?, ?, ?, 1)",
        (namespace, name, row),
    )
    return int(row or 0)


def _run(context: Context, uuid: str | None) -> int | None:
    row = context.connection.execute("SELECT id FROM mq_runs WHERE uuid = ?", (uuid,)).fetchone()
    return None if row is None else int(row[0])


def _tag(context: Context, dataset: int, command: Command) -> None:
    for tag in command["tags"]:
        context.connection.execute("INSERT OR IGNORE INTO mq_tags (name) VALUES (?)", (tag,))
        context.connection.execute(
            "INSERT OR IGNORE INTO mq_dataset_tags (dataset, tag) VALUES (?, ?)", (dataset, tag)
        )
    for field in command["fields"]:
        for tag in field["tags"]:
            context.connection.execute("INSERT OR IGNORE INTO mq_tags (name) VALUES (?)", (tag,))
            context.connection.execute(
                "INSERT OR IGNORE INTO mq_field_tags (field, tag)"
                " SELECT id, ? FROM mq_fields WHERE dataset = ? AND name = ?",
                (tag, dataset, field["name"]),
            )


def _put_job(context: Context, command: Command) -> None:
    now = replace(context, at_us=context.received_us)
    reduce_jobs.known(
        now,
        namespace=command["namespace"],
        name=command["name"],
        simple_name=command["name"],
        parent=None,
        kind=command["type"],
        description=command["description"],
        location=command["location"],
        inputs=_encode(command["inputs"]).decode(),
    )


def _create_run(context: Context, command: Command) -> None:
    connection = context.connection
    job = connection.execute(
        "SELECT id, current_inputs FROM mq_jobs WHERE namespace = ? AND name = ?",
        (command["namespace"], command["name"]),
    ).fetchone()
    if job is None or _run(context, command["run"]) is not None:
        return
    run = connection.execute(
        "INSERT INTO mq_runs (uuid, job, created_us, updated_us, state, state_us, latest_us,"
        " nominal_start_us, nominal_end_us, args, facets, facet_times)"
        " VALUES (?, ?, ?, ?, 'NEW', NULL, ?, ?, ?, ?, '{}', '{}')",
        (
            command["run"],
            job[0],
            context.received_us,
            context.received_us,
            FOREVER_US,
            command["nominal_start_us"],
            command["nominal_end_us"],
            _encode(command["args"]).decode(),
        ),
    ).lastrowid
    for namespace, name in _decode(job[1]) if job[1] else ():
        connection.execute(
            "INSERT OR IGNORE INTO mq_run_inputs (run, version)"
            " SELECT ?, d.current_version FROM mq_symlinks s JOIN mq_datasets d ON d.id = s.dataset"
            " WHERE s.namespace = ? AND s.name = ? AND d.current_version IS NOT NULL",
            (run, namespace, name),
        )


def _transition(context: Context, command: Command) -> None:
    run = _run(context, command["run"])
    if run is None:
        return
    state = command["state"]
    at = replace(context, at_us=command["at_us"])
    moved = "started_us = :at, start_us = :at" if state == "RUNNING" else "ended_us = :at"
    context.connection.execute(
        "UPDATE mq_runs SET state = :state, state_us = :at, latest_us = :at, updated_us = :at,"
        f" {moved} WHERE id = :run",
        {"state": state, "at": at.at_us, "run": run},
    )
    if state != "RUNNING":
        _end(at, run, command)


def _end(context: Context, run: int, command: Command) -> None:
    job_id, facets = context.connection.execute(
        "SELECT job, job_facets FROM mq_runs WHERE id = ?", (run,)
    ).fetchone()
    job = job_row.load(context.connection, job_id)
    ended = Run(
        run, command["run"], command["state"], is_late=False, is_over=True, job_facets=facets
    )
    reduce_versions.link_run(context, job, ended)
    job_row.save_all(context.connection, [job])
    context.connection.execute(
        "UPDATE mq_datasets SET last_modified_us = :at, updated_us = :at WHERE id IN"
        " (SELECT dataset FROM mq_dataset_versions WHERE run = :run)",
        {"at": context.at_us, "run": run},
    )


HANDLERS: Mapping[str, Callable[[Context, Command], None]] = {
    "put_dataset": _put_dataset,
    "put_job": _put_job,
    "create_run": _create_run,
    "transition": _transition,
}
