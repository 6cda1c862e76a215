"""What reading windows needs to remember: in the journal's database, in the journal's transactions.

Each deployment's evaluator and sums, windows that were read and not judged yet, the hash of every
line that was ever counted, starts that were taken in, and the counters that no window ever filled.
None of it is needed to answer a question; all of it is needed to read on as if reading had never
stopped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from lineage_bridge.adapters.p5_windows import COUNTERS, Names, Window, check_names
from lineage_bridge.assess.lookback import MINUTE_US, WindowFacts
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facts import Totals
from lineage_bridge.naming import Slot

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS serving_slots (
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL,
    memory BLOB NOT NULL,           -- SlotMemory as JSON
    PRIMARY KEY (service, environment, deployment)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS serving_starts (
    run_id TEXT PRIMARY KEY         -- a start that the evaluators have taken in
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS window_lines (
    minute_us INTEGER PRIMARY KEY,  -- the minute in which the windows begin
    hashes BLOB NOT NULL            -- 8 bytes for each line
)""",
    """CREATE TABLE IF NOT EXISTS window_pending (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    windows BLOB NOT NULL           -- read and not judged yet, as JSON
)""",
    """CREATE TABLE IF NOT EXISTS window_services (
    service TEXT PRIMARY KEY,
    blind TEXT NOT NULL             -- counters that were 0 or absent in every window, by comma
) WITHOUT ROWID""",
)
HASH_BYTES = 8

Sums = tuple[int, int, int, int]  # successes, failures, rejected, timeouts


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What all windows of one endpoint and one model version have in common.

    There is one object for each (`Sources`), so that it is compared and hashed by identity.
    """

    slot: Slot
    endpoint: str
    model: str
    version: str

    @property
    def names(self) -> Names:
        """As its windows carry them."""
        slot = self.slot
        return (
            slot.service,
            slot.environment,
            slot.deployment,
            self.endpoint,
            self.model,
            self.version,
        )


class Pending(NamedTuple):
    """A window that was read, and when it became known."""

    at_us: int
    source: Source
    facts: WindowFacts
    sums: Sums
    is_inconsistent: bool


class Sources:
    """Every source that was met, by the names that its windows carry."""

    def __init__(self) -> None:
        self._by_names: dict[Names, Source] = {}

    def of(self, names: Names) -> Source:
        """The source of windows with these names.

        Raises:
            ArtifactError: one of the names is blank.
        """
        source = self._by_names.get(names)
        if source is None:
            check_names(names)
            service, environment, deployment, endpoint, model, version = names
            source = Source(Slot(service, environment, deployment), endpoint, model, version)
            self._by_names[names] = source
        return source


@dataclass(slots=True)
class Implied:
    """A model version that served, by its windows, without a deployment event."""

    model: str
    version: str
    first_us: int
    windows: int = 0


@dataclass(slots=True)
class SlotMemory:
    """A deployment as it stands.

    `emitted_us` is the newest event that its finding or the heartbeat called for, `event_us` and
    `event_id` the newest of all; `moved` says that the sums changed since then.
    """

    state: DeploymentState | None = None
    judged_us: int = 0
    totals: list[Totals] = field(default_factory=list)
    implied: list[Implied] = field(default_factory=list)
    late_windows: int = 0
    inconsistent_windows: int = 0
    emitted_us: int = 0
    event_us: int = 0
    event_id: str | None = None
    moved: bool = False

    def count(self, window: Pending) -> None:
        """Add a window to the sums of its model version."""
        totals = self._totals(window.source.model, window.source.version)
        successes, failures, rejected, timeouts = window.sums
        totals.windows += 1
        totals.requests += window.facts.requests
        totals.successes += successes
        totals.failures += failures
        totals.rejected += rejected
        totals.timeouts += timeouts
        totals.predictions += window.facts.predictions
        self.inconsistent_windows += window.is_inconsistent
        self.moved = True

    def _totals(self, model: str, version: str) -> Totals:
        for totals in self.totals:
            if totals.model == model and totals.version == version:
                return totals
        self.totals.append(Totals(model, version))
        self.totals.sort(key=lambda t: (t.model, t.version))
        return self._totals(model, version)


_encode = msgspec.json.Encoder().encode
_memory_of = msgspec.json.Decoder(SlotMemory).decode
_pending_of = msgspec.json.Decoder(list[tuple[int, Names, WindowFacts, Sums, bool]]).decode


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, if they are not there."""
    for statement in SCHEMA:
        connection.execute(statement)


