"""Reading the runs that events touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lineage_bridge.graph.bind import Group, Made, Named
from lineage_bridge.graph.kept.marks import EventRow, RunNumbers
from lineage_bridge.graph.kept.rows import KeptRows
from lineage_bridge.graph.load import bind_of
from lineage_bridge.graph.model import Run
from lineage_bridge.graph.rows import RunKey

MAX_LIVELY = 1000

Bound = tuple[Run, list[Made]]

# The groups of the runs that had events lately, the latest run last.
Lively = dict[RunNumbers, list[Group]]


class RunReader:
    """Reads runs, and the datasets that their events name.

    Args:
        rows: the tables.
        lively: the groups of the runs that had events lately. A run that goes on for a year has a
            hundred thousand events; for the next one it must not read all of them again.
    """

    def __init__(self, rows: KeptRows, lively: Lively) -> None:
        self._rows = rows
        self._lively = lively
        self._named: dict[int, Sequence[Named]] = {}

    def read_named(self, sets: Iterable[int]) -> Mapping[int, Sequence[Named]]:
        """The datasets in these sets, and in all that were asked for before."""
        missing = set(sets) - self._named.keys()
        if missing:
            found = self._rows.named(missing)
            self._named |= {set_id: found.get(set_id, ()) for set_id in missing}
        return self._named

    def read(self, run: RunNumbers) -> Bound | None:
        """A run, and the versions that it made; None if it has no events."""
        return self._bound(run, self._rows.groups_of(run))

    def follow(self, run: RunNumbers, come: Iterable[EventRow], *, is_less: bool) -> Bound | None:
        """The same, read only if it had no event lately.

        Args:
            run: which one.
            come: its events that count from now on.
            is_less: others of its events count no longer.
        """
        known = self._lively.pop(run, None)
        if known is None or is_less:
            groups = self._rows.groups_of(run)
        else:
            groups = [*known, *(event.group for event in come)]
        groups = _joined(groups, self.read_named(group.said for group in groups))
        self._lively[run] = groups
        if len(self._lively) > MAX_LIVELY:
            del self._lively[next(iter(self._lively))]
        return self._bound(run, groups)

    def forget(self, runs: Iterable[RunNumbers]) -> None:
        """Forget the groups of these runs: `follow` is not told of their next events."""
        for run in runs:
            self._lively.pop(run, None)

    def _bound(self, run: RunNumbers, groups: Sequence[Group]) -> Bound | None:
        if not groups:
            return None
        key = RunKey(self._rows.node(run.job).id, run.run, run.observes)
        named = self.read_named(group.said for group in groups)
        facets = self._rows.run_facets({group.run_said for group in groups})
        return bind_of(key, groups, named, facets)


def _joined(groups: Iterable[Group], named: Mapping[int, Sequence[Named]]) -> list[Group]:
    """Join the groups that name the same datasets and have the same run facets.

    Their sets can still differ, by facets of the datasets; a run does not depend on those.
    """
    found: dict[tuple[tuple[Named, ...], int], Group] = {}
    for group in groups:
        key = (tuple(named[group.said]), group.run_said)
        known = found.get(key)
        found[key] = group if known is None else _both(known, group)
    return list(found.values())


def _both(one: Group, other: Group) -> Group:
    return Group(
        one.said,
        one.run_said,
        max(one.streaming, other.streaming),
        min(one.first_us, other.first_us),
        min((us for us in (one.started_us, other.started_us) if us is not None), default=None),
        max((turn for turn in (one.turn, other.turn) if turn is not None), default=None),
        max(one.last, other.last),
    )
