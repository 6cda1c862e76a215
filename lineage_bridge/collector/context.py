"""One record of the journal on its way into the tables, and what every step of it needs."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field

from lineage_bridge.collector import hashes
from lineage_bridge.collector.errors import RefusedEventError

OWNER = "anonymous"
_UNFORMATTED = re.compile(r"[^a-zA-Z0-9:/\-_.@+]")


@dataclass(slots=True)
class Context:
    """A record being taken in.

    Attributes:
        connection: within the transaction that stores how far the tables have come.
        seq: the record's number, of which the ids of new rows are made.
        at_us: its event time.
        received_us: its arrival: what Marquez takes from its own clock.
    """

    connection: sqlite3.Connection
    seq: int
    at_us: int
    received_us: int
    _namespaces: set[str] = field(default_factory=set)

    def uuid(self, purpose: str) -> str:
        """The id of a row that this record makes."""
        return hashes.row_uuid(self.seq, purpose)

    def ensure_namespace(self, name: str) -> None:
        """Make a namespace known, or visible again."""
        if name in self._namespaces:
            return
        self._namespaces.add(name)
        self.connection.execute(
            "INSERT INTO mq_namespaces (name, created_us, updated_us, owner) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET is_hidden = 0 WHERE is_hidden",
            (name, self.at_us, self.at_us, OWNER),
        )


def formatted(namespace: str) -> str:
    """A namespace with the characters replaced that Marquez replaces (`formatNamespaceName`)."""
    return _UNFORMATTED.sub("_", namespace)


def refuse(reason: str, status: int = 500) -> RefusedEventError:
    """What Marquez's database or classes refuse in the middle of an event."""
    return RefusedEventError(status, reason)
