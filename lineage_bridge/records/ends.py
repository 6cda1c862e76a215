"""When the runs of a deployment ended: a COMPLETE for each, at most.

A run ends when its slot activates another version, when its own instance starts again, and when the
last instance shut down and none started for a while. Only the first two are told by starts; of the
third an observer tells, who sees the windows of a shutdown, or the cluster that took the last
replica away. Silence never ends a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

from lineage_bridge.naming import observe_job
from lineage_bridge.records.start import LinkedStart
from lineage_bridge.times import moved

# The superseded run ends so long before the next START that Marquez's latest run is the one that
# serves.
BEFORE_NEXT_START_SECONDS: Final = 0.001


class Seen(NamedTuple):
    """What an observer found of a deployment's instances.

    Attributes:
        at: when it was found.
        serves: name and version of the model that was judged.
        runs: whether an instance is believed to run.
        flushed: when one shut down last.
        stop_seconds: so long after that no instance starts if the deployment has stopped.
    """

    at: datetime
    serves: tuple[str, str]
    runs: bool
    flushed: datetime | None
    stop_seconds: float


AllSeen = Mapping[str, Sequence[Seen]]  # by the observer's job; of each by time


def with_ends(starts: Iterable[LinkedStart], seen: AllSeen) -> list[LinkedStart]:
    """Set the time at which the run of each start ended.

    Args:
        starts: all of any deployments, as `in_order` sorts them.
        seen: what observers found of their instances.
    """
    ended: list[LinkedStart] = []
    for slot, group in groupby(starts, key=lambda start: start.slot):
        told = seen.get(observe_job(slot.predictions), ())
        ended.extend(_Slot(told).runs_of(replace(start, ended=None) for start in group))
    return ended


class _Slot:
    """The runs of one deployment, followed from start to start."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._seen = seen
        self._runs: dict[str, LinkedStart] = {}
        self._open: dict[str | None, LinkedStart] = {}  # by instance, all of one model version

    def runs_of(self, starts: Iterable[LinkedStart]) -> Iterable[LinkedStart]:
        for start in starts:
            self._shut_down(start.record.time)
            self._take_over(start)
            self._open[start.record.instance] = self._runs[start.run_id] = start
            self._taken_away(start)
        self._shut_down(None)
        return self._runs.values()

    def _taken_away(self, start: LinkedStart) -> None:
        workload = start.record.workload
        if workload is not None and workload.stopped is not None:
            self._end(start.record.instance, max(workload.stopped, start.record.time))

    def _take_over(self, next_start: LinkedStart) -> None:
        record = next_start.record
        before = moved(record.time, -BEFORE_NEXT_START_SECONDS)
        for instance, run in list(self._open.items()):
            if run.record.serves != record.serves or instance == record.instance:
                self._end(instance, max(before, run.record.time))

    def _shut_down(self, next_start: datetime | None) -> None:
        """End all open runs if the last word before the next start is that none of them runs."""
        open_runs = [run.record for run in self._open.values()]
        if not open_runs or not self._seen:
            return
        newest, serves = max(run.time for run in open_runs), open_runs[0].serves
        told = [
            seen
            for seen in self._seen
            if seen.serves == serves
            and newest <= seen.at
            and (next_start is None or seen.at < next_start)
        ]
        flushed = told[-1].flushed if told and not told[-1].runs else None
        if flushed is None or flushed < newest:
            return
        if next_start is None or (next_start - flushed).total_seconds() >= told[-1].stop_seconds:
            for instance in list(self._open):
                self._end(instance, flushed)

    def _end(self, instance: str | None, at: datetime) -> None:
        run = self._open.pop(instance)
        self._runs[run.run_id] = replace(run, ended=at)
