"""How far a large event has been taken in: enough for another process to go on from there.

An event is taken in by generators. Where one yields, what was written until then may be committed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import msgspec

T = TypeVar("T")


class RunDone(msgspec.Struct):
    """The run of the event (see `reduce_runs.Run`)."""

    id: int
    uuid: str
    state: str | None
    is_late: bool
    is_over: bool
    job_facets: bytes | None


class Done(msgspec.Struct):
    """What of an event is in the tables.

    Attributes:
        job: its namespace and name in the tables; None until the job, and the run, are there.
        run: its run; None for an event without one.
        versions: the rows of the versions of its datasets, in the event's order.
        columns: how many typed columns of the next dataset are there.
        column_ids: the rows of its columns without a type.
        mapped: how many columns of its column lineage were looked at.
    """

    job: tuple[str, str] | None = None
    run: RunDone | None = None
    versions: list[int] = []
    columns: int = 0
    column_ids: list[int] = []
    mapped: int = 0

    def finish_dataset(self, version: int) -> None:
        """One more dataset is there, whole."""
        self.versions.append(version)
        self.columns = self.mapped = 0
        self.column_ids = []


def exhaust(steps: Generator[None, None, T]) -> T:
    """Run through without a stop; return what the generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typeshed has Any for it
