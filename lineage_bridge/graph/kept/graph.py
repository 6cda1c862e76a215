"""One home's graph in memory: loaded once, then kept up to date.

Loading the graph takes seconds once a home has a hundred thousand runs. Every page and every scrape
asks for it, while between two questions only a few events came in. So a process loads it once; from
then on it reads only what the new rows of the graph's tables touch, and makes only that anew.
"""

from __future__ import annotations

import gc
import sqlite3
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.graph.kept.marks import (
    Changes,
    Mark,
    has_events_between,
    is_ahead,
    read_changes,
    read_mark,
)
from lineage_bridge.graph.kept.places import Places
from lineage_bridge.graph.kept.rows import KeptRows
from lineage_bridge.graph.kept.steps import Kept, Step
from lineage_bridge.graph.kept.symlinks import symlinks_after
from lineage_bridge.graph.load import Loader, load, no_collection
from lineage_bridge.graph.model import Graph, Node
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.graph.rows import Bounds, Rows
from lineage_bridge.journal import Journal
from lineage_bridge.times import to_micros

# Following one event takes as long as loading six: if too many are new, the graph is loaded anew.
EVENTS_FOR_ONE = 6
ALWAYS_FOLLOWED = 100
LARGE = 1000  # runs or versions of a node, or nodes, runs and versions of a graph


@dataclass(frozen=True, slots=True)
class _State:
    """The graph as of the newest instant that was asked for, up to a mark."""

    mark: Mark
    graph: Graph
    kept: Kept

    @property
    def at(self) -> datetime:
        """The instant."""
        assert self.graph.at is not None
        return self.graph.at


class KeptGraph:
    """One home's graph in memory, brought up to date by sequence number. Threads may share it.

    It holds one graph, that of the newest instant that was asked for. Beside it, it holds only what
    the graph does not tell: for each facet, which event told it (`places`), so that a late event
    does not undo a later one; and the facts of a thousand runs that had events lately (`runs`), so
    that the next event of a run that never ends does not read all the others again. Together that
    is a few percent of the graph.

    Two answers share every node that is equal in them. So a caller may remember what it computed
    from a node, and use it again while it is given the same object.

    Args:
        journal: open for as long as the graph is asked for.
        keys: only facets of these keys; None for all.
    """

    def __init__(self, journal: Journal, *, keys: Collection[str] | None = None) -> None:
        self._journal = journal
        self._keys = None if keys is None else frozenset(keys)
        self._lock = threading.Lock()
        self._state: _State | None = None

    def at(self, instant: datetime) -> tuple[Graph, int]:
        """The graph as of an instant, and the journal's sequence number that it contains.

        The graph equals the one that `load` gives. If an event happened between this instant and a
        later one that was asked for before, the graph is loaded for this answer alone.

        Raises:
            JournalError: the journal cannot be read, or the graph's tables cannot be written.
        """
        reduce(self._journal)
        with self._lock, self._journal.reading() as connection:
            state = self._state = self._brought_up(connection, instant)
            return self._answer(connection, state, instant), state.mark.seq

    def _brought_up(self, connection: sqlite3.Connection, instant: datetime) -> _State:
        """The state with all that is in the tables now, at this instant or a later one."""
        state, self._state = self._state, None  # an error half-way leaves nothing behind
        now = read_mark(connection, self._journal.epoch)
        if state is not None and is_ahead(connection, state.mark, now):
            instant = max(instant, state.at)
            limit = max(ALWAYS_FOLLOWED, now.event // EVENTS_FOR_ONE)
            times = to_micros(state.at), to_micros(instant)
            changes = read_changes(connection, state.mark, *times, limit)
            if changes is not None and self._follow(connection, state.kept, changes, instant):
                return _followed(state, now, instant)
        del state  # it goes before another one is made: there is no room for two
        return self._loaded(connection, now, instant)

    def _follow(
        self, connection: sqlite3.Connection, kept: Kept, changes: Changes, instant: datetime
    ) -> bool:
        """Bring what is kept up to date; False if it must be loaded anew."""
        if not any(changes):
            return True
        bounds = self._bounds(instant)
        symlinks = symlinks_after(connection, kept, changes, bounds)
        if symlinks is None:
            return False
        kept.symlinks = symlinks
        Step(kept, KeptRows(connection, bounds, symlinks)).take(changes)
        return True

    def _loaded(self, connection: sqlite3.Connection, now: Mark, instant: datetime) -> _State:
        with no_collection():
            rows = Rows(connection, self._bounds(instant))
            loader = Loader(rows)
            nodes = loader.nodes()
            places = Places()
            places.fill(nodes, loader.of_nodes, loader.of_versions)
            kept = Kept(nodes, loader.looks, places, rows.symlinks)
            state = _State(now, Graph(instant, nodes), kept)
        if _prepare(nodes.values()) > LARGE:
            # The graph stays for as long as the process runs. If Python looked for garbage in it,
            # an answer would wait half a second for that.
            gc.freeze()
        return state

    def _bounds(self, instant: datetime) -> Bounds:
        return Bounds.of(instant, None, self._keys)

    def _answer(self, connection: sqlite3.Connection, state: _State, instant: datetime) -> Graph:
        if instant == state.at:
            return state.graph
        if has_events_between(connection, to_micros(instant), to_micros(state.at)):
            return load(connection, at=instant, keys=self._keys)
        return state.graph.as_of(instant)


def _followed(state: _State, now: Mark, instant: datetime) -> _State:
    if state.kept.nodes is state.graph.nodes:
        return _State(now, state.graph.as_of(instant), state.kept)
    return _State(now, Graph(instant, state.kept.nodes), state.kept)


def _prepare(nodes: Iterable[Node]) -> int:
    """Build the indexes of large nodes, so that no event waits for them; return the graph's size.

    The size is the number of nodes, versions and runs.
    """
    size = 0
    for node in nodes:
        if len(node.versions) > LARGE:
            node.version_named("")
        if len(node.runs) > LARGE:
            node.run_of_id("")
        size += 1 + len(node.versions) + len(node.runs)
    return size
