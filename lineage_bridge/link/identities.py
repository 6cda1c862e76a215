"""What stands for what: a model of the journal, filled from our own events like every other model.

It has two things. Which event stands for a job, a run and an event type, and what that event says:
so an event is due only if it says something else. And which record each event tells of, by its
subject and its artifact: so records that no artifact at hand tells of are taken from the journal
(`records.recall`). Therefore a home whose artifacts are gone, one that imported the journal of
another, and one that read everything itself say the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
import orjson

from lineage_bridge.events import decode, view_event
from lineage_bridge.journal.models import read_reached
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.naming import INFERENCE_LOG, OBSERVE_PREDICTIONS, Logged, Slot, is_observer
from lineage_bridge.records import Publication, Record, Source
from lineage_bridge.records.build import SUBJECTS as BUILD_SUBJECTS
from lineage_bridge.records.ends import Seen
from lineage_bridge.records.recall import Recalled, recall
from lineage_bridge.records.training import SUBJECTS as TRAINING_SUBJECTS
from lineage_bridge.times import from_micros

_STANDING = "id NOT IN (SELECT id FROM identity_gone)"
_SEEN = f"""
SELECT job, time_us, seen FROM (
    SELECT job, time_us, seq, seen,
        lag(seen) OVER (PARTITION BY job ORDER BY time_us, seq) AS before
    FROM identity_events WHERE namespace = ? AND seen IS NOT NULL AND {_STANDING}
)
WHERE seen IS NOT before ORDER BY job, time_us, seq
"""
_decode_seen = msgspec.json.Decoder(tuple[str, str, bool, datetime | None, float]).decode


class Key(NamedTuple):
    """What an event is about: at most one event of ours stands for it."""

    job: str
    run: str
    type: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An event that stands: no other one supersedes or withdraws it.

    Attributes:
        is_record: whether it alone tells of a record; False of an event beside that, such as the
            START of a training; None of an event whose kind this version does not know.
    """

    key: Key
    time_us: int
    id: str
    content: str
    links: str
    is_record: bool | None


class SaidStart(NamedTuple):
    """A start of an instance of a deployment, as an event says it; `serves`: model and version."""

    namespace: str
    run_id: str
    slot: Slot
    serves: tuple[str, str]
    instance: str | None
    time: datetime


class SaidBuild(NamedTuple):
    """A build, as an event says it: its record's subject, and the artifact (`artifact_key`)."""

    subject: str
    artifact: str


class Observation(NamedTuple):
    """An observer's event that stands, and the event whose place it took."""

    time_us: int
    id: str
    supersedes: str | None


