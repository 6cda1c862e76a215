"""The tables of forwarding in a home, and how those of earlier versions became them."""

from __future__ import annotations

import sqlite3

from lineage_bridge.journal.migrations import Migration, Room, statements
from lineage_bridge.masking import public_url
from lineage_bridge.share import hidden

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS forward_targets (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,             -- without user and password
    seq INTEGER NOT NULL DEFAULT 0,       -- the last event of the journal that was looked at
    parked TEXT                           -- why nothing is sent until a setting changes
)""",
    """CREATE TABLE IF NOT EXISTS forward_events (
    target INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    job TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    has_inputs INTEGER NOT NULL,
    is_bare INTEGER NOT NULL,             -- one of ours without inputs
    is_heartbeat INTEGER NOT NULL,
    finding TEXT,                         -- status and reason codes of a serving health
    doubtful INTEGER NOT NULL DEFAULT 0,  -- a try may have reached Marquez
    tries INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,  -- tries that ended in a 500
    status INTEGER,                       -- of the last answer that was no success
    answer TEXT,
    PRIMARY KEY (target, seq)
) WITHOUT ROWID""",
    """CREATE INDEX IF NOT EXISTS forward_events_state ON forward_events (target, state)""",
    """CREATE INDEX IF NOT EXISTS forward_events_job ON forward_events (target, job, time_us)""",
    # Ids of events that an event of the journal supersedes, whether they have arrived or not.
    """CREATE TABLE IF NOT EXISTS forward_superseded (id TEXT PRIMARY KEY) WITHOUT ROWID""",
)


def _rename_targets(connection: sqlite3.Connection) -> None:
    """Give targets the names of today: once a URL's query was kept, and any key that is in it.

    No event ever reached such a URL. So if another target has the public name, this one goes.
    """
    for target, url in connection.execute("SELECT id, url FROM forward_targets").fetchall():
        update = "UPDATE OR IGNORE forward_targets SET url = ? WHERE id = ?"
        if connection.execute(update, (public_url(url), target)).rowcount == 0:
            connection.execute("DELETE FROM forward_events WHERE target = ?", (target,))
            connection.execute("DELETE FROM forward_hidden WHERE target = ?", (target,))
            connection.execute("DELETE FROM forward_targets WHERE id = ?", (target,))


def _send_what_was_held(connection: sqlite3.Connection) -> None:
    """Let the events without inputs go that earlier versions held back for good."""
    connection.execute(
        "ALTER TABLE forward_events ADD COLUMN again INTEGER NOT NULL DEFAULT 0"
    )  # 1: it was sent, and is sent once more on purpose
    connection.execute("UPDATE forward_events SET state = 'pending' WHERE state = 'held'")


FORWARD = Room(
    "forward",
    (
        statements("queue", *_SCHEMA),
        statements("hidden nodes", hidden.SCHEMA),
        Migration("public urls", _rename_targets),
        Migration("sent once more", _send_what_was_held),
    ),
)
