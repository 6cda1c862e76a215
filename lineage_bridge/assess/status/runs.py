"""Faults of a job by its runs: the last one failed or was aborted, or one takes far too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from lineage_bridge.assess.status.faults import BAD, WARN, Fault, Level

LONGER_THAN_LONGEST: Final = 1.5
FEWEST_RUNS: Final = 10

_CODES: Final[dict[str, tuple[str, Level]]] = {
    "FAILED": ("run_failed", BAD),
    "ABORTED": ("run_aborted", WARN),
}


class RunFacts(NamedTuple):
    """What is known of one run.

    Attributes:
        state: RUNNING until something ends it.
        began: its start, or else its first event.
        ended: None while it goes on.
    """

    state: Literal["RUNNING", "COMPLETED", "FAILED", "ABORTED"]
    began: datetime
    ended: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return None if self.ended is None else (self.ended - self.began).total_seconds()


def faults_of_runs(runs: Iterable[RunFacts], at: datetime, *, streaming: bool) -> Iterator[Fault]:
    """Yield what is wrong with a job by its runs.

    What counts is the run that ended last: while it is tried again, a job that failed has not
    recovered. `since` is the first failure after the last success.

    Args:
        runs: of the job.
        at: the instant to judge at.
        streaming: its runs have no end by nature, so none takes too long.
    """
    listed = list(runs)
    ended = sorted((run for run in listed if run.ended is not None), key=_end)
    if ended and ended[-1].state in _CODES:
        yield _of_last(ended)
    if not streaming:
        yield from _of_length(listed, ended, at)


def _of_last(ended: Sequence[RunFacts]) -> Fault:
    last = ended[-1]
    code, level = _CODES[last.state]
    failures = []
    for run in reversed(ended):
        if run.state not in _CODES:
            break
        failures.append(run)
    return Fault.of(code, level, "run", failures[-1].ended, float(len(failures)), 0.0)


def _of_length(
    runs: Iterable[RunFacts], ended: Iterable[RunFacts], at: datetime
) -> Iterator[Fault]:
    going = [run for run in runs if run.ended is None]
    if not going:
        return
    known = [run.seconds or 0.0 for run in ended if run.state == "COMPLETED"]
    if len(known) < FEWEST_RUNS:
        return
    limit = LONGER_THAN_LONGEST * max(known)
    oldest = min(going, key=lambda run: run.began)
    seconds = (at - oldest.began).total_seconds()
    if limit > 0 and seconds > limit:
        yield Fault.of("run_seconds", WARN, "run", oldest.began, seconds, limit)


def _end(run: RunFacts) -> tuple[datetime, datetime]:
    assert run.ended is not None
    return run.ended, run.began