class Identities:
    """What the journal says, as of the events that the model has taken in."""

    def __init__(self, connection: sqlite3.Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        """That of the jobs whose events are looked up."""
        return self._namespace

    def standing(self) -> list[Standing]:
        """List the events that stand for builds, trainings, publications and starts."""
        rows = self._connection.execute(
            "SELECT job, run, type, time_us, id, content, links, subject FROM identity_events"
            f" WHERE namespace = ? AND NOT observes AND {_STANDING} ORDER BY seq",
            (self._namespace,),
        )
        return [
            Standing(Key(*key), time_us, event_id, content, links, _is_record(subject))
            for *key, time_us, event_id, content, links, subject in rows
        ]

    def observed(self, job: str, without: Collection[str] = ()) -> list[Observation]:
        """List an observer's events that stand, by time.

        Args:
            job: the observer.
            without: ids of events that count as if they were not in the journal.
        """
        rows = self._connection.execute(
            "SELECT time_us, e.id, supersedes, by FROM identity_events e"
            " LEFT JOIN identity_gone g ON g.id = e.id"
            " WHERE namespace = ? AND job = ? ORDER BY time_us, seq",
            (self._namespace, job),
        )
        return [
            Observation(time_us, event_id, supersedes)
            for time_us, event_id, supersedes, by in rows
            if event_id not in without and (by is None or by in without)
        ]

    def findings(self, key: Key) -> list[Observation]:
        """List the events of an observer that stand for a run of it, in the order of arrival.

        There are several if homes that did not know of each other told of it.
        """
        rows = self._connection.execute(
            "SELECT time_us, id, supersedes FROM identity_events"
            f" WHERE namespace = ? AND job = ? AND run = ? AND type = ? AND {_STANDING}"
            " ORDER BY seq",
            (self._namespace, *key),
        )
        return [Observation(*row) for row in rows]

    def finding(self, key: Key) -> Observation | None:
        """Return the latest of these events, None if there is none."""
        found = self.findings(key)
        return found[-1] if found else None

    def told_twice(self) -> list[Key]:
        """List what several events of observers stand for, but for those of deployments."""
        rows = self._connection.execute(
            "SELECT job, run, type FROM identity_events"
            " WHERE namespace = ? AND observes AND (job < ? OR job >= ?)"
            f" AND {_STANDING} GROUP BY job, run, type HAVING count(*) > 1",
            (self._namespace, OBSERVE_PREDICTIONS, f"{OBSERVE_PREDICTIONS[:-1]}/"),
        )
        return [Key(*row) for row in rows]

    def observed_in_runs(self, job: str) -> dict[str, Observation]:
        """Return an observer's events that stand, by their runs; of several the newest."""
        rows = self._connection.execute(
            "SELECT run, time_us, id, supersedes FROM identity_events"
            f" WHERE namespace = ? AND job = ? AND {_STANDING} ORDER BY seq",
            (self._namespace, job),
        )
        return {run: Observation(*observation) for run, *observation in rows}

    def builds(self) -> dict[str, SaidBuild]:
        """Return the builds that events say that stand, by the event's id."""
        rows = self._connection.execute(
            "SELECT id, subject, artifact FROM identity_events"
            f" WHERE namespace = ? AND NOT observes AND subject LIKE ? AND {_STANDING}",
            (self._namespace, f"{BUILD_SUBJECTS}%"),
        )
        return {event_id: SaidBuild(*said) for event_id, *said in rows}

    def trainings(self) -> list[str]:
        """List the events that stand for trainings, the latest last."""
        rows = self._connection.execute(
            "SELECT id FROM identity_events"
            f" WHERE namespace = ? AND NOT observes AND subject LIKE ? AND {_STANDING}"
            " ORDER BY seq",
            (self._namespace, f"{TRAINING_SUBJECTS}%"),
        )
        return [event_id for (event_id,) in rows]

    def observers(self) -> set[str]:
        """Return the jobs of which there are observers' events."""
        rows = self._connection.execute(
            "SELECT DISTINCT job FROM identity_events WHERE namespace = ?", (self._namespace,)
        )
        return {job for (job,) in rows if is_observer(job)}

    def seen(self) -> dict[str, list[Seen]]:
        """Return what observers found of instances, by their job and time; what is new each time.

        Only of deployments of which all instances shut down some time: no other runs end by that.
        """
        rows = self._connection.execute(_SEEN, (self._namespace,))
        found: dict[str, list[Seen]] = {}
        for job, time_us, text in rows:
            model, version, runs, flushed, stop_seconds = _decode_seen(text)
            one = Seen(from_micros(time_us), (model, version), runs, flushed, stop_seconds)
            found.setdefault(job, []).append(one)
        return {job: of_job for job, of_job in found.items() if not all(s.runs for s in of_job)}

    def has_seen_since(self, seq: int) -> bool:
        """Return whether observers have found anything of instances after an event."""
        row = self._connection.execute(
            "SELECT 1 FROM identity_events WHERE seq > ? AND seen IS NOT NULL LIMIT 1", (seq,)
        ).fetchone()
        return row is not None

    def gone_by(self, event_id: str) -> str | None:
        """Return the event by which an event no longer counts; None if it counts, or never came."""
        query = "SELECT by FROM identity_gone WHERE id = ?"
        row = self._connection.execute(query, (event_id,)).fetchone()
        return None if row is None else row[0]

    def gone(self) -> dict[str, str]:
        """Return the events that no longer count, each with the one that says so."""
        return dict(self._connection.execute("SELECT id, by FROM identity_gone"))

    def last_seq(self) -> int:
        """Return the number of the last event that the model has taken in."""
        reached = read_reached(self._connection, IDENTITIES)
        return 0 if reached is None else reached.seq

    def said_since(self, seq: int) -> set[str]:
        """Return the ids of the events about records that came after an event."""
        rows = self._connection.execute(
            "SELECT id FROM identity_events WHERE seq > ? AND NOT observes", (seq,)
        )
        return {event_id for (event_id,) in rows}

    def starts(self) -> list[SaidStart]:
        """List the starts that stand."""
        return [s for s in list_starts(self._connection) if s.namespace == self._namespace]

    def logged(self) -> set[Logged]:
        """Return what served, by the starts that stand and name an inference log."""
        found = set()
        rows = self._connection.execute(
            "SELECT subject FROM identity_events WHERE namespace = ? AND NOT observes"
            f" AND type = 'START' AND subject > '' AND links LIKE ? AND {_STANDING}",
            (self._namespace, f'%"{INFERENCE_LOG}%'),
        )
        for (subject,) in rows:
            kind, *words = orjson.loads(subject)
            if kind == "start":
                *slot, _, model, version, _ = words
                found.add((Slot(*slot), model, version))
        return found

    def recalled(
        self, at_hand: Sequence[Record], retracted: Container[tuple[str, str]]
    ) -> list[Record]:
        """Return the records that the journal tells of, and no artifact at hand.

        Args:
            at_hand: the records of all artifacts at hand.
            retracted: subjects and artifacts that say something else by now.
        """
        found: list[Record] = []
        for seq, wants_record, wants_folder in self._wanted(at_hand, retracted):
            told = self._recall(seq)
            if told is None:
                continue
            if wants_record and told.record is not None:
                found.append(told.record)
            if wants_folder and told.folder is not None:
                found.append(told.folder)
        return found

    def _wanted(
        self, at_hand: Sequence[Record], retracted: Container[tuple[str, str]]
    ) -> Iterator[tuple[int, bool, bool]]:
        sources: dict[str, list[Source]] = {}
        folders: set[tuple[str, str]] = set()
        for record in at_hand:
            sources.setdefault(record.subject, []).append(record.source)
            if isinstance(record, Publication):
                folders.update((record.model.name, version) for version in record.versions)
        rows = self._connection.execute(
            "SELECT seq, subject, artifact, folder FROM identity_events"
            f" WHERE namespace = ? AND NOT observes AND subject > '' AND {_STANDING} ORDER BY seq",
            (self._namespace,),
        ).fetchall()
        for seq, subject, artifact, folder in rows:
            is_at_hand = subject in sources and _is_of_one_place(artifact, sources[subject])
            wants_record = not is_at_hand and (subject, artifact) not in retracted
            wants_folder = folder is not None and tuple(orjson.loads(folder)) not in folders
            if wants_record or wants_folder:
                yield seq, wants_record, wants_folder

    def _recall(self, seq: int) -> Recalled | None:
        row = self._connection.execute(
            "SELECT body, time_us FROM events WHERE seq = ?", (seq,)
        ).fetchone()
        if row is None:  # pruned
            return None
        return recall(view_event(decode(row[0])), from_micros(row[1]))


def _is_record(subject: str | None) -> bool | None:
    return None if subject is None else subject != ""


def only_namespace(connection: sqlite3.Connection) -> str | None:
    """Return the namespace of all records that the journal tells of, None if it has several."""
    rows = connection.execute("SELECT DISTINCT namespace FROM identity_events WHERE NOT observes")
    found = rows.fetchall()
    return found[0][0] if len(found) == 1 else None


def list_starts(connection: sqlite3.Connection) -> Iterator[SaidStart]:
    """Yield the starts of all namespaces that stand."""
    rows = connection.execute(
        "SELECT namespace, run, subject, time_us FROM identity_events"
        f" WHERE NOT observes AND type = 'START' AND subject > '' AND {_STANDING}"
    )
    for namespace, run_id, subject, time_us in rows:
        kind, *words = orjson.loads(subject)
        if kind == "start":
            *slot, instance, model, version, _ = words
            time = from_micros(time_us)
            yield SaidStart(namespace, run_id, Slot(*slot), (model, version), instance, time)


def _is_of_one_place(artifact: str, sources: Sequence[Source]) -> bool:
    # The same bytes in another place may say less, such as a bundle that lost its companions: so
    # both are compared where they are linked.
    shown, _, line = orjson.loads(artifact)
    return any((source.shown, source.line) == (shown, line) for source in sources)
