"""The graph's tables in the journal's database, and how facts get into them.

An event is one narrow row; what it says of its job and datasets, and of its run, are sets that are
stored once however often they are said. So the thousandth RUNNING event of a run costs a row of
integers. Row numbers depend on arrival and never leave these tables: whatever is sorted or compared
is sorted by text, time or place.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import msgspec
import orjson

from lineage_bridge.graph.facts import Facts, NodeName, time_of, turn_of
from lineage_bridge.naming import is_observer

PIECE = 1000  # rows in a row before others have their turn
PIECE_BYTES = 1024 * 1024  # and of facets, their JSON
SHARED_CHARACTERS = 2048  # a longer facet is stored once for all versions that have it
# The JSON of a facet `f`, wherever it is stored.
VALUE = "coalesce(f.value, (SELECT t.value FROM graph_texts t WHERE t.text = f.text))"
NEVER = (1 << 63) - 1  # the largest integer of SQLite: an instant after all others

TABLES = (
    "graph_nodes",
    "graph_sets",
    "graph_mentions",
    "graph_symlinks",
    "graph_facets",
    "graph_texts",
    "graph_run_facets",
    "graph_events",
    "graph_superseded",
    "graph_broken",
)

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS graph_nodes (
    node INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,         -- <kind>:<namespace>:<name>
    kind TEXT NOT NULL,              -- dataset or job
    namespace TEXT NOT NULL,
    name TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS graph_sets (
    set_id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE      -- of what is in the set
);
CREATE TABLE IF NOT EXISTS graph_mentions (
    set_id INTEGER NOT NULL,
    role TEXT NOT NULL,              -- see `facts.Mention`
    node INTEGER NOT NULL,
    version TEXT NOT NULL,           -- empty: none
    method TEXT,
    confidence REAL,
    feedback INTEGER NOT NULL,
    PRIMARY KEY (set_id, role, node, version)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS graph_mentions_node ON graph_mentions (node, version, role);
CREATE TABLE IF NOT EXISTS graph_symlinks (
    set_id INTEGER NOT NULL,
    node INTEGER NOT NULL,           -- of which the set says that it has another name
    other INTEGER NOT NULL,          -- the node of that name
    PRIMARY KEY (set_id, node, other)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS graph_facets (
    facet INTEGER PRIMARY KEY,
    set_id INTEGER NOT NULL,
    node INTEGER NOT NULL,
    version TEXT NOT NULL,           -- empty: said of the node without a version
    key TEXT NOT NULL,
    ordinal INTEGER NOT NULL,        -- in the event: of two versions the later one holds
    value TEXT,                      -- JSON
    text INTEGER                     -- or a row of graph_texts; both NULL: taken back
);
CREATE TABLE IF NOT EXISTS graph_texts (
    text INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    value TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS graph_facets_key
    ON graph_facets (node, version, key, set_id, ordinal);
CREATE INDEX IF NOT EXISTS graph_facets_set ON graph_facets (set_id);
CREATE TABLE IF NOT EXISTS graph_run_facets (
    set_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (set_id, key)
);
CREATE TABLE IF NOT EXISTS graph_events (
    event INTEGER PRIMARY KEY,       -- in the order in which they came in
    identity TEXT NOT NULL UNIQUE,
    job INTEGER,
    run TEXT,
    started_us INTEGER,              -- its time, where it is a START
    turn INTEGER,                    -- orders what changes the state; see `turn_of`
    streaming INTEGER NOT NULL,
    observes INTEGER NOT NULL,       -- the job only looks
    said INTEGER NOT NULL,           -- the set of mentions and facets
    run_said INTEGER NOT NULL,       -- the set of run facets
    time_us INTEGER NOT NULL,
    place BLOB NOT NULL,
    received_us INTEGER NOT NULL,    -- the earliest arrival
    dropped_us INTEGER NOT NULL DEFAULT {NEVER} -- arrival of what takes it back
);
CREATE INDEX IF NOT EXISTS graph_events_run ON graph_events
    (observes, job, run, said, run_said, time_us, received_us, dropped_us, streaming, started_us,
     turn, place);
CREATE INDEX IF NOT EXISTS graph_events_said ON graph_events
    (said, time_us, received_us, dropped_us, place);
CREATE INDEX IF NOT EXISTS graph_events_time ON graph_events (time_us);
CREATE TABLE IF NOT EXISTS graph_superseded (
    superseded INTEGER PRIMARY KEY,  -- in the order in which that was heard
    identity TEXT NOT NULL UNIQUE,
    received_us INTEGER NOT NULL     -- the earliest arrival of an event that takes it back
);
CREATE TABLE IF NOT EXISTS graph_broken (
    identity TEXT NOT NULL,          -- of the event
    node TEXT NOT NULL,              -- the id of the job or dataset; empty: of the run
    key TEXT NOT NULL,
    problem TEXT NOT NULL,
    producer TEXT NOT NULL,
    PRIMARY KEY (identity, node, key, problem)
) WITHOUT ROWID;
"""


