"""The graph's tables as stories: the units that pruning keeps or deletes only as a whole.

A story is a run with all its events, or a single event without a run. Superseded events belong to
none: their facts no longer count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from lineage_bridge.graph.symlinks import read_symlinks
from lineage_bridge.graph.tables import NEVER, VALUE

# With min() and max() SQLite takes the other columns from the row that has it.
_FIRST_SYMLINKS = """
SELECT e.identity, min(e.place) FROM graph_symlinks s
CROSS JOIN graph_events e ON e.said = s.set_id
WHERE e.time_us <= :now AND e.dropped_us = :never GROUP BY s.node, s.other
"""
_LAST_DESIGNS = """
SELECT e.identity, max(e.place) FROM graph_events e
WHERE e.job IS NOT NULL AND e.run IS NULL AND e.time_us <= :now AND e.dropped_us = :never
    AND EXISTS (
        SELECT 1 FROM graph_mentions m WHERE m.set_id = e.said AND m.role IN ('reads', 'writes')
    )
GROUP BY e.job
"""


class Key(NamedTuple):
    """The key of a story: a run of a job (a node id), or an event by its identity."""

    job: str | None
    run: str | None
    event: str = ""


class Mention(NamedTuple):
    """A dataset that a set of facts names; `version` is empty where there is none.

    `name` is the id of the name that the set uses, which may be a symlink of the node.
    """

    role: str
    node: str
    version: str
    name: str


class Saying(NamedTuple):
    """A facet in a set of facts.

    `ordinal` orders the versions of a dataset within one event; `value` is only a digest, because
    all that matters is whether two are the same.
    """

    node: str
    version: str
    facet: str
    ordinal: int
    value: bytes | None


@dataclass(slots=True)
class Story:
    """Events that are kept or deleted together.

    Attributes:
        key: of the story.
        observes: whether its job only looks at datasets.
        newest_us: the time of its newest event.
        last: the place of its newest event.
        sets: ids of its sets of facts, each with the place of the newest event that has the set.
        first_seq: the sequence number of its first event in the journal.
        last_seq: that of its last event.
    """

    key: Key
    observes: bool
    newest_us: int
    last: bytes
    first_seq: int
    last_seq: int
    sets: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """All stories, and the facts in the sets that they refer to.

    `story_of` has the story of each event by its identity, `superseded` the events without one.
    `sayings` reads all facets, each with the id of its set: they are too many for memory.
    `decisive` are the stories that were the first to say that two names are one node, or that say
    what a job reads and writes by its newest job event.
    """

    stories: Mapping[Key, Story]
    story_of: Mapping[str, Key]
    superseded: frozenset[str]
    mentions: Mapping[int, tuple[Mention, ...]]
    sayings: Callable[[], Iterable[tuple[int, Saying]]]
    decisive: frozenset[Key]


def read_history(
    connection: sqlite3.Connection, seqs: Mapping[str, tuple[int, int]], now_us: int
) -> History:
    """Read the stories; of events later than now they have only the time, not the facts.

    Args:
        connection: on the journal's database, after the graph's model has caught up.
        seqs: the first and last sequence number of each event in the journal, by its identity.
        now_us: the present.
    """
    names: dict[int, str] = dict(connection.execute("SELECT node, id FROM graph_nodes"))
    nodes = names | {
        name: names[node]
        for name, node in read_symlinks(
            connection, {"at": now_us, "known": NEVER - 1}
        ).node_of.items()
    }
    stories: dict[Key, Story] = {}
    story_of: dict[str, Key] = {}
    rows = connection.execute(
        "SELECT identity, job, run, observes, said, time_us, place FROM graph_events"
        " WHERE dropped_us = ?",
        (NEVER,),
    )
    for identity, job, run, observes, said, time_us, place in rows:
        key = Key(nodes.get(job), run, "" if run else identity)
        story_of[identity] = key
        first, last = seqs[identity]
        story = stories.get(key)
        if story is None:
            story = stories[key] = Story(key, bool(observes), time_us, place, first, last)
        story.newest_us = max(story.newest_us, time_us)
        story.first_seq = min(story.first_seq, first)
        story.last_seq = max(story.last_seq, last)
        if time_us <= now_us:
            story.last = max(story.last, place)
            story.sets[said] = max(story.sets.get(said, b""), place)
    return History(
        stories,
        story_of,
        _superseded(connection),
        _mentions(connection, nodes, names),
        partial(_sayings, connection, nodes),
        frozenset(story_of[identity] for identity in _decisive(connection, now_us)),
    )


def _decisive(connection: sqlite3.Connection, now_us: int) -> Iterator[str]:
    for statement in (_FIRST_SYMLINKS, _LAST_DESIGNS):
        for identity, _ in connection.execute(statement, {"now": now_us, "never": NEVER}):
            yield identity


def _superseded(connection: sqlite3.Connection) -> frozenset[str]:
    rows = connection.execute("SELECT identity FROM graph_events WHERE dropped_us < ?", (NEVER,))
    return frozenset(identity for (identity,) in rows)


def _mentions(
    connection: sqlite3.Connection, nodes: Mapping[int, str], names: Mapping[int, str]
) -> Mapping[int, tuple[Mention, ...]]:
    found: dict[int, tuple[Mention, ...]] = {}
    # A hundred thousand heartbeats name the same dataset: equal mentions are stored once.
    known: dict[tuple[Mention, ...], tuple[Mention, ...]] = {}
    rows = connection.execute(
        "SELECT set_id, role, node, version FROM graph_mentions ORDER BY set_id"
    )
    for set_id, group in groupby(rows, key=itemgetter(0)):
        mentions = tuple(
            Mention(role, nodes[name], version, names[name]) for _, role, name, version in group
        )
        found[set_id] = known.setdefault(mentions, mentions)
    return found


def _sayings(
    connection: sqlite3.Connection, nodes: Mapping[int, str]
) -> Iterator[tuple[int, Saying]]:
    rows = connection.execute(
        f"SELECT set_id, node, version, key, ordinal, {VALUE} FROM graph_facets f"
    )
    for set_id, node, version, facet, ordinal, value in rows:
        yield set_id, Saying(nodes[node], version, facet, ordinal, _digest(value))


def _digest(value: str | None) -> bytes | None:
    return None if value is None else blake2b(value.encode(), digest_size=16).digest()


def stories_in_order(stories: Iterable[Story]) -> list[Story]:
    """Sort stories by the place of their newest event."""
    return sorted(stories, key=lambda story: (story.last, story.key.run or story.key.event))
