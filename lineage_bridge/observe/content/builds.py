"""The builds that the journal tells of: whatever says otherwise now is noted, and what is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator

from lineage_bridge.errors import EventError
from lineage_bridge.events import Event, decode, view_event, withdrawal
from lineage_bridge.journal import Journal
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.identities import Identities, SaidBuild
from lineage_bridge.naming import dataset_id
from lineage_bridge.observe import telling
from lineage_bridge.observe.content.finding import key_of
from lineage_bridge.observe.content.versions import Build, list_builds
from lineage_bridge.times import from_micros

AT_ONCE = 1_000  # builds that are noted in one transaction
_SAID = Build._fields[: Build._fields.index("path")]  # by the event; the rest is read of the file


def note_builds(journal: Journal, namespace: str) -> None:
    """Bring the builds that are known up to date with the events that stand for them.

    What was read of a version stays with it, whichever event tells of it. One whose event was
    pruned is still a version that later ones are compared with.

    Raises:
        JournalError: the journal cannot be read or written.
    """
    with journal.reading() as connection:
        said = Identities(connection, namespace).builds()
        known = {event for (event,) in connection.execute("SELECT event FROM content_versions")}
        new = list(_built(connection, said, said.keys() - known))
        gone = sorted(_taken_back(connection, known - said.keys()))
    for begin in range(0, len(new), AT_ONCE):
        with journal.transaction() as tx:
            _note(tx.connection, new[begin : begin + AT_ONCE])
    for begin in range(0, len(gone), AT_ONCE):
        _take_back(journal, namespace, gone[begin : begin + AT_ONCE])


def _taken_back(connection: sqlite3.Connection, ids: Iterable[str]) -> Iterator[str]:
    """Yield those of these events that were not pruned: they are superseded or withdrawn."""
    for event_id in ids:
        query = "SELECT 1 FROM pruned_ids WHERE id = ?"
        if connection.execute(query, (event_id,)).fetchone() is None:
            yield event_id


def _built(
    connection: sqlite3.Connection, said: dict[str, SaidBuild], ids: Iterable[str]
) -> Iterator[Build]:
    """Yield what events build; of two that build one version, the later one counts."""
    stored = (read_event(connection, event_id) for event_id in ids)
    for event in sorted(filter(None, stored), key=lambda event: event.seq):
        assert event.id is not None  # it was found by it
        try:
            view = view_event(decode(event.body))
        except EventError:
            continue
        for dataset in view.outputs[:1]:
            node = dataset_id(*dataset.name)
            subject, artifact = said[event.id]
            version = dataset.version or ""
            yield Build(node, version, *dataset.name, event.time_us, event.id, subject, artifact)


def _note(connection: sqlite3.Connection, builds: Iterable[Build]) -> None:
    names, values = ", ".join(_SAID), ", ".join("?" * len(_SAID))
    changed = ", ".join(f"{name} = excluded.{name}" for name in _SAID)
    connection.executemany(
        f"INSERT INTO content_versions ({names}) VALUES ({values})"
        f" ON CONFLICT (dataset, version) DO UPDATE SET {changed}",
        [build[: len(_SAID)] for build in builds],
    )


def _take_back(journal: Journal, namespace: str, events: Collection[str]) -> None:
    """Withdraw what was found in versions for which only these events stood, and forget them.

    Such a version was never built: by now its build is said to be one of another dataset.
    """
    with journal.reading() as connection:
        builds = [build for build in list_builds(connection) if build.event in events]
        withdrawn = list(_withdrawals(connection, namespace, builds))
    with journal.transaction() as tx:
        for event in withdrawn:
            tx.append(event, "artifact")
    with journal.transaction() as tx:
        rows = [(build.dataset, build.version) for build in builds]
        for table in ("content_findings", "content_versions"):
            tx.connection.executemany(
                f"DELETE FROM {table} WHERE dataset = ? AND version = ?", rows
            )


def _withdrawals(
    connection: sqlite3.Connection, namespace: str, builds: Iterable[Build]
) -> Iterator[Event]:
    identities = Identities(connection, namespace)
    for build in builds:
        standing = telling.standing_of(connection, identities, key_of(namespace, build))
        if standing is not None:
            yield withdrawal(standing.view, from_micros(standing.time_us))
