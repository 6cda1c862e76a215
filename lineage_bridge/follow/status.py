"""How far a home follows each Marquez, and how complete that is; this module only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.store import Journal
from lineage_bridge.link.gaps import Gap
from lineage_bridge.masking import public_url
from lineage_bridge.times import format_time, from_micros

_AS_KEPT = ("url", "appended", "recognised", "unreadable", "gone", "counted", "problem")
_TIMES = {  # as they are called here, and in the table, there in microseconds
    "audited": "audited_us",
    "newest": "newest_us",
    "complete_since": "oldest_us",
    "problem_since": "problem_us",
}


@dataclass(frozen=True, slots=True)
class SourceState:
    """One Marquez that is followed.

    Attributes:
        url: without user and password.
        appended: events of others that came from there.
        recognised: events from there that the journal had already.
        unreadable: events that the journal cannot hold.
        gone: events that it no longer has; their rows stay in the journal.
        counted: how many it counted at the last audit, those sent twice and those that it does not
            list among them.
        audited: when the last audit began: all that it had then is in the journal.
        newest: the latest event time that came from there.
        complete_since: the earliest event time that it still has, if events are gone: before that
            the shared graph is not complete.
        problem: why following does not go on, or None.
        problem_since: since when.
    """

    url: str
    appended: int = 0
    recognised: int = 0
    unreadable: int = 0
    gone: int = 0
    counted: int | None = None
    audited: str | None = None
    newest: str | None = None
    complete_since: str | None = None
    problem: str | None = None
    problem_since: str | None = None


def list_sources(journal: Journal) -> list[SourceState]:
    """List every Marquez that was followed."""
    with journal.reading() as connection:
        if not has_table(connection, "follow_sources"):
            return []
        rows = connection.execute(
            f"SELECT {', '.join((*_AS_KEPT, *_TIMES.values()))} FROM follow_sources ORDER BY url"
        ).fetchall()
    return [_state(row) for row in rows]


def state_of(journal: Journal, url: str) -> SourceState:
    """Return the state of the Marquez at a URL, also if it was never followed."""
    name = public_url(url)
    return next((s for s in list_sources(journal) if s.url == name), SourceState(name))


def shared_graph(journal: Journal) -> Iterator[Gap]:
    """Yield what there is to know of the graph that is shared, one note for each Marquez."""
    for state in list_sources(journal):
        told = list(_told(state))
        if told:
            yield Gap("shared_graph", f"Marquez at {state.url}: {'; '.join(told)}")


def _told(state: SourceState) -> Iterator[str]:
    if state.gone:
        yield (
            f"it no longer has {state.gone:,} of its events, which stay here; what it shows is "
            f"complete since {state.complete_since or 'now, as it is empty'}"
        )
    if state.unreadable:
        yield f"{state.unreadable:,} of its events could not be taken, the log says why"
    if state.problem is not None:
        yield f"nothing comes from there since {state.problem_since}: {state.problem}"
    if state.audited is None:
        yield "it was not read to its end yet"


def _state(row: Sequence[Any]) -> SourceState:
    kept = dict(zip(_AS_KEPT, row, strict=False))
    times = {
        name: None if micros is None else format_time(from_micros(micros))
        for name, micros in zip(_TIMES, row[len(_AS_KEPT) :], strict=True)
    }
    if not kept["gone"]:
        del times["complete_since"]
    return SourceState(**{**kept, **times, "url": public_url(kept["url"])})
