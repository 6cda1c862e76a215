"""Give the deployments of an older home their names of today.

Events never change, so every event that stands under a former name is appended once more under
today's, superseding the old one: the graph then knows the new name alone. It works from the journal
alone, so it does the same for events that are imported later, in a home that never saw their
artifacts.

It may be killed at any time and run by several processes: ids are hashes of what is said, so doing
it again appends nothing, and a home keeps the number of the event up to which it is done. Where
nothing new was appended, that costs one query.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lineage_bridge.care.former import Renamed, renamed, seems_former
from lineage_bridge.care.rename_memory import follow
from lineage_bridge.care.told import OURS, Told
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import Event, decode, supersedes_of
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import Room, has_table, statements
from lineage_bridge.journal.store import Origin

CARE = Room(
    "care",
    (
        statements(
            "names of deployments",
            """CREATE TABLE renamed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL          -- up to this event no former name stands
)""",
        ),
    ),
)
WAIT_SECONDS = 3600.0  # how long to wait for another process that renames a large home
BATCH = 500

Progress = Callable[[int, int], None]

# Observers' events that name their deployment in the finding are written under today's names.
_MAY_BE_FORMER = f"""{OURS} AND (
    instr(body, '"{DeploymentFacet.key}"')
    OR (instr(body, '"{ServingHealthFacet.key}"') AND NOT instr(body, '"service":'))
)"""


@dataclass(frozen=True, slots=True)
class _Found:
    """An event that may have a former name."""

    seq: int
    time_us: int
    id: str
    origin: Origin
    body: bytes


def is_due(journal: Journal) -> bool:
    """Return whether events came since names were looked at last."""
    with journal.reading() as connection:
        return _reached(connection) < _last(connection)


def rename(journal: Journal, progress: Progress | None = None) -> int:
    """Bring every event that stands under a former name under today's; return how many it appended.

    Args:
        journal: open for writing.
        progress: called with how many events were looked at, of how many.

    Raises:
        JournalError: the journal cannot be written, or another process renames for too long.
    """
    if not is_due(journal):
        return 0
    journal.prepare(CARE)
    appended = 0
    while True:
        with journal.reading() as connection:
            reached, until = _reached(connection), _last(connection)
        new = 0
        if any(_is_former(found) for found in _by_time(journal, reached, until)):
            new = _rename_alone(journal, reached, until, progress or (lambda *_: None))
        appended += new
        if _keep_reached(journal, until, new):
            return appended


def _rename_alone(journal: Journal, after: int, until: int, progress: Progress) -> int:
    with lease(journal.home, "rename", wait=patient(WAIT_SECONDS)) as held:
        if not held:
            raise JournalError(
                f"Another process renames what the home `{journal.home}` holds, and does not come "
                "to an end. Stop it, or try again later."
            )
        with Told(journal, until) as told:
            appended = _Run(journal, told).go(after, until, progress)
            follow(journal, told)
    return appended


class _Run:
    """Appends events under today's names, in the order of event time."""

    def __init__(self, journal: Journal, told: Told) -> None:
        self._journal = journal
        self._told = told

    def go(self, after: int, until: int, progress: Progress) -> int:
        """Rename the events between two numbers; return how many were appended."""
        total = _count(self._journal, after, until)
        appended = done = 0
        for some in _batches(_by_time(self._journal, after, until)):
            events = [item for found in some for item in self._anew(found)]
            if events:
                with self._journal.transaction() as tx:
                    appended += sum(
                        tx.append(event, origin) is not None for event, origin in events
                    )
            done += len(some)
            progress(done, total)
        return appended

    def _anew(self, found: _Found) -> Iterator[tuple[Event, Origin]]:
        if self._told.superseding(found.id):
            return
        document = decode(found.body)
        before = supersedes_of(document)
        content = renamed(document, self._told)
        if content is None:
            return
        yield content.superseding(found.id, found.time_us), found.origin
        # It may take the place of an event that was renamed before this one came.
        for event_id in self._left_of(before):
            yield content.superseding(event_id, found.time_us), found.origin

    def _left_of(self, before: str | None) -> list[str]:
        """List what still stands under today's names of the events that an event takes over."""
        said: set[str] = set()
        behind: list[str] = []
        while before is not None:
            content = self._renamed(before)
            if content is None:
                break
            said.add(content.id_superseding(None))
            behind += self._told.superseding(before)
            before = self._before(before)
        left, seen = [], set(behind)
        while behind:
            event_id = behind.pop()
            if not self._says_one_of(event_id, said):
                continue
            after = self._told.superseding(event_id)
            if not after:
                left.append(event_id)
            behind += [new for new in after if new not in seen]
            seen.update(after)
        return sorted(left)

    def _renamed(self, event_id: str) -> Renamed | None:
        body = _body(self._journal, event_id)
        return None if body is None else renamed(decode(body), self._told)

    def _before(self, event_id: str) -> str | None:
        body = _body(self._journal, event_id)
        return None if body is None else supersedes_of(decode(body))

    def _says_one_of(self, event_id: str, said: set[str]) -> bool:
        body = _body(self._journal, event_id)
        if body is None:
            return False
        document = decode(body)
        run_id = str(document["run"]["runId"])
        return Renamed(run_id, run_id, document).id_superseding(None) in said


def _body(journal: Journal, event_id: str) -> bytes | None:
    with journal.reading() as connection:
        row = connection.execute(
            f"SELECT body FROM events WHERE id = ? AND {OURS}", (event_id,)
        ).fetchone()
    return None if row is None else row[0]


def _is_former(found: _Found) -> bool:
    try:
        return seems_former(decode(found.body))
    except EventError:
        return False


def _by_time(journal: Journal, after: int, until: int) -> Iterator[_Found]:
    """Read the events between two numbers that may have a former name, by time, a few at once."""
    time_us, seq = -(1 << 63), 0
    while True:
        with journal.reading() as connection:
            rows = connection.execute(
                "SELECT seq, time_us, id, origin, body FROM events"
                f" WHERE kind = 'run' AND (time_us, seq) > (?, ?) AND seq > ? AND seq <= ?"
                f" AND {_MAY_BE_FORMER} ORDER BY time_us, seq LIMIT ?",
                (time_us, seq, after, until, BATCH),
            ).fetchall()
        yield from (_Found(*row) for row in rows)
        if len(rows) < BATCH:
            return
        seq, time_us = rows[-1][:2]


def _batches(found: Iterator[_Found]) -> Iterator[Sequence[_Found]]:
    some: list[_Found] = []
    for item in found:
        some.append(item)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some


def _count(journal: Journal, after: int, until: int) -> int:
    with journal.reading() as connection:
        (count,) = connection.execute(
            f"SELECT count(*) FROM events WHERE seq > ? AND seq <= ? AND {_MAY_BE_FORMER}",
            (after, until),
        ).fetchone()
    return int(count)


def _keep_reached(journal: Journal, until: int, appended: int) -> bool:
    """Save how far names are those of today; return False if others appended events meanwhile."""
    with journal.transaction() as tx:
        last = _last(tx.connection)
        is_all = last == until + appended  # what was appended has today's names
        tx.connection.execute(
            "INSERT INTO renamed VALUES (1, ?) ON CONFLICT DO UPDATE SET seq = max(seq, ?)",
            (last if is_all else until,) * 2,
        )
    return is_all


def _reached(connection: sqlite3.Connection) -> int:
    if not has_table(connection, "renamed"):
        return 0
    row = connection.execute("SELECT seq FROM renamed").fetchone()
    return 0 if row is None else int(row[0])


def _last(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
