"""The observer of requests: judges the days that are not as they were judged, and tells of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lineage_bridge.events import Event, EventView, decode, view_event
from lineage_bridge.graph.reduce import GRAPH
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.naming import drift_job
from lineage_bridge.observe import telling
from lineage_bridge.observe.requests.days import Day, days_due, keep_judged
from lineage_bridge.observe.requests.tables import REQUESTS
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.assess.checks.judge import Report


def observe_requests(
    journal: Journal, settings: Settings, progress: Callable[[int, int], None]
) -> int:
    """Judge the days of inference logs that are not judged yet; return how many events are new.

    Args:
        journal: of the home; what drifts was told before.
        settings: give the namespace, and what is expected of logs.
        progress: called with how many days are judged, of how many.

    Raises:
        SettingsError: the settings name a check that there is not.
        JournalError: the home cannot be read or written.
    """
    journal.prepare(REQUESTS)
    catch_up(journal, GRAPH)
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        due = list(days_due(connection, settings))
    appended = 0
    for number, day in enumerate(due):
        progress(number, len(due))
        appended += _judge(journal, settings, day)
    return appended


def _judge(journal: Journal, settings: Settings, day: Day) -> int:
    from lineage_bridge.observe.requests.finding import judge_day

    with journal.reading() as connection:
        report = judge_day(connection, settings, day)
        event = _due(connection, settings.namespace, day, report)
    appended = 0
    if event is not None:
        with journal.transaction() as tx:
            appended += tx.append(event, "artifact") is not None
    with journal.transaction() as tx:
        keep_judged(tx.connection, day)
    return appended


def _due(connection: sqlite3.Connection, namespace: str, day: Day, report: Report) -> Event | None:
    """Make the event, unless what stands says the same, or knew more requests."""
    from lineage_bridge.observe.requests.finding import finding_event, key_of, rows_known

    identities = Identities(connection, namespace)
    key = key_of(namespace, day)
    standing = telling.standing_of(connection, identities, key)
    if standing is None and identities.findings(key):
        return None  # it was told, and pruned since
    if standing is not None and rows_known(standing.view) > (report.version.rows or 0):
        return None
    drift = _newest_drift(connection, identities, day)
    return telling.due(identities, standing, partial(finding_event, namespace, day, report, drift))


def _newest_drift(
    connection: sqlite3.Connection, identities: Identities, day: Day
) -> EventView | None:
    """Return the newest finding on the drift of the same model version by the end of the day."""
    version = f"{day.answered.model}/{day.answered.version}"
    job = drift_job(day.answered.slot.inference_log)
    for told in reversed(identities.observed(job)):
        stored = read_event(connection, told.id) if told.time_us <= day.end_us else None
        view = None if stored is None else view_event(decode(stored.body))
        if view is not None and any(one.version == version for one in view.inputs[:1]):
            return view
    return None
