"""What several homes found in one version, without knowing of each other: one of it stands.

It is that of the home that knew most of the versions before. So it is the same one wherever the
events of all of them have come to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lineage_bridge.events import Event, withdrawal
from lineage_bridge.journal import Journal
from lineage_bridge.link.identities import Identities
from lineage_bridge.observe import telling
from lineage_bridge.observe.content.finding import versions_before
from lineage_bridge.times import from_micros


def withdraw_the_others(journal: Journal, namespace: str) -> None:
    """Withdraw the findings on a version beside the one that knew most; of equals the later stands.

    Raises:
        JournalError: the home cannot be read or written.
    """
    with journal.reading() as connection:
        events = list(_withdrawals(connection, Identities(connection, namespace)))
    if events:
        with journal.transaction() as tx:
            for event in events:
                tx.append(event, "artifact")


def _withdrawals(connection: sqlite3.Connection, identities: Identities) -> Iterator[Event]:
    for key in identities.told_twice():
        standing = telling.all_standing_of(connection, identities, key)
        known = [(versions_before(one.view), number) for number, one in enumerate(standing)]
        if min(known)[0] < 0:  # findings of another sort
            continue
        _, best = max(known)
        for one in standing[:best] + standing[best + 1 :]:
            yield withdrawal(one.view, from_micros(one.time_us))
