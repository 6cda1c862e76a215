"""Events that our own collector refused, as dead letters: listed with those of a Marquez.

They cannot be sent again: their producer has to mend them.
"""

from __future__ import annotations

from contextlib import suppress

from lineage_bridge.cli.context import bring_up_to_date
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.collector.rows.refused import RefusedEvent, list_refused
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import as_object, decode
from lineage_bridge.journal import Journal
from lineage_bridge.journal.models import in_use
from lineage_bridge.settings import Settings
from lineage_bridge.share.dead_letters import DeadLetter
from lineage_bridge.times import format_time, from_micros

TARGET = "collector"


def refused_letters(journal: Journal, settings: Settings) -> list[DeadLetter]:
    """List the events that the collector refused, in order of arrival; `time` is the arrival."""
    with journal.reading() as connection:
        if not in_use(connection, [CollectorModel()]):
            return []
    with suppress(JournalError):  # a home that cannot be written answers as far as it is
        bring_up_to_date(journal, settings, "collector")
    with journal.reading() as connection:
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
        document = decode(body)
    except EventError:
        return ""
    # Shown even if a part of it is missing: that may be why it was refused.
    named = as_object(document.get("job") or document.get("dataset"))
    return f"{named.get('namespace')} {named.get('name')}" if named else ""
