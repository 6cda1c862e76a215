"""The journal's model `identities`: what of our own events `link.identities` looks up.

For each event: the job, the run and the type that it stands for, how its datasets were linked, and
the subject and artifact of the record that it tells of. And which events no longer count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import orjson

from lineage_bridge.errors import EventError
from lineage_bridge.events import EventView, compute_id, decode, is_as_hashed, view_event
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.facets.report import ReportFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Stored
from lineage_bridge.naming import is_observer
from lineage_bridge.records.identity import links_said, source_of
from lineage_bridge.records.recall import recall
from lineage_bridge.records.words import artifact_key
from lineage_bridge.times import from_micros

_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity_events (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    job TEXT NOT NULL,
    run TEXT NOT NULL,
    type TEXT NOT NULL,              -- START, COMPLETE
    time_us INTEGER NOT NULL,
    observes INTEGER NOT NULL,       -- the job only looks at a dataset
    supersedes TEXT,                 -- the event whose place it takes
    content TEXT,                    -- the id that it would have if it superseded nothing
    links TEXT,                      -- its datasets and how each was linked; see `links_text`
    subject TEXT,                    -- of the record that it tells of; NULL: of none, or of another
    artifact TEXT,                   -- where that record was found, as JSON
    folder TEXT,                     -- name and version of the folder behind a start, as JSON
    seen TEXT                        -- what an observer saw of instances, as JSON; see `_seen`
);
CREATE INDEX IF NOT EXISTS identity_events_job ON identity_events (namespace, job, time_us);
CREATE INDEX IF NOT EXISTS identity_events_records ON identity_events (namespace)
    WHERE NOT observes;
CREATE INDEX IF NOT EXISTS identity_events_seen ON identity_events (namespace, job, time_us)
    WHERE seen IS NOT NULL;
CREATE TABLE IF NOT EXISTS identity_gone (
    id TEXT PRIMARY KEY,             -- of an event that no longer counts
    by TEXT NOT NULL                 -- the event that supersedes or withdraws it
) WITHOUT ROWID;
"""


class IdentitiesModel:
    """The journal's model `identities`."""

    name: str = "identities"
    version: int = 2
    schema: str = _SCHEMA
    tables: tuple[str, ...] = ("identity_events", "identity_gone")

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Take in events of ours, within the caller's transaction; others say no identities."""
        rows: list[_Row] = []
        gone: list[tuple[str, str]] = []
        for stored in events:
            if stored.id is None or stored.kind != "run":
                continue
            taken = _observation(stored) or _said(stored)
            if taken is None:
                continue
            own, row = taken
            taken_back = filter(None, {own.supersedes, *(own.withdraws or ())} - {stored.id})
            gone += [(event_id, stored.id) for event_id in taken_back]
            if not own.withdraws:
                rows.append(row)
        connection.executemany(
            f"INSERT OR IGNORE INTO identity_events VALUES ({', '.join('?' * 15)})",
            rows,
        )
        connection.executemany(
            "INSERT INTO identity_gone VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET by = max(by, excluded.by)",
            gone,
        )


IDENTITIES: Final = IdentitiesModel()


_Row = tuple[object, ...]


class _Job(msgspec.Struct):
    namespace: str
    name: str


class _Facets(msgspec.Struct):
    own: EventFacet = msgspec.field(name=EventFacet.key)
    report: msgspec.Raw | None = msgspec.field(name=ReportFacet.key, default=None)


class _Run(msgspec.Struct):
    id: str = msgspec.field(name="runId")
    facets: _Facets


class _Policy(msgspec.Struct, rename="camel"):
    stop_seconds: float


class _Health(msgspec.Struct, rename="camel"):
    model: str
    model_version: str
    policy: _Policy
    instances_running: int
    last_flush: datetime | None = None


class _InputFacets(msgspec.Struct):
    health: _Health | None = msgspec.field(name=ServingHealthFacet.key, default=None)


class _Input(msgspec.Struct):
    facets: _InputFacets | None = None


class _Head(msgspec.Struct):
    """What of an event tells what it is about, and which instances run."""

    job: _Job
    run: _Run
    type: str = msgspec.field(name="eventType")
    inputs: list[_Input] = []


_head = msgspec.json.Decoder(_Head).decode


def _observation(stored: Stored) -> tuple[EventFacet, _Row] | None:
    """Read an observer's event, of its finding only what ends runs; None of any other, or odd one.

    Most events are observers', and their findings are long.
    """
    try:
        head = _head(stored.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None
    job, run = head.job, head.run
    if not (is_observer(job.name) and job.namespace and run.id):
        return None
    if run.facets.report is not None:  # a record tells of it
        return None
    key = (stored.seq, stored.id, job.namespace, job.name, run.id, head.type.upper())
    own = run.facets.own
    nothing = (None,) * 5
    return own, (*key, stored.time_us, True, own.supersedes, *nothing, _seen(head.inputs))


def _seen(inputs: Sequence[_Input]) -> str | None:
    """Write what the finding says of instances: `[model, version, runs, flushed, stop_seconds]`."""
    found = (one.facets.health for one in inputs if one.facets is not None)
    health = next(filter(None, found), None)
    if health is None:
        return None
    said = (health.model, health.model_version, health.instances_running > 0, health.last_flush)
    return msgspec.json.encode((*said, health.policy.stop_seconds)).decode()


def _said(stored: Stored) -> tuple[EventFacet, _Row] | None:
    """Read any event of ours; None if it is broken, or another one's under an id of ours."""
    try:
        document = decode(stored.body)
    except EventError:
        return None
    view = view_event(document)
    own, job, run = view.own, view.job, view.run_id
    if own is None or job is None or run is None:
        return None
    key = (stored.seq, stored.id, *job, run, view.event_type, stored.time_us)
    if is_observer(job.name) and ReportFacet.key not in view.run_facets:
        return own, (*key, True, own.supersedes, *(None,) * 6)
    if not is_as_hashed(document):
        return None
    content = stored.id if own.supersedes is None else compute_id(document, None)
    said = (content, links_said(view), *_told_of(view, stored))
    return own, (*key, False, own.supersedes, *said, None)


def _told_of(view: EventView, stored: Stored) -> tuple[str | None, str | None, str | None]:
    """Return the columns `subject`, `artifact` and `folder`."""
    told = recall(view, from_micros(stored.time_us))
    if told is None:
        return None, None, None
    source = source_of(view)
    subject = told.record.subject if told.record is not None else ""
    folder = None
    if told.folder is not None:
        folder = orjson.dumps([told.folder.model.name, told.folder.model.version]).decode()
    return subject, artifact_key(source), folder
