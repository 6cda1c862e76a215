"""The memory that judging windows needs between runs, in the journal's database.

It has each deployment's evaluator and sums, the windows that were read and not judged yet, the
starts that were fed to evaluators, the counters that no window ever filled, and how often a
deployment was judged anew. The graph needs none of it to answer; judging needs all of it to go on
as if reading had never stopped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec

from lineage_bridge.adapters.serving_windows import Names
from lineage_bridge.assess.lookback import WindowFacts
from lineage_bridge.errors import JournalError
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving.memory import (
    Implied,
    Pending,
    Resumed,
    SlotMemory,
    Sources,
    Sums,
)
from lineage_bridge.observe.unsaved import Standing

Saving = Callable[[sqlite3.Connection], None]  # writes rows that were made before the transaction

_encode = msgspec.json.Encoder().encode
_decode_memory: Callable[[bytes], SlotMemory] = msgspec.json.Decoder(SlotMemory).decode
_pending_of = msgspec.json.Decoder(list[tuple[int, Names, WindowFacts, Sums, bool]]).decode


# The policy of a memory that could not be decoded: its deployment is read and judged anew.
BROKEN = "broken"


class Memories:
    """The memory of every deployment, loaded when it is first needed.

    Args:
        journal: has the memories.
        resume: returns what the journal says of a deployment that has no memory.
        known: all memories, None if they are not loaded yet.
    """

    def __init__(
        self,
        journal: Journal,
        resume: Callable[[Slot], Resumed | None],
        known: Mapping[Slot, SlotMemory] | None,
    ) -> None:
        self._journal = journal
        self._resume = resume
        self._memories = dict(known or {})
        self._has_all = known is not None

    def of(self, slot: Slot) -> SlotMemory:
        """Return a deployment's memory."""
        memory = self._memories.get(slot)
        if memory is None:
            if not self._has_all:
                with self._journal.reading() as connection:
                    memory = _load_memory(connection, slot)
            if memory is None:
                memory = SlotMemory(resumed=self._resume(slot))
            self._memories[slot] = memory
        return memory

    def untold(self) -> list[Slot]:
        """List the deployments that may still need an event, in order.

        Their sums changed, or events of an earlier judgement still stand.
        """
        return sorted(slot for slot, m in self._all().items() if m.moved or m.standing)

    def behind(self) -> list[Slot]:
        """List the deployments whose judging has not passed what the journal says, in order."""
        return sorted(slot for slot, m in self._all().items() if m.is_behind)

    def _all(self) -> dict[Slot, SlotMemory]:
        if not self._has_all:
            with self._journal.reading() as connection:
                for slot, memory in all_slots(connection):
                    self._memories.setdefault(slot, memory)
            self._has_all = True
        return self._memories

    def saving(self, changed: Iterable[Slot]) -> Saving:
        """Return a function that saves the memories of some deployments as they are now."""
        return memories_saving({slot: self._memories[slot] for slot in changed})


def memories_saving(memories: Mapping[Slot, SlotMemory]) -> Saving:
    """Return a function that saves memories as they are now."""
    return partial(_save_memories, rows=[_row(slot, memory) for slot, memory in memories.items()])


def _row(slot: Slot, memory: SlotMemory) -> tuple[str, str, str, bytes]:
    return (slot.service, slot.environment, slot.deployment, _encode(memory))


def _save_memories(
    connection: sqlite3.Connection, rows: Sequence[tuple[str, str, str, bytes]]
) -> None:
    connection.executemany("INSERT OR REPLACE INTO serving_slots VALUES (?, ?, ?, ?)", rows)


