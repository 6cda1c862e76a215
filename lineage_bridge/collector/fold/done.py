"""How far a large event has been applied: enough for another process to go on from there.

Generators apply an event. Wherever one yields, the writes until then may be committed.
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
    """The parts of an event that are in the tables.

    Attributes:
        job: namespace and name in the tables; None until the job, and the run, are there.
        run: its run; None for an event without one.
        versions: the rows of the versions of its finished datasets, in the event's order.
        columns: how many typed columns of the next dataset are there.
        column_ids: the rows of the next dataset's columns without a type.
        mapped: how many columns of the next dataset's column lineage are done.
        recipes: their rows, each with its recipe (see `recipes`).
    """

    job: tuple[str, str] | None = None
    run: RunDone | None = None
    versions: list[int] = []
    columns: int = 0
    column_ids: list[int] = []
    mapped: int = 0
    recipes: list[tuple[int, int]] = []

    def finish_dataset(self, version: int) -> None:
        """Note that one more dataset is complete."""
        self.versions.append(version)
        self.columns = self.mapped = 0
        self.column_ids, self.recipes = [], []


def exhaust(steps: Generator[None, None, T]) -> T:
    """Run a generator to its end without a commit; return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typeshed has Any for it
