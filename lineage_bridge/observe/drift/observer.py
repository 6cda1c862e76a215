"""The observer of drift: finds the logs that have hours to judge, and what each is held against.

Where nothing is new since the last time, no profile is read and numpy is not imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lineage_bridge.graph.reduce import GRAPH
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.observe.drift.due import list_due
from lineage_bridge.observe.drift.tables import DRIFT
from lineage_bridge.observe.logs.hours import list_answered
from lineage_bridge.settings import Settings


@dataclass(slots=True)
class Seen:
    """What a look at the drift of logs came to.

    Attributes:
        hours: how many were judged now.
        events: how many are new.
    """

    hours: int = 0
    events: int = 0


def observe_drift(
    journal: Journal, settings: Settings, progress: Callable[[int, int], None]
) -> Seen:
    """Judge the hours of inference logs that are not judged yet.

    Args:
        journal: of the home.
        settings: give the namespace and the limits.
        progress: called with how many hours are judged, of how many.

    Raises:
        JournalError: the home cannot be read or written.
    """
    seen = Seen()
    with journal.reading() as connection:
        answered = list_answered(connection)
    if not answered:
        return seen
    journal.prepare(DRIFT)
    catch_up(journal, GRAPH)
    with journal.reading() as connection:
        due = list(list_due(connection, settings, answered))
    if not due:
        return seen
    from lineage_bridge.observe.drift.judging import judge_log

    hours = sum(len(one.hours) - one.done for one in due)
    for one in due:
        for events in judge_log(journal, settings.namespace, one):
            seen.hours += 1
            seen.events += events
            progress(seen.hours, hours)
    return seen
