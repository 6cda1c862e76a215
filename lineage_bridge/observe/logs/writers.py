"""Who wrote a log of which no start is known: an event of the serving job says it.

Where a start is known, its own events name the log among what they write, and this event is
withdrawn. It is no start of an instance: it tells that a version answered, and not since when.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import partial

from lineage_bridge.errors import NamingError
from lineage_bridge.events import Event, Evidence, decode, run_event, view_event, withdrawal
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.identities import Identities, Key
from lineage_bridge.naming import model_dataset, run_uuid
from lineage_bridge.observe.logs.hours import Answered, first_hours
from lineage_bridge.observe.telling import due, standing_of
from lineage_bridge.records.identity import DatasetVersion, Link
from lineage_bridge.records.start import serving_job
from lineage_bridge.times import from_micros


def writers_due(connection: sqlite3.Connection, identities: Identities) -> Iterator[Event]:
    """Yield the events about logs without a start that are not said yet, or no longer true.

    Args:
        connection: on the journal's database.
        identities: of the same database, caught up.
    """
    started = {(start.slot, *start.serves) for start in identities.starts()}
    for answered, begin_us in first_hours(connection):
        key = _key(identities.namespace, answered)
        found = next(reversed(identities.findings(key)), None)
        if tuple(answered) not in started:
            if found is not None and found.time_us < begin_us:
                continue  # who said it knew older rows
            standing = standing_of(connection, identities, key)
            make = partial(writer_event, identities.namespace, answered, begin_us)
            if (event := due(identities, standing, make)) is not None:
                yield event
        elif found is not None:
            stored = read_event(connection, found.id)
            if stored is not None:
                view = view_event(decode(stored.body))
                yield withdrawal(view, from_micros(stored.time_us))


def writer_event(
    namespace: str, answered: Answered, begin_us: int, supersedes: str | None = None
) -> Event:
    """Make the event: the model's version is read, the log is written.

    Args:
        namespace: of the job.
        answered: what answered.
        begin_us: when its first hour begins, microseconds since 1970.
        supersedes: the id of the event that it replaces.
    """
    slot, link = answered.slot, Link("rows", 1.0, "the rows of the log name what answered")
    log = DatasetVersion(
        namespace, slot.inference_log, f"{answered.model}/{answered.version}", link
    )
    model = _model(namespace, answered, link)
    links = [*(one.as_link("input") for one in model), log.as_link("output")]
    return run_event(
        "COMPLETE",
        from_micros(begin_us),
        serving_job(namespace, slot),
        _key(namespace, answered).run,
        inputs=[one.as_dataset() for one in model],
        outputs=[log.as_dataset()],
        evidence=Evidence(links=links),
        supersedes=supersedes,
    )


def _model(namespace: str, answered: Answered, link: Link) -> list[DatasetVersion]:
    try:
        name = model_dataset(answered.model)
    except NamingError:
        return []
    return [DatasetVersion(namespace, name, answered.version, link)]


def _key(namespace: str, answered: Answered) -> Key:
    job = answered.slot.job
    words = json.dumps(["log", answered.model, answered.version])
    return Key(job, run_uuid(namespace, job, words), "COMPLETE")
