"""One log, judged hour by hour, in passes of bounded time.

Each pass is made under a lease: events are appended first, and how far the log was judged is saved
second. Killed in between, the next process judges the same again, and the journal has it already.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from lineage_bridge.assess.drift.course import Course, CourseState, Judged, RowsOfHour, first_day
from lineage_bridge.assess.drift.facet import drift_facet
from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.facets.drift import DriftFacet
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.journal.lease import PASS_SECONDS, lease, patient
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.observe import telling
from lineage_bridge.observe.content import versions
from lineage_bridge.observe.drift.due import Due, digest_of, words_of
from lineage_bridge.observe.drift.finding import finding_event, hours_known, job_of, key_of
from lineage_bridge.observe.logs.hours import Hour, profile_of
from lineage_bridge.profiles.profile import Profile

LEASE: Final = "drift"
WAIT_SECONDS: Final = 600.0  # how long to wait for a process that has the lease

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CourseState).decode


def judge_log(journal: Journal, namespace: str, due: Due) -> Iterator[int]:
    """Judge the hours of a log; yield for each how many events are new since the one before.

    Args:
        journal: of the home.
        namespace: of our jobs.
        due: the log.

    Raises:
        JournalError: the home cannot be read or written, or another process does not come to an
            end.
    """
    with journal.reading() as connection:
        trained = due.trained
        reference = versions.profile_of(connection, trained.node, trained.version)
    if reference is None:  # it is read again with its dataset
        return
    judging = _Judging(journal, namespace, due, reference)
    while not judging.is_done:
        with lease(journal.home, LEASE, wait=patient(WAIT_SECONDS)) as held:
            if not held:
                raise JournalError(
                    f"Another process judges the drift of logs of the home `{journal.home}` and "
                    "does not come to an end. Stop it, or try again later."
                )
            catch_up(journal, IDENTITIES)
            hours = judging.work(time.monotonic() + PASS_SECONDS)
            appended = judging.save()
        yield from [appended, *([0] * (hours - 1))]


class _Judging:
    """The hours of one log, from the first that is not judged yet."""

    def __init__(self, journal: Journal, namespace: str, due: Due, reference: Profile) -> None:
        self._journal = journal
        self._namespace = namespace
        self._due = due
        self._next = due.done
        self._events: list[Event] = []
        state = CourseState() if due.state is None else _decode(due.state)
        self._course = Course(reference, due.policy, state, self._first_day)
        for begin_us, _ in due.hours[: due.done]:
            if self._course.is_recalled(begin_us, due.hours[due.done][0]):
                self._course.recall(self._rows(begin_us))

    @property
    def is_done(self) -> bool:
        """Whether all hours are judged."""
        return self._next >= len(self._due.hours)

    def work(self, deadline: float) -> int:
        """Judge until the deadline, at least one hour; return how many."""
        begun = self._next
        with self._journal.reading() as connection:
            identities = Identities(connection, self._namespace)
            times = {one.time_us for one in identities.observed(job_of(self._due.answered))}
        while not self.is_done:
            judged = self._course.judge(self._rows(self._due.hours[self._next][0]))
            self._next += 1
            # What stands at such an instant is judged again, whether it would be due or not.
            if judged.is_due or (judged.at_us in times and self._stands(judged.at_us)):
                self._tell(judged)
            if time.monotonic() >= deadline:
                break
        return self._next - begun

    def save(self) -> int:
        """Append the events of the pass, then save how far it came; count the events."""
        appended = 0
        if self._events:
            with self._journal.transaction() as tx:
                for event in self._events:
                    appended += tx.append(event, "artifact") is not None
            self._events = []
        done = self._due.hours[: self._next]
        row = (
            *words_of(self._due.answered),
            self._due.made_of,
            done[-1][0],
            digest_of(done),
            _encode(self._course.state),
        )
        with self._journal.transaction() as tx:
            tx.connection.execute(
                "INSERT OR REPLACE INTO drift_courses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row
            )
        return appended

    def _stands(self, at_us: int) -> bool:
        """Return whether an event stands for this version; one of another may have that instant."""
        key = key_of(self._namespace, self._due.answered, at_us)
        with self._journal.reading() as connection:
            identities = Identities(connection, self._namespace)
            return telling.standing_of(connection, identities, key) is not None

    def _tell(self, judged: Judged) -> None:
        due = self._due
        found = drift_facet(
            judged,
            self._course.reference,
            due.trained.name,
            due.trained.version,
            due.policy.of_each_look(),
            slot=due.answered.slot,
            model=due.answered.model,
            version=due.answered.version,
        )
        with self._journal.reading() as connection:
            event = self._event(connection, found, judged.at_us)
        if event is not None:
            self._events.append(event)

    def _event(self, connection: sqlite3.Connection, found: DriftFacet, at_us: int) -> Event | None:
        """Make the event, unless what stands says the same, or knew more hours."""
        due, identities = self._due, Identities(connection, self._namespace)
        key = key_of(self._namespace, due.answered, at_us)
        standing = telling.standing_of(connection, identities, key)
        if standing is not None and hours_known(standing.view) > found.hours_known:
            return None

        def make(supersedes: str | None) -> Event:
            return finding_event(self._namespace, due.answered, found, due.trained, supersedes)

        return telling.due(identities, standing, make)

    def _rows(self, begin_us: int) -> RowsOfHour:
        answered = self._due.answered
        hour = Hour(answered.slot, answered.model, answered.version, begin_us, 0)
        with self._journal.reading() as connection:
            return RowsOfHour(begin_us, profile_of(connection, hour))

    def _first_day(self) -> Profile | None:
        return first_day(self._rows(begin_us) for begin_us, _ in self._due.hours)