class Memories:
    """The memory of every deployment: read when it is first asked for, written when it changed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._memories: dict[Slot, SlotMemory] = {}

    def of(self, slot: Slot) -> SlotMemory:
        """A deployment's memory."""
        memory = self._memories.get(slot)
        if memory is None:
            memory = self._memories[slot] = self._load(slot)
        return memory

    def moved(self) -> list[Slot]:
        """The deployments whose sums no event has told yet, in order."""
        for slot, memory in _all_slots(self._connection):
            self._memories.setdefault(slot, memory)
        return sorted(slot for slot, memory in self._memories.items() if memory.moved)

    def save(self, changed: Iterable[Slot]) -> None:
        """Write the memories of these deployments."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO serving_slots VALUES (?, ?, ?, ?)",
            [(s.service, s.environment, s.deployment, _encode(self._memories[s])) for s in changed],
        )

    def _load(self, slot: Slot) -> SlotMemory:
        row = self._connection.execute(
            "SELECT memory FROM serving_slots"
            " WHERE service = ? AND environment = ? AND deployment = ?",
            (slot.service, slot.environment, slot.deployment),
        ).fetchone()
        return SlotMemory() if row is None else _memory_of(row[0])


def _all_slots(connection: sqlite3.Connection) -> list[tuple[Slot, SlotMemory]]:
    rows = connection.execute(
        "SELECT service, environment, deployment, memory FROM serving_slots ORDER BY 1, 2, 3"
    )
    return [(Slot(*names), _memory_of(memory)) for *names, memory in rows]


class SeenLines:
    """The lines that were ever counted, by the minute of their window."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._minutes: dict[int, set[bytes]] = {}
        self._changed: set[int] = set()
        (newest_us,) = connection.execute("SELECT max(minute_us) FROM window_lines").fetchone()
        self._newest_us = newest_us  # beyond it there is nothing to load

    def is_new(self, start_us: int, digest: bytes) -> bool:
        """Tell whether a line is new, and remember it."""
        minute_us = start_us - start_us % MINUTE_US
        seen = self._minutes.get(minute_us)
        if seen is None:
            seen = self._minutes[minute_us] = self._load(minute_us)
        if digest in seen:
            return False
        seen.add(digest)
        self._changed.add(minute_us)
        return True

    def save(self) -> None:
        """Write the minutes that changed, and let go of all."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO window_lines VALUES (?, ?)",
            [(m, b"".join(sorted(self._minutes[m]))) for m in sorted(self._changed)],
        )
        self._newest_us = max([*self._changed, self._newest_us or 0], default=None)
        self._minutes.clear()
        self._changed.clear()

    def _load(self, minute_us: int) -> set[bytes]:
        if self._newest_us is None or minute_us > self._newest_us:
            return set()
        row = self._connection.execute(
            "SELECT hashes FROM window_lines WHERE minute_us = ?", (minute_us,)
        ).fetchone()
        blob = row[0] if row else b""
        return {blob[i : i + HASH_BYTES] for i in range(0, len(blob), HASH_BYTES)}


class BlindCounters:
    """Which counters of a service were never anything but 0 or absent."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._blind: dict[str, tuple[str, ...]] = list_blind_counters(connection)
        self._values_of: dict[str, Callable[[Window], tuple[Any, ...]]] = {}
        self._changed: set[str] = set()

    def look(self, window: Window) -> None:
        """Take a window's counters in."""
        service = window.service_name
        values_of = self._values_of.get(service)
        if values_of is None:
            values_of = self._watch(service, self._blind.get(service, COUNTERS))
        values = values_of(window)
        if any(values):
            seen = zip(self._blind[service], values, strict=False)
            self._watch(service, tuple(name for name, value in seen if not value))

    def _watch(self, service: str, blind: tuple[str, ...]) -> Callable[[Window], tuple[Any, ...]]:
        # One name more than needed: of a single one `attrgetter` would give no tuple.
        values_of = attrgetter(*blind, blind[0]) if blind else _nothing
        self._blind[service], self._values_of[service] = blind, values_of
        self._changed.add(service)
        return values_of

    def save(self) -> None:
        """Write what changed."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO window_services VALUES (?, ?)",
            [(service, ",".join(self._blind[service])) for service in sorted(self._changed)],
        )
        self._changed.clear()


def _nothing(_: Window) -> tuple[Any, ...]:
    return ()


def load_pending(connection: sqlite3.Connection, sources: Sources) -> list[Pending]:
    """The windows that were read and not judged yet."""
    row = connection.execute("SELECT windows FROM window_pending").fetchone()
    return [
        Pending(at_us, sources.of(names), facts, sums, is_inconsistent)
        for at_us, names, facts, sums, is_inconsistent in (_pending_of(row[0]) if row else [])
    ]


def save_pending(connection: sqlite3.Connection, pending: list[Pending]) -> None:
    """Keep the windows that were read and not judged yet."""
    plain = [(p.at_us, p.source.names, p.facts, p.sums, p.is_inconsistent) for p in pending]
    connection.execute("INSERT OR REPLACE INTO window_pending VALUES (1, ?)", (_encode(plain),))


def load_fed(connection: sqlite3.Connection) -> set[str]:
    """The run ids of the starts that were taken in."""
    return {run_id for (run_id,) in connection.execute("SELECT run_id FROM serving_starts")}


def save_fed(connection: sqlite3.Connection, run_ids: list[str]) -> None:
    """Keep the run ids of starts that were taken in."""
    connection.executemany(
        "INSERT OR IGNORE INTO serving_starts VALUES (?)", [(run_id,) for run_id in run_ids]
    )


def list_implied(connection: sqlite3.Connection) -> list[tuple[Slot, Implied]]:
    """Model versions that served without a deployment event."""
    return [(slot, item) for slot, memory in _all_slots(connection) for item in memory.implied]


def list_blind_counters(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """By service, the counters that no window ever filled."""
    rows = connection.execute("SELECT service, blind FROM window_services ORDER BY service")
    return {service: tuple(filter(None, blind.split(","))) for service, blind in rows}


def list_totals(connection: sqlite3.Connection) -> list[tuple[Slot, SlotMemory]]:
    """Every deployment with its sums and notes."""
    return _all_slots(connection)
