"""Events that our own collector refused, as dead letters: listed with those of a Marquez.

They cannot be sent again: their producer has to mend them.
"""

from __future__ import annotations

from lineage_bridge.collector.model import CollectorModel
from lineage_bridge.collector.refused import RefusedEvent, list_refused
from lineage_bridge.errors import EventError
from lineage_bridge.events import decode
from lineage_bridge.journal import Journal
from lineage_bridge.journal.dead_letters import DeadLetter
from lineage_bridge.journal.forward_facts import job_of
from lineage_bridge.journal.models import in_use
from lineage_bridge.times import format_time, from_micros

TARGET = "collector"


def refused_letters(journal: Journal) -> list[DeadLetter]:
    """What the collector refused, in the order of arrival; `time` is when it came."""
    with journal.reading() as connection:
        if not in_use(connection, [CollectorModel()]):
            return []
        return [_letter(event) for event in reversed(list_refused(connection))]


def _letter(event: RefusedEvent) -> DeadLetter:
    return DeadLetter(
        id=str(event.seq),
        seq=event.seq,
        target=TARGET,
        job=_job(event.body),
        time=format_time(from_micros(event.received_us)),
        tries=1,
        status=event.status,
        answer=event.reason,
    )


def _job(body: bytes) -> str:
    try:
        return job_of(decode(body))
    except EventError:
        return ""
