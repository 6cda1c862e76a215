"""Status of every Marquez that a journal is forwarded to; this module only reads."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from lineage_bridge.journal.store import Journal
from lineage_bridge.masking import public_url
from lineage_bridge.share.hidden import count_hidden
from lineage_bridge.share.intake import FORWARDED
from lineage_bridge.share.queue import has_tables, state_counts


@dataclass(frozen=True, slots=True)
class TargetState:
    """One Marquez.

    Attributes:
        url: without user and password.
        states: number of events in each state; `pending`, `sent` and `dead` are always there.
        parked: why nothing is sent until a setting changes, or None.
        hidden: jobs and datasets that it hides, as only superseded events name them, or None.
    """

    url: str
    states: dict[str, int]
    parked: str | None = None
    hidden: int | None = None


def list_targets(journal: Journal, url: str | None = None) -> list[TargetState]:
    """List every Marquez that was forwarded to, and the one at `url` even if it never was.

    Events that no run has taken in yet count as `pending`.
    """
    with journal.reading() as connection:
        targets = _known(connection) if has_tables(connection) else []
        if url is not None and public_url(url) not in {target.url for target in targets}:
            targets.append(TargetState(public_url(url), _states(connection, 0, 0)))
        return targets


def _known(connection: sqlite3.Connection) -> list[TargetState]:
    rows = connection.execute("SELECT id, url, seq, parked FROM forward_targets ORDER BY url")
    return [
        TargetState(
            public_url(url),
            _states(connection, target, seq),
            parked,
            count_hidden(connection, target) or None,
        )
        for target, url, seq, parked in rows.fetchall()
    ]


def _states(connection: sqlite3.Connection, target: int, seq: int) -> dict[str, int]:
    states = {"pending": 0, "sent": 0, "dead": 0}
    if has_tables(connection):
        states |= state_counts(connection, target)
    (unseen,) = connection.execute(
        "SELECT count(*) FROM events WHERE seq > ? AND origin IN (?, ?, ?)", (seq, *FORWARDED)
    ).fetchone()
    states["pending"] += unseen
    return states
