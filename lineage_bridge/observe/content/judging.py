"""The versions of a dataset, judged one after the other; what was judged before is not again.

A version's *chain* is a digest of all that it was judged by: its facts, the policy, and the chain
of the version before. So a new version is judged alone, and an older one that turns up, a file
that was changed and another policy lead to judging from there on.

Judging goes in passes of bounded time, each under a lease: events are appended first, and how the
versions came out is saved second. Killed in between, the next process judges the same again, and
the journal has these events already.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lineage_bridge import __version__
from lineage_bridge.assess.checks.judge import Course, Report
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import Event, EventView, decode, view_event
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.journal.lease import PASS_SECONDS, lease, patient
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.observe import telling
from lineage_bridge.observe.content.course import (
    Kept,
    course_of,
    encode_outcomes,
    kept_versions,
    policy_of,
)
from lineage_bridge.observe.content.finding import finding_event, key_of, versions_before
from lineage_bridge.observe.content.versions import Build, profile_of
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.profiles.profile import Profile

LEASE = "content"
WAIT_SECONDS = 600.0  # how long to wait for a process that has the lease and makes no progress


def judge_dataset(journal: Journal, settings: Settings, dataset: str) -> int:
    """Judge the versions of a dataset that are not judged yet; return how many events are new.

    Raises:
        SettingsError: the settings name a check that there is not.
        JournalError: the home cannot be read or written, or another process does not come to an
            end.
    """
    appended, is_done = 0, False
    while not is_done:
        with lease(journal.home, LEASE, wait=patient(WAIT_SECONDS)) as held:
            if not held:
                raise JournalError(
                    f"Another process judges what is in datasets of the home `{journal.home}` and "
                    "does not come to an end. Stop it, or try again later."
                )
            catch_up(journal, IDENTITIES)
            judging = _Pass(journal, settings, dataset)
            is_done = judging.work(time.monotonic() + PASS_SECONDS)
            appended += judging.save()
    return appended


class _Pass:
    """One pass over the versions of a dataset."""

    def __init__(self, journal: Journal, settings: Settings, dataset: str) -> None:
        self._journal = journal
        self._namespace = settings.namespace
        with journal.reading() as connection:
            self._kept = kept_versions(connection, dataset)
        self._events: list[Event] = []
        self._judged: list[tuple[str, str, bytes, bytes]] = []
        self._policy = policy_of(self._kept, settings) if self._kept else CheckPolicy()
        self._chains = _chains(self._kept, repr(self._policy))

    def work(self, deadline: float) -> bool:
        """Judge until the deadline, at least one version; return True at the end."""
        pairs = zip(self._kept, self._chains, strict=True)
        first = next((n for n, (kept, now) in enumerate(pairs) if kept.chain != now), None)
        if first is None:
            return True
        course = course_of(self._kept[:first], self._policy)
        builds = {kept.facts: kept.build for kept in self._kept}
        with self._journal.reading() as connection:
            course.recall_rows(lambda facts: _profile(connection, builds[facts]))
            for index in range(first, len(self._kept)):
                self._judge(connection, course, index)
                if time.monotonic() >= deadline:
                    return index == len(self._kept) - 1
        return True

    def save(self) -> int:
        """Append the events of the pass, then save how the versions came out; count the events."""
        appended = 0
        if self._events:
            with self._journal.transaction() as tx:
                for event in self._events:
                    appended += tx.append(event, "artifact") is not None
        if self._judged:
            with self._journal.transaction() as tx:
                tx.connection.executemany(
                    "INSERT OR REPLACE INTO content_findings VALUES (?, ?, ?, ?)", self._judged
                )
        return appended

    def _judge(self, connection: sqlite3.Connection, course: Course, index: int) -> None:
        build, facts = self._kept[index].build, self._kept[index].facts
        profile = _profile(connection, build)
        is_lost = profile is None and facts.unread is None
        lost = "its profile is not kept any more" if is_lost else facts.unread
        report = course.judge(replace(facts, profile=profile, unread=lost))
        if not is_lost and (event := self._due(connection, build, report, index)) is not None:
            self._events.append(event)
        outcomes = encode_outcomes(report.outcomes)
        self._judged.append((build.dataset, build.version, self._chains[index], outcomes))

    def _due(
        self, connection: sqlite3.Connection, build: Build, report: Report, before: int
    ) -> Event | None:
        """Make the event, unless what stands says the same, or knew more earlier versions."""
        identities = Identities(connection, self._namespace)
        standing = telling.standing_of(connection, identities, key_of(self._namespace, build))
        if standing is not None and versions_before(standing.view) > before:
            return None
        of_build = _build_event(connection, build)
        if of_build is None:  # it was pruned, and the version with it
            return None

        def make(supersedes: str | None) -> Event:
            return finding_event(self._namespace, build, report, before, of_build, supersedes)

        return telling.due(identities, standing, make)


def _profile(connection: sqlite3.Connection, build: Build) -> Profile | None:
    return profile_of(connection, build.dataset, build.version)


def _chains(versions: Sequence[Kept], policy: str) -> list[bytes]:
    chain = hashlib.sha256(f"{__version__} {policy}".encode()).digest()
    found = []
    for version in versions:
        said = f"{version.build.version} {version.build.built_us} ".encode()
        chain = hashlib.sha256(chain + said + version.encoded).digest()
        found.append(chain)
    return found


def _build_event(connection: sqlite3.Connection, build: Build) -> EventView | None:
    stored = read_event(connection, build.event)
    try:
        return None if stored is None else view_event(decode(stored.body))
    except EventError:
        return None