class Done(msgspec.Struct):
    """How much of an event is in the tables: its set, and so many rows of it."""

    set_id: int | None = None
    mentions: int = 0
    symlinks: int = 0
    facets: int = 0


def _digest(content: Sequence[Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(content, default=tuple)).digest()


class TableWriter:
    """Puts facts into the tables, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._nodes: dict[NodeName, int] = {}

    def put(self, facts: Facts, received_us: int) -> None:
        """Take in the facts of one event; a duplicate can only change its earliest arrival."""
        for _ in self._put(facts, received_us, Done(), is_whole=True):
            pass

    def put_in_parts(self, facts: Facts, received_us: int, done: Done) -> Iterator[None]:
        """The same from where it was left; yields where the transaction may be committed."""
        return self._put(facts, received_us, done, is_whole=False)

    def _put(self, facts: Facts, received_us: int, done: Done, *, is_whole: bool) -> Iterator[None]:
        for identity in facts.takes_back:
            self._take_back(identity, received_us)
        if facts.withdraws:
            return
        known = self._connection.execute(
            "UPDATE graph_events SET received_us = min(received_us, ?) WHERE identity = ?",
            (received_us, facts.identity),
        )
        if known.rowcount == 0:
            said = yield from self._said(facts, done, is_whole=is_whole)
            self._insert(facts, received_us, said)
            self._put_broken(facts)

    def _insert(self, facts: Facts, received_us: int, said: int) -> None:
        time_us = time_of(facts.place)
        self._connection.execute(
            "INSERT INTO graph_events (identity, job, run, started_us, turn, streaming, observes,"
            " said, run_said, time_us, place, received_us, dropped_us)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
            f" coalesce((SELECT received_us FROM graph_superseded WHERE identity = ?), {NEVER}))",
            (
                facts.identity,
                None if facts.job is None else self._node(facts.job),
                facts.run,
                time_us if facts.state == "START" else None,
                turn_of(facts.state, time_us),
                facts.streaming,
                facts.job is not None and is_observer(facts.job.name),
                said,
                self._run_said(facts),
                time_us,
                facts.place,
                received_us,
                facts.identity,
            ),
        )

    def _put_broken(self, facts: Facts) -> None:
        if facts.broken:
            self._connection.executemany(
                "INSERT OR IGNORE INTO graph_broken VALUES (?, ?, ?, ?, ?)",
                [(facts.identity, b.node, b.key, b.problem, facts.producer) for b in facts.broken],
            )

    def _take_back(self, identity: str, received_us: int) -> None:
        self._connection.execute(
            "INSERT INTO graph_superseded (identity, received_us) VALUES (?, ?)"
            " ON CONFLICT (identity)"
            " DO UPDATE SET received_us = min(received_us, excluded.received_us)",
            (identity, received_us),
        )
        self._connection.execute(
            "UPDATE graph_events SET dropped_us = min(dropped_us, ?) WHERE identity = ?",
            (received_us, identity),
        )

    def _said(self, facts: Facts, done: Done, *, is_whole: bool) -> Generator[None, None, int]:
        others = [facts.symlinks] if facts.symlinks else []
        digest = _digest(["said", facts.mentions, facts.said, *others])
        if done.set_id is None:
            known = self._set_of(digest)
            if known is not None:
                return known
            # By its digest it is found only when all of it is there.
            done.set_id = self._new_set(digest if is_whole else b"~" + digest)
        yield from self._put_mentions(done.set_id, facts, done)
        yield from self._put_symlinks(done.set_id, facts, done)
        yield from self._put_facets(done.set_id, facts, done)
        if not is_whole:
            self._connection.execute(
                "UPDATE graph_sets SET digest = ? WHERE set_id = ?", (digest, done.set_id)
            )
        return done.set_id

    def _put_mentions(self, set_id: int, facts: Facts, done: Done) -> Iterator[None]:
        for first in range(done.mentions, len(facts.mentions), PIECE):
            chunk = facts.mentions[first : first + PIECE]
            self._connection.executemany(
                # Colons may make one id of two names in one event: the first of them is taken.
                "INSERT OR IGNORE INTO graph_mentions VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(set_id, m.role, self._node(m.node), *m[2:5], m.feedback) for m in chunk],
            )
            done.mentions = first + len(chunk)
            yield

    def _put_symlinks(self, set_id: int, facts: Facts, done: Done) -> Iterator[None]:
        for first in range(done.symlinks, len(facts.symlinks), PIECE):
            chunk = facts.symlinks[first : first + PIECE]
            self._connection.executemany(
                "INSERT OR IGNORE INTO graph_symlinks VALUES (?, ?, ?)",
                [(set_id, self._node(link.node), self._node(link.other)) for link in chunk],
            )
            done.symlinks = first + len(chunk)
            yield

    def _put_facets(self, set_id: int, facts: Facts, done: Done) -> Iterator[None]:
        while done.facets < len(facts.said):
            chunk: list[tuple[Any, ...]] = []
            size = 0
            for said in facts.said[done.facets : done.facets + PIECE]:
                size += len(said.value or "")
                ordinal = done.facets + len(chunk)
                node = self._node(said.node)
                value, text = self._stored(said.value)
                chunk.append((set_id, node, said.version, said.key, ordinal, value, text))
                if size > PIECE_BYTES:
                    break
            self._connection.executemany(
                "INSERT INTO graph_facets (set_id, node, version, key, ordinal, value, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                chunk,
            )
            done.facets += len(chunk)
            yield

    def _stored(self, value: str | None) -> tuple[str | None, int | None]:
        """Return a facet as its row has it: itself, or where its text is stored."""
        if value is None or len(value) <= SHARED_CHARACTERS:
            return value, None
        digest = hashlib.blake2b(value.encode(), digest_size=16).digest()
        row = self._connection.execute(
            "SELECT text FROM graph_texts WHERE digest = ?", (digest,)
        ).fetchone()
        if row is None:
            cursor = self._connection.execute(
                "INSERT INTO graph_texts (digest, value) VALUES (?, ?)", (digest, value)
            )
            return None, int(cursor.lastrowid or 0)
        return None, int(row[0])

    def _run_said(self, facts: Facts) -> int:
        digest = _digest(["run", facts.run_facets])
        set_id = self._set_of(digest)
        if set_id is None:
            set_id = self._new_set(digest)
            self._connection.executemany(
                "INSERT INTO graph_run_facets VALUES (?, ?, ?)",
                [(set_id, key, value) for key, value in facts.run_facets],
            )
        return set_id

    def _set_of(self, digest: bytes) -> int | None:
        row = self._connection.execute(
            "SELECT set_id FROM graph_sets WHERE digest = ?", (digest,)
        ).fetchone()
        return None if row is None else int(row[0])

    def _new_set(self, digest: bytes) -> int:
        cursor = self._connection.execute("INSERT INTO graph_sets (digest) VALUES (?)", (digest,))
        return int(cursor.lastrowid or 0)

    def _node(self, node: NodeName) -> int:
        number = self._nodes.get(node)
        if number is None:
            number = self._nodes[node] = self._known_or_new(node)
        return number

    def _known_or_new(self, node: NodeName) -> int:
        row = self._connection.execute(
            "SELECT node, namespace, name FROM graph_nodes WHERE id = ?", (node.id,)
        ).fetchone()
        if row is None:
            cursor = self._connection.execute(
                "INSERT INTO graph_nodes (id, kind, namespace, name) VALUES (?, ?, ?, ?)",
                (node.id, *node),
            )
            return int(cursor.lastrowid or 0)
        if (node.namespace, node.name) < row[1:]:
            # Colons made one id of two names. Which one is shown must not depend on arrival.
            self._connection.execute(
                "UPDATE graph_nodes SET namespace = ?, name = ? WHERE node = ?",
                (node.namespace, node.name, row[0]),
            )
        return int(row[0])
