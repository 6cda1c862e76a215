"""Changes by the API other than events: stored in the journal as commands, in order with events.

A command is `{"op": …}` with its arguments, checked before it was written. The dataset or job that
it names may be gone by the time it is applied; then it does nothing. Source: `NamespaceDao`,
`SourceDao`, `TagDao`, `DatasetDao.delete`, `JobDao.delete`, and the tag mappings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from lineage_bridge.collector.fold import legacy_commands
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.context import Context

Command = Mapping[str, Any]

_encode = msgspec.json.Encoder().encode


def take(context: Context, command: Command) -> None:
    """Apply one command; one that this version does not know does nothing."""
    handler = _HANDLERS.get(command["op"])
    if handler is not None:
        handler(context, command)


def _put_namespace(context: Context, command: Command) -> None:
    now = context.received_us
    context.connection.execute(
        "INSERT INTO mq_namespaces (name, created_us, updated_us, owner, description)"
        " VALUES (:name, :now, :now, :owner, :description)"
        " ON CONFLICT (name) DO UPDATE SET updated_us = :now, is_hidden = 0,"
        " owner = iif(lower(owner) = lower(:owner), owner, :owner)",
        {
            "name": command["name"],
            "owner": command["owner"],
            "description": command["description"],
            "now": now,
        },
    )


def _delete_namespace(context: Context, command: Command) -> None:
    name = command["name"]
    connection = context.connection
    connection.execute("UPDATE mq_jobs SET is_hidden = 1 WHERE namespace = ?", (name,))
    connection.execute(
        "UPDATE mq_symlinks SET is_hidden = 1 WHERE dataset IN"
        " (SELECT id FROM mq_datasets WHERE namespace = ?)",
        (name,),
    )
    connection.execute("UPDATE mq_datasets SET is_hidden = 1 WHERE namespace = ?", (name,))
    connection.execute("UPDATE mq_namespaces SET is_hidden = 1 WHERE name = ?", (name,))


def _put_source(context: Context, command: Command) -> None:
    now = context.received_us
    context.connection.execute(
        "INSERT INTO mq_sources (name, type, url, description, created_us, updated_us)"
        " VALUES (:name, :type, :url, :description, :now, :now)"
        " ON CONFLICT (name) DO UPDATE SET type = :type, url = :url, description = :description,"
        " updated_us = :now",
        {**_arguments(command, "name", "type", "url", "description"), "now": now},
    )


def _arguments(command: Command, *names: str) -> dict[str, Any]:
    return {name: command[name] for name in names}


def _put_tag(context: Context, command: Command) -> None:
    context.connection.execute(
        "INSERT INTO mq_tags (name, description) VALUES (:name, :description) ON CONFLICT (name)"
        " DO UPDATE SET description = coalesce(:description, description)",
        _arguments(command, "name", "description"),
    )


def _delete_dataset(context: Context, command: Command) -> None:
    dataset = _dataset(context, command)
    if dataset is not None:
        connection = context.connection
        connection.execute("UPDATE mq_datasets SET is_hidden = 1 WHERE id = ?", (dataset,))
        connection.execute("UPDATE mq_symlinks SET is_hidden = 1 WHERE dataset = ?", (dataset,))


def _dataset(context: Context, command: Command) -> int | None:
    row = context.connection.execute(
        "SELECT dataset FROM mq_symlinks WHERE namespace = ? AND name = ?",
        (command["namespace"], command["name"]),
    ).fetchone()
    return None if row is None else int(row[0])


def _job(context: Context, command: Command) -> int | None:
    row = context.connection.execute(
        "SELECT id FROM mq_jobs WHERE namespace = ? AND name = ?",
        (command["namespace"], command["name"]),
    ).fetchone()
    return None if row is None else int(row[0])


def _delete_job(context: Context, command: Command) -> None:
    context.connection.execute(
        "UPDATE mq_jobs SET is_hidden = 1 WHERE id = ?", (_job(context, command),)
    )


def _tag_dataset(context: Context, command: Command) -> None:
    _tag(context, "mq_dataset_tags", "dataset", _dataset(context, command), command)


def _untag_dataset(context: Context, command: Command) -> None:
    context.connection.execute(
        "DELETE FROM mq_dataset_tags WHERE dataset = ? AND tag = ?",
        (_dataset(context, command), command["tag"]),
    )


def _tag_job(context: Context, command: Command) -> None:
    _tag(context, "mq_job_tags", "job", _job(context, command), command)


def _untag_job(context: Context, command: Command) -> None:
    context.connection.execute(
        "DELETE FROM mq_job_tags WHERE job = ? AND tag = ?",
        (_job(context, command), command["tag"]),
    )


def _tag(context: Context, table: str, column: str, row: int | None, command: Command) -> None:
    context.connection.execute("INSERT OR IGNORE INTO mq_tags (name) VALUES (?)", (command["tag"],))
    if row is not None:
        context.connection.execute(
            f"INSERT OR IGNORE INTO {table} ({column}, tag) VALUES (?, ?)", (row, command["tag"])
        )


def _tag_field(context: Context, command: Command) -> None:
    for field in _fields(context, command):
        _tag(context, "mq_field_tags", "field", field, command)
    _tag_frozen(context, command, is_set=True)


def _untag_field(context: Context, command: Command) -> None:
    for field in _fields(context, command):
        context.connection.execute(
            "DELETE FROM mq_field_tags WHERE field = ? AND tag = ?", (field, command["tag"])
        )
    _tag_frozen(context, command, is_set=False)


def _fields(context: Context, command: Command) -> list[int]:
    rows = context.connection.execute(
        "SELECT id FROM mq_fields WHERE dataset = ? AND name = ?",
        (_dataset(context, command), command["field"]),
    )
    return [row[0] for row in rows]


def _tag_frozen(context: Context, command: Command, *, is_set: bool) -> None:
    """Add a tag to, or remove it from, the fields that are frozen in the current version."""
    row = context.connection.execute(
        "SELECT v.id, v.fields FROM mq_datasets d"
        " JOIN mq_dataset_versions v ON v.id = d.current_version WHERE d.id = ?",
        (_dataset(context, command),),
    ).fetchone()
    if row is None:
        return
    fields = shared.load(context.connection, row[1])
    for field in fields:
        if field["name"] == command["field"]:
            others = [tag for tag in field["tags"] if tag != command["tag"]]
            field["tags"] = [*others, command["tag"]] if is_set else others
    context.connection.execute(
        "UPDATE mq_dataset_versions SET fields = ? WHERE id = ?",
        (shared.keep(context.connection, _encode(fields)), row[0]),
    )


_HANDLERS: Mapping[str, Callable[[Context, Command], None]] = {
    "put_namespace": _put_namespace,
    "delete_namespace": _delete_namespace,
    "put_source": _put_source,
    "put_tag": _put_tag,
    "delete_dataset": _delete_dataset,
    "delete_job": _delete_job,
    "tag_dataset": _tag_dataset,
    "untag_dataset": _untag_dataset,
    "tag_field": _tag_field,
    "untag_field": _untag_field,
    "tag_job": _tag_job,
    "untag_job": _untag_job,
    **legacy_commands.HANDLERS,
}