def _memory_of(body: bytes) -> SlotMemory:
    try:
        return _decode_memory(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return SlotMemory(policy=BROKEN)


def _load_memory(connection: sqlite3.Connection, slot: Slot) -> SlotMemory | None:
    row = connection.execute(
        "SELECT memory FROM serving_slots WHERE service = ? AND environment = ? AND deployment = ?",
        (slot.service, slot.environment, slot.deployment),
    ).fetchone()
    return None if row is None else _memory_of(row[0])


def all_slots(connection: sqlite3.Connection) -> list[tuple[Slot, SlotMemory]]:
    """Load every deployment with its memory, in order."""
    rows = connection.execute(
        "SELECT service, environment, deployment, memory FROM serving_slots ORDER BY 1, 2, 3"
    )
    return [(Slot(*names), _memory_of(memory)) for *names, memory in rows]


def load_pending(connection: sqlite3.Connection, sources: Sources) -> list[Pending]:
    """Load the windows that were read and not judged yet.

    Raises:
        JournalError: the windows cannot be decoded.
    """
    row = connection.execute("SELECT windows FROM window_pending").fetchone()
    try:
        stored = _pending_of(row[0]) if row else []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise JournalError(
            f"The serving windows that wait to be judged cannot be decoded: {exc}. Use the version "
            "of lineage-bridge that read them, or read all artifacts into another `--home`."
        ) from exc
    return [
        Pending(at_us, sources.of(names), facts, sums, is_inconsistent)
        for at_us, names, facts, sums, is_inconsistent in stored
    ]


def pending_saving(pending: Sequence[Pending]) -> Saving:
    """Return a function that saves the windows that were read and not judged yet."""
    plain = [(p.at_us, p.source.names, p.facts, p.sums, p.is_inconsistent) for p in pending]
    return partial(_save_pending, windows=_encode(plain))


def _save_pending(connection: sqlite3.Connection, windows: bytes) -> None:
    connection.execute(
        "INSERT INTO window_pending VALUES (1, 0, ?)"
        " ON CONFLICT DO UPDATE SET windows = excluded.windows",
        (windows,),
    )


def judge_anew(connection: sqlite3.Connection, standing: Mapping[Slot, list[Standing]]) -> None:
    """Delete the memory of deployments, except for their standing events."""
    _save_memories(
        connection,
        [_row(slot, SlotMemory(standing=items)) for slot, items in standing.items()],
    )
    _count_judgements(
        connection, [(slot.service, slot.environment, slot.deployment) for slot in standing]
    )


def forget_memories(connection: sqlite3.Connection, slots: Iterable[Slot]) -> None:
    """Delete the memory of deployments: they go on from what the journal says."""
    names = [(slot.service, slot.environment, slot.deployment) for slot in slots]
    connection.executemany(
        "DELETE FROM serving_slots WHERE service = ? AND environment = ? AND deployment = ?", names
    )
    _count_judgements(connection, names)


def _count_judgements(
    connection: sqlite3.Connection, names: Sequence[tuple[str, str, str]]
) -> None:
    connection.executemany(
        "INSERT INTO serving_judgements VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET number = number + 1",
        names,
    )


def load_judgements(connection: sqlite3.Connection) -> dict[Slot, int]:
    """Load how often each deployment was judged anew, if ever."""
    rows = connection.execute("SELECT * FROM serving_judgements")
    return {Slot(*names): number for *names, number in rows}


def generation_of(connection: sqlite3.Connection) -> int:
    """Return how often any process has written this memory."""
    row = connection.execute("SELECT generation FROM window_pending").fetchone()
    return int(row[0]) if row else 0


def raise_generation(connection: sqlite3.Connection) -> None:
    """Count a change of this memory, so that all processes notice it."""
    connection.execute(
        "INSERT INTO window_pending VALUES (1, 1, '[]')"
        " ON CONFLICT DO UPDATE SET generation = generation + 1"
    )


def load_fed(connection: sqlite3.Connection) -> set[str]:
    """Load the run ids of the starts that were fed to evaluators."""
    return {run_id for (run_id,) in connection.execute("SELECT run_id FROM serving_starts")}


def save_fed(connection: sqlite3.Connection, run_ids: list[str]) -> None:
    """Save the run ids of starts that were fed to evaluators."""
    connection.executemany(
        "INSERT OR IGNORE INTO serving_starts VALUES (?)", [(run_id,) for run_id in run_ids]
    )


def unfeed(connection: sqlite3.Connection, run_ids: Iterable[str]) -> None:
    """Let starts be fed to evaluators once more."""
    connection.executemany(
        "DELETE FROM serving_starts WHERE run_id = ?", [(run_id,) for run_id in run_ids]
    )


def list_implied(connection: sqlite3.Connection) -> list[tuple[Slot, Implied]]:
    """List the model versions that served without a deployment event."""
    return [(slot, item) for slot, memory in all_slots(connection) for item in memory.implied]


def list_blind_counters(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Load, by service, the counters that no window ever filled."""
    rows = connection.execute("SELECT service, blind FROM window_services ORDER BY service")
    return {service: tuple(filter(None, blind.split(","))) for service, blind in rows}
