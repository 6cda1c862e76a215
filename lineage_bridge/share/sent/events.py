"""The events that one Marquez was sent: read in small steps, so that any number of them will do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage_bridge.journal.home_tables import STORED, Stored
from lineage_bridge.journal.store import Journal

_BATCH = 500
_COLUMNS = ", ".join(f"e.{column}" for column in STORED.split(", "))
_SENT = (
    f"SELECT {_COLUMNS} FROM forward_events AS f JOIN events AS e ON e.seq = f.seq"
    " WHERE f.target = ? AND f.state = 'sent'"
)


class SentEvents:
    """What was sent to a Marquez and is not superseded.

    Args:
        journal: has the events.
        target: the Marquez's number in this home.
    """

    def __init__(self, journal: Journal, target: int) -> None:
        self._journal = journal
        self._target = target

    def since(self, time_us: int) -> Iterator[Stored]:
        """Yield all from a time on, in the order of their numbers."""
        return self._paged(" AND f.time_us >= ?", time_us)

    def of_job(self, job: str, time_us: int) -> Iterator[Stored]:
        """Yield those of one job from a time on, likewise."""
        return self._paged(" AND f.job = ? AND f.time_us >= ?", job, time_us)

    def _paged(self, condition: str, *values: int | str) -> Iterator[Stored]:
        after = 0
        while True:
            with self._journal.reading() as connection:
                rows = connection.execute(
                    f"{_SENT}{condition} AND f.seq > ? ORDER BY f.seq LIMIT ?",
                    (self._target, *values, after, _BATCH),
                ).fetchall()
            yield from (Stored(*row) for row in rows)
            if not rows:
                return
            after = rows[-1][0]

    def between(self, begin: int, end: int) -> list[Stored]:
        """List the run events from one microsecond on, before another one."""
        with self._journal.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM events AS e JOIN forward_events AS f"
                " ON f.target = ? AND f.seq = e.seq AND f.state = 'sent'"
                " WHERE e.kind = 'run' AND e.time_us >= ? AND e.time_us < ?",
                (self._target, begin, end),
            )
            return [Stored(*row) for row in rows]

    def jobs(self, time_us: int) -> dict[str, int]:
        """Count those from a time on by job, which is written `<namespace> <name>`."""
        with self._journal.reading() as connection:
            rows = connection.execute(
                "SELECT job, count(*) FROM forward_events WHERE target = ? AND state = 'sent'"
                " AND time_us >= ? GROUP BY job ORDER BY job",
                (self._target, time_us),
            )
            return dict(rows.fetchall())

    def first_time(self, seqs: Iterable[int]) -> int:
        """Return the time of the earliest of some events, in microseconds since 1970, UTC."""
        query = "SELECT time_us FROM events WHERE seq = ?"
        with self._journal.reading() as connection:
            rows = [connection.execute(query, (seq,)).fetchone() for seq in seqs]
        return min((row[0] for row in rows if row is not None), default=0)
