"""Progress of long work: bars on standard error where that is a terminal, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Report = Callable[[str, int, int | None], None]
"""Is told a step, how much of it is done, and of how much, None if nobody knows."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Report]:
    """Draw a bar for each step, from the first report on; they vanish at the end."""
    bars: Progress | None = None
    tasks: dict[str, TaskID] = {}

    def report(step: str, done: int, total: int | None) -> None:
        nonlocal bars
        if quiet:
            return
        bars = bars or _started()
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)

    try:
        yield report
    finally:
        if bars is not None:
            bars.stop()


def _started() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    bars = Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    bars.start()
    return bars
