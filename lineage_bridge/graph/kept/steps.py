"""The step from one state of the kept graph to the next.

What an event adds is compared with what is kept; that reads nothing else. An event may also take
something away: it supersedes another one, or a run fails after it had completed. Then an older fact
may count again, and the step looks in the tables for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from lineage_bridge.graph.bind import Made, Named, bind_design, made_order
from lineage_bridge.graph.kept.drafts import Draft
from lineage_bridge.graph.kept.marks import Changes, EventRow, RunNumbers, by_run
from lineage_bridge.graph.kept.places import Places
from lineage_bridge.graph.kept.rows import KeptRows, Told
from lineage_bridge.graph.kept.runs import Bound, Lively, RunReader
from lineage_bridge.graph.model import Node, Run, Version
from lineage_bridge.graph.rows import NodeRow
from lineage_bridge.graph.symlinks import Symlinks
from lineage_bridge.times import from_micros, to_micros


@dataclass(slots=True)
class Kept:
    """What is kept between two steps.

    Attributes:
        nodes: of the graph, by id, sorted. A step makes a new mapping, so whoever was given this
            one may go on reading it.
        looks: the newest run of every job that only looks, by the job's node id.
        places: which events told the facets.
        symlinks: the names that are one node.
        lively: see `RunReader`.
    """

    nodes: Mapping[str, Node]
    looks: dict[str, str]
    places: Places
    symlinks: Symlinks = field(default_factory=Symlinks)
    lively: Lively = field(default_factory=dict)


class Step:
    """One step.

    Args:
        kept: the state before the step; `take` turns it into the state after it.
        rows: the tables after it.
    """

    def __init__(self, kept: Kept, rows: KeptRows) -> None:
        self._kept = kept
        self._rows = rows
        self._drafts: dict[str, Draft] = {}
        self._runs = RunReader(rows, kept.lively)
        self._named: Mapping[int, Sequence[Named]] = {}
        self._doubtful: set[tuple[str, str]] = set()  # versions to look up in the tables

    def take(self, changes: Changes) -> None:
        """Bring the graph up to date."""
        self._named = self._runs.read_named(event.said for event in chain(*changes))
        self._rename(changes.new)
        self._see(changes.come)
        self._bind(by_run(changes.come), by_run(changes.gone))
        self._bind_designs(chain(changes.come, changes.gone))
        self._tell(changes.come)
        self._doubt(changes.gone)
        self._settle_versions()
        self._tell_new_versions()
        self._take_back_facets(changes.gone)
        self._finish(self._left(changes.gone))

    def _draft(self, row: NodeRow) -> Draft:
        found = self._drafts.get(row.id)
        if found is None:
            old = self._kept.nodes.get(row.id)
            found = self._drafts[row.id] = Draft(row, old, self._kept.places)
        return found

    def _dataset(self, node_id: str) -> Draft:
        return self._drafts.get(node_id) or self._draft(self._rows.node_of_id(node_id))

    # What is added

    def _rename(self, new: Iterable[EventRow]) -> None:
        """Find nodes whose name has changed: colons can make one id of two names."""
        for row in self._nodes_of(new):
            old = self._kept.nodes.get(row.id)
            if old is not None and (old.namespace, old.name, old.symlinks) != row[2:]:
                self._draft(row)

    def _nodes_of(self, events: Iterable[EventRow]) -> set[NodeRow]:
        rows = {self._rows.node(e.job) for e in events if e.job is not None}
        ids = {named.dataset for e in events for named in self._named[e.said]}
        return rows | {self._rows.node_of_id(id_) for id_ in ids}

    def _see(self, come: Iterable[EventRow]) -> None:
        for event in come:
            if event.job is not None:
                self._draft(self._rows.node(event.job)).is_seen = True
            for named in self._named[event.said]:
                draft = self._dataset(named.dataset)
                draft.is_seen = True
                if not named.version:
                    continue
                if named.role == "stated":
                    self._made(Made(named.dataset, named.version, event.time_us, None, None))
                elif named.role == "input" and draft.version(named.version) is None:
                    draft.put_version(Version(named.version))

    def _made(self, made: Made) -> None:
        """Note who made a version, unless somebody else made it later."""
        draft = self._dataset(made.dataset)
        known = draft.version(made.version)
        if known is not None and known.time is not None:
            known_us = to_micros(known.time)
            before = Made(made.dataset, made.version, known_us, known.run, known.job)
            if (known.run, known.job) == (made.run, made.job) and made.run is not None:
                if made.time_us < known_us:  # earlier than before: now another may be the latest
                    self._doubtful.add((made.dataset, made.version))
            elif made_order(made) < made_order(before):
                return
        self._put_made(draft, made)

    def _put_made(self, draft: Draft, made: Made) -> None:
        base = draft.version(made.version) or Version(made.version)
        time = from_micros(made.time_us)
        draft.put_version(replace(base, run=made.run, job=made.job, time=time))

    def _tell(self, come: Iterable[EventRow]) -> None:
        sayings = self._rows.sayings({event.said for event in come})
        for event in come:
            for node, version, key, _, value in sayings[event.said]:
                draft, told = self._dataset(node), Told(key, event.place, value)
                draft.tell("", told)
                if version and draft.old_version(version) is not None:
                    draft.tell(version, told)

    # Runs

    def _bind(
        self,
        come: Mapping[RunNumbers, Sequence[EventRow]],
        gone: Mapping[RunNumbers, Sequence[EventRow]],
    ) -> None:
        of_jobs: dict[int, list[RunNumbers]] = defaultdict(list)
        for run in come.keys() | gone.keys():
            of_jobs[run.job].append(run)
        for job, runs in of_jobs.items():
            looks = self._rows.node(job).id in self._kept.looks or any(r.observes for r in runs)
            if looks:
                self._bind_looking(job, runs, is_less=any(run in gone for run in runs))
                continue
            for run in runs:
                followed = self._runs.follow(run, come.get(run, ()), is_less=run in gone)
                self._put_run(run, followed)

    def _bind_designs(self, events: Iterable[EventRow]) -> None:
        for job in {e.job for e in events if e.job is not None and e.run is None}:
            found, design = self._rows.design_of(job), None
            draft = self._draft(self._rows.node(job))
            if found is not None:
                newest, observes = found
                named = self._runs.read_named([newest.said])[newest.said]
                design = bind_design(draft.row.id, newest, named, observes=bool(observes))
            draft.put_design(design)

    def _put_run(self, run: RunNumbers, bound: Bound | None) -> None:
        draft = self._draft(self._rows.node(run.job))
        old = draft.old_run(run.run)
        draft.put_run(run.run, None if bound is None else bound[0])
        self._exchange_versions([] if old is None else [old], [] if bound is None else [bound])

    def _exchange_versions(self, old: Iterable[Run], bound: Sequence[Bound]) -> None:
        """Find the versions that these runs make from now on, and those they no longer make."""
        made = [made for _, of_run in bound for made in of_run]
        still = {(m.dataset, m.version, m.run) for m in made}
        for run in old:
            for output in run.outputs:
                if output.version and (output.dataset, output.version, run.id) not in still:
                    self._lose(output.dataset, output.version, run)
        for entry in made:
            self._made(entry)

    def _lose(self, dataset: str, version: str, run: Run) -> None:
        known = self._dataset(dataset).version(version)
        if known is not None and (known.run, known.job) == (run.id, run.job):
            self._doubtful.add((dataset, version))

    def _bind_looking(self, job: int, runs: Sequence[RunNumbers], *, is_less: bool) -> None:
        """Bind the run of a job that only looks: the graph has only the newest one."""
        self._runs.forget(runs)
        draft = self._draft(self._rows.node(job))
        job_id, known = draft.row.id, self._kept.looks.get(draft.row.id)
        count = 0 if draft.old is None else len(draft.old.runs)
        among = None if is_less else {run.run for run in runs} | ({known} if known else set())
        newest = self._rows.newest_look(job, among)
        if newest is None:
            self._kept.looks.pop(job_id, None)
        else:
            self._kept.looks[job_id] = newest
        if any(not run.observes for run in runs) or count > (known is not None):
            self._bind_both(draft, job, newest)
            return
        if known is not None and known != newest:
            self._put_run(RunNumbers(1, job, known), None)
        if newest is not None:
            run = RunNumbers(1, job, newest)
            self._put_run(run, self._runs.read(run))

    def _bind_both(self, draft: Draft, job: int, look: str | None) -> None:
        """Bind all runs of one job that colons made of two: one only looks, one does not."""
        runs = self._rows.runs_of(job, 0)
        if look is not None:
            runs.append(RunNumbers(1, job, look))
        bound = [found for run in runs if (found := self._runs.read(run))]
        ordered = sorted((run for run, _ in bound), key=lambda run: (run.first, run.id))
        draft.put_all_runs(ordered)
        self._exchange_versions(() if draft.old is None else draft.old.runs, bound)

    # What is taken away

    def _doubt(self, gone: Iterable[EventRow]) -> None:
        """Find the versions that only these events may have named."""
        for event in gone:
            for named in self._named[event.said]:
                known = self._dataset(named.dataset).version(named.version)
                if known is not None and known.run is None and named.role in {"input", "stated"}:
                    self._doubtful.add((named.dataset, named.version))

    def _settle_versions(self) -> None:
        for dataset, version in self._doubtful:
            draft = self._dataset(dataset)
            made = max(self._makers(dataset, version), key=made_order, default=None)
            if made is not None:
                self._put_made(draft, made)
            elif self._rows.is_read(dataset, version):
                known = draft.version(version) or Version(version)
                draft.put_version(replace(known, run=None, job=None, time=None))
            else:
                draft.drop_version(version)

    def _makers(self, dataset: str, version: str) -> Iterable[Made]:
        stated_us = self._rows.stated_us(dataset, version)
        if stated_us is not None:
            yield Made(dataset, version, stated_us, None, None)
        for run in self._rows.writing(dataset, version):
            look = self._kept.looks.get(self._rows.node(run.job).id)
            bound = self._runs.read(run)
            if bound is not None and (not run.observes or run.run == look):
                for made in bound[1]:
                    if (made.dataset, made.version) == (dataset, version):
                        yield made

    def _tell_new_versions(self) -> None:
        """Read the facets of new versions: events may have told them before the version counted."""
        for draft in self._drafts.values():
            for version in draft.new_versions:
                draft.tell_anew(version, self._rows.told_of_version(draft.row.id, version))

    def _take_back_facets(self, gone: Iterable[EventRow]) -> None:
        sayings = self._rows.sayings({event.said for event in gone})
        for event in gone:
            for node, version, key, _, _ in sayings[event.said]:
                draft = self._dataset(node)
                if draft.is_told_at("", key, event.place):
                    draft.tell_key_anew(key, self._rows.told_of_node(node, key))
                if not version or draft.version(version) is None:
                    continue
                if draft.is_told_at(version, key, event.place):
                    draft.tell_anew(version, self._rows.told_of_version(node, version))

    def _left(self, gone: Iterable[EventRow]) -> set[str]:
        """The nodes that no event names any longer."""
        unseen = [row for row in self._nodes_of(gone) if not self._draft(row).is_seen]
        return {row.id for row in unseen if not self._rows.is_there(row.id)}

    def _finish(self, left: set[str]) -> None:
        changed: dict[str, Node] = {}
        for id_, draft in self._drafts.items():
            if id_ in left:
                self._kept.places.drop_node(id_)
            elif draft.old is not None or draft.is_seen:
                node = draft.finished()
                if node is not draft.old:
                    changed[id_] = node
        if changed or left:
            self._kept.nodes = _exchanged(self._kept.nodes, changed, left)


def _exchanged(
    nodes: Mapping[str, Node], changed: Mapping[str, Node], left: set[str]
) -> dict[str, Node]:
    found = dict(nodes)
    for id_ in left:
        found.pop(id_, None)
    new = changed.keys() - found.keys()
    found.update(changed)
    if not new:
        return found
    return {id_: found[id_] for id_ in sorted(found)}  # nearly in order, so soon sorted
