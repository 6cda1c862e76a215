"""Observing: after a backfill, whatever lies behind what was linked is read, judged and told.

A backfill says what there is and how it hangs together. This step opens datasets and logs
themselves. It is a function of its own, so whoever only wants the graph does not pay for it; where
nothing has changed since the last time, nothing is opened and nothing heavy is imported.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from lineage_bridge import __version__
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.observe.logs.hours import list_answered, mark_of_all
from lineage_bridge.observe.logs.observer import observe_logs
from lineage_bridge.observe.tables import records_generation
from lineage_bridge.records.build import SUBJECTS as BUILDS
from lineage_bridge.settings import Settings

Progress = Callable[[str, int, int | None], None]

_FACT = "observed content"
_DRIFT_FACT = "observed drift"


@dataclass(slots=True)
class Observed:
    """What was observed.

    Attributes:
        read: files that were read now, by their sort.
        events: events that were appended to the journal, by the sort of finding.
    """

    read: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)


def observe(
    journal: Journal,
    settings: Settings,
    *,
    progress: Progress | None = None,
    now: datetime,
) -> Observed:
    """Read and judge what is in the datasets of the builds that the journal tells of.

    Trainings are judged by what they report.

    Args:
        journal: of the home, after a backfill.
        settings: what is expected.
        progress: called with a step's name, how much is done, and of how much.
        now: the present; findings are timed by the data and not by it.

    Raises:
        SettingsError: the settings name a check that there is not.
        JournalError: the home cannot be read or written.
    """
    report = progress or (lambda *_: None)
    done = Observed()
    memory.prepare(journal, settings.namespace)
    _observe_content(journal, settings, report, done)
    _observe_logs(journal, settings, now, report, done)
    _observe_drift(journal, settings, report, done)
    return done


def _observe_logs(
    journal: Journal, settings: Settings, now: datetime, report: Progress, done: Observed
) -> None:
    with journal.reading() as connection:
        before = list_answered(connection)
    logs = observe_logs(journal, settings, now=now, report=lambda rows: report("logs", rows, None))
    done.read += Counter(log=logs.files)
    done.events += Counter(quality=logs.events)
    with journal.reading() as connection:
        has_new = list_answered(connection) != before
    if has_new:  # the runs that wrote them say so
        done.events += Counter(serving=backfill(journal, settings, {}).events)


class _State(msgspec.Struct):
    """What the content of datasets was last judged by.

    Attributes:
        seq: the last event of the journal at that time.
        generation: of the records.
        settings: a digest of the settings that judging depends on.
        told_twice: findings for which several events stand.
    """

    seq: int
    generation: int
    settings: str
    told_twice: int


def _observe_content(
    journal: Journal, settings: Settings, report: Progress, done: Observed
) -> None:
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        identities = Identities(connection, settings.namespace)
        now = _State(
            identities.last_seq(),
            records_generation(connection),
            _digest(settings),
            len(identities.told_twice()),
        )
        known = memory.load_fact(connection, _FACT)
        if known is not None and _holds(known, now, identities):
            return
        files = memory.files_of(connection, BUILDS)
    from lineage_bridge.observe.content.observer import observe_content
    from lineage_bridge.observe.trainings import observe_trainings

    seen = observe_content(
        journal, settings, files, lambda number, of: report("datasets", number, of)
    )
    done.read += Counter(dataset=seen.read)
    done.events += Counter(validation=seen.events + observe_trainings(journal, settings))
    if not seen.is_complete:  # what could not be read is tried again
        return
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        now.told_twice = len(Identities(connection, settings.namespace).told_twice())
    with journal.transaction() as tx:
        memory.keep_fact(tx.connection, _FACT, msgspec.json.encode(now).decode())


def _observe_drift(journal: Journal, settings: Settings, report: Progress, done: Observed) -> None:
    """Judge the logs; nothing is even looked up while neither the journal nor a log has news."""
    with journal.reading() as connection:
        logs = mark_of_all(connection)
        known = memory.load_fact(connection, _DRIFT_FACT)
    if logs is None or known == _drift_state(journal, settings, logs):
        return
    from lineage_bridge.observe.drift.observer import observe_drift
    from lineage_bridge.observe.requests.observer import observe_requests

    seen = observe_drift(journal, settings, lambda number, of: report("logs' hours", number, of))
    done.events += Counter(drift=seen.events)
    checked = observe_requests(journal, settings, lambda number, of: report("days", number, of))
    done.events += Counter(validation=checked)
    with journal.transaction() as tx:
        memory.keep_fact(tx.connection, _DRIFT_FACT, _drift_state(journal, settings, logs))


def _drift_state(journal: Journal, settings: Settings, logs: str) -> str:
    said = settings.model_dump(
        mode="json", include={"namespace": True, "policies": {"drift"}, "checks": True}
    )
    return hashlib.sha256(
        json.dumps([__version__, journal.last_seq(), said, logs]).encode()
    ).hexdigest()


def _holds(known: str, now: _State, identities: Identities) -> bool:
    try:
        before = msgspec.json.decode(known, type=_State)
    except msgspec.MsgspecError:  # of another version
        return False
    is_same = msgspec.structs.replace(before, seq=now.seq) == now
    return is_same and not identities.said_since(before.seq)


def _digest(settings: Settings) -> str:
    checks = settings.model_dump(mode="json", include={"namespace", "checks"})
    return hashlib.sha256(json.dumps([__version__, checks]).encode()).hexdigest()
