"""What is inherited equals what an oracle finds that tries every pair of ends, source by source."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from lineage_bridge.assess.status.faults import Fault
from lineage_bridge.graph.model import Binding, End, Graph, Node, Run, Version
from lineage_bridge.graph.travel import Travel, spread

START = datetime(2026, 4, 1, tzinfo=UTC)
WORST = ["bad", "warn", "unknown"]


def minute(number):
    return START + timedelta(minutes=number)


class World:
    """A random graph, with cycles, in plain lists; `graph()` puts it together."""

    def __init__(self, seed):
        rng = self.rng = random.Random(seed)
        self.datasets = [f"dataset:ns:d{n}" for n in range(rng.randint(1, 6))]
        self.versions = {
            name: [f"v{n}" for n in range(rng.choice([0, 0, 1, 2, 3]))] for name in self.datasets
        }
        self.runs = [self.run(n) for n in range(rng.randint(1, 9))]
        self.feedback = {
            (rng.choice(self.datasets), rng.choice(self.datasets))
            for _ in range(rng.choice([0, 0, 1, 2]))
        }
        self.faults = self.some_faults()

    def run(self, number):
        rng = self.rng
        streaming, began = rng.random() < 0.4, rng.randint(0, 20)
        ended = None if rng.random() < (0.6 if streaming else 0.1) else began + rng.randint(1, 9)
        state = "RUNNING" if ended is None else rng.choice(["COMPLETED", "COMPLETED", "FAILED"])
        void = state == "FAILED" and not streaming
        job = f"job:ns:{rng.choice(['a', 'b', 'observe.c'])}{rng.randint(0, 2)}"
        reads = [self.read(job, streaming=streaming) for _ in range(rng.randint(0, 3))]
        writes = [] if void else [self.write() for _ in range(rng.randint(0, 2))]
        return {
            "end": End(job, f"run-{number}"), "streaming": streaming, "began": began,
            "ended": ended, "state": state, "reads": list(dict.fromkeys(reads)),
            "writes": list(dict.fromkeys(writes)),
        }  # fmt: skip

    def read(self, job, *, streaming):
        dataset, version = self.write()
        kind = "observe" if "observe" in job else "snapshot"
        if streaming and version is None:
            kind = "live"
        return dataset, version, kind

    def write(self):
        dataset = self.rng.choice(self.datasets)
        return dataset, self.rng.choice([None, *self.versions[dataset]])

    def ends(self):
        found = [End(name) for name in self.datasets]
        found += [End(name, v) for name, known in self.versions.items() for v in known]
        found += [run["end"] for run in self.runs]
        return [*found, *{End(run["end"].node) for run in self.runs}]

    def some_faults(self):
        rng = self.rng
        chosen = rng.sample(ends := self.ends(), rng.randint(0, min(4, len(ends))))
        kinds = ["content", "age", "run", "drift"]
        return {
            end: tuple(
                Fault.of("x", rng.choice(WORST), rng.choice(kinds), self.some_time())
                for _ in range(rng.randint(1, 2))
            )
            for end in chosen
        }

    def some_time(self):
        return None if self.rng.random() < 0.6 else minute(self.rng.randint(0, 25))

    def graph(self):
        nodes = {}
        for name in self.rng.sample(self.datasets, len(self.datasets)):
            known = [Version(v, time=self.made(name, v)) for v in self.versions[name]]
            known.sort(key=lambda v: (v.time is not None, v.time or START, v.version))
            nodes[name] = Node(name, "dataset", "ns", name[11:], versions=tuple(known))
        for job in sorted({run["end"].node for run in self.runs}):
            runs = sorted(map(as_run, (r for r in self.runs if r["end"].node == job)), key=age)
            nodes[job] = Node(job, "job", "ns", job[7:], runs=tuple(runs))
        return Graph(minute(30), dict(sorted(nodes.items())))

    def made(self, dataset, version):
        """When a version was written: at the end of a batch run, at the begin of a stream."""
        times = [
            run["began"] if run["streaming"] else run["ended"]
            for run in self.runs
            if (dataset, version) in run["writes"]
            and (run["streaming"] or run["state"] == "COMPLETED")
        ]
        return minute(max(times)) if times else None


def as_run(run):
    end = run["end"]
    return Run(
        end.mark,
        end.node,
        run["state"],
        minute(run["began"]),
        minute(run["began"]),
        None if run["ended"] is None else minute(run["ended"]),
        run["streaming"],
        tuple(Binding(*read) for read in run["reads"]),
        tuple(Binding(*written, "snapshot") for written in run["writes"]),
    )


def age(run):
    return run.first, run.id


class Oracle:
    """Says of each pair of ends whether trouble steps from one to the other."""

    def __init__(self, world):
        self.world = world
        self.runs = [run for run in world.runs if "observe" not in run["end"].node]
        self.ends = world.ends()

    def steps(self, source, target, way, since):
        run = next((r for r in self.runs if target == r["end"]), None)
        if run is not None:
            return any(self.is_read(source, run, read, way, since) for read in run["reads"])
        run = next((r for r in self.runs if source == r["end"]), None)
        if run is not None:
            return any(self.is_written(target, run, written, way) for written in run["writes"])
        if way == "live" and source.mark is None and source.node.startswith("job"):
            return target in [End(name) for name, _ in self.writes_of(source.node)]
        return False

    def is_read(self, source, run, read, way, since):  # noqa: PLR0911 # a rule a line
        dataset, version, kind = read
        if source.node != dataset or kind == "observe":
            return False
        if any((dataset, name) in self.world.feedback for name, _ in run["writes"]):
            return False
        if way == "live":
            now = run["streaming"] and run["state"] == "RUNNING"
            return now and kind == "live" and source.mark is None
        if version is not None:
            return source.mark == version
        too_early = not run["streaming"] and since is not None and minute(run["began"]) < since
        if source.mark is None and too_early:
            return False
        if self.world.versions[dataset]:
            limit = run["ended"] if kind == "live" else run["began"]
            return source.mark == self.newest(dataset, limit)
        if source.mark is not None:
            return False
        last = [r["ended"] for r in self.last_unversioned(dataset)]
        return kind == "live" or not last or run["began"] >= max(last)

    def is_written(self, target, run, written, way):
        dataset, version = written
        if way == "live":
            return run["streaming"] and run["state"] == "RUNNING" and target == End(dataset)
        if target != End(dataset, version):
            return False
        last = self.last_unversioned(dataset, run["end"].node)
        return version is not None or run["streaming"] or not last or run in last

    def newest(self, dataset, limit):
        made = [(self.world.made(dataset, v), v) for v in self.world.versions[dataset]]
        written = [pair for pair in made if pair[0] and (limit is None or pair[0] <= minute(limit))]
        return max(written)[1] if written else None

    def last_unversioned(self, dataset, job=None):
        """The newest batch run of each job that wrote a dataset without a version."""
        found = {}
        for run in sorted(self.runs, key=lambda r: (r["ended"] or 0, r["began"], r["end"].mark)):
            batch = not run["streaming"] and run["ended"] is not None
            if batch and (dataset, None) in run["writes"] and job in {None, run["end"].node}:
                found[run["end"].node] = run
        return list(found.values())

    def writes_of(self, job):
        of_job = [r for r in self.runs if r["end"].node == job and r["writes"]]
        newest = max(of_job, key=lambda r: (r["began"], r["end"].mark), default=None)
        return [] if newest is None else newest["writes"]

    def distances(self, source, way, since):
        """Relax all pairs until nothing is nearer."""
        known = {source: 0}
        changed = True
        while changed:
            changed = False
            for before, distance in list(known.items()):
                for after in self.ends:
                    if known.get(after, 99) > distance + 1 and self.steps(
                        before, after, way, since if before == source else None
                    ):
                        known[after], changed = distance + 1, True
        return known

    def inherited(self):
        """A root is an origin to which nothing as bad comes; roots come before others."""
        worst_to = {end: key[0] for end, key in self.nearest(lambda _end, _rank: True).items()}

        def is_root(end, rank):
            return worst_to.get(end, 9) > rank

        roots = self.nearest(is_root)
        others = self.nearest(lambda end, rank: not is_root(end, rank))
        return {
            end: min(
                (found[end][0], n, found[end])
                for n, found in enumerate((roots, others))
                if end in found
            )[2]
            for end in worst_to
        }

    def nearest(self, takes):
        best = {}
        for source, own in self.world.faults.items():
            for level in WORST:
                for way in ("bound", "live"):
                    begun = [f.since for f in own if (f.level, f.travels) == (level, way)]
                    if begun and takes(source, WORST.index(level)):
                        since = None if None in begun else min(begun)
                        for end, distance in self.distances(source, way, since).items():
                            key = WORST.index(level), distance, str(source)
                            if end != source and key < best.get(end, (9,)):
                                best[end] = key
        return best


def found_in(world):
    return spread(Travel(world.graph(), world.feedback), world.faults)


@pytest.mark.sample
@pytest.mark.parametrize("block", range(10))
def test_what_is_inherited_is_what_the_oracle_finds(block):
    for seed in range(block * 50, block * 50 + 50):
        world = World(seed)
        found = found_in(world)
        shown = {
            end: (WORST.index(one.level), one.distance, str(one.origin))
            for end, one in found.items()
        }
        assert shown == Oracle(world).inherited(), seed


@pytest.mark.parametrize("seed", range(100))
def test_a_path_leads_step_by_step_from_the_origin(seed):
    world = World(seed)
    oracle = Oracle(world)
    for end, one in found_in(world).items():
        assert (one.path[0], one.path[-1]) == (one.origin, end)
        for before, after in zip(one.path, one.path[1:], strict=False):
            assert oracle.steps(before, after, one.way, None)


@pytest.mark.parametrize("seed", range(100))
def test_the_order_of_nodes_changes_nothing_and_recovery_clears(seed):
    world = World(seed)
    graph = world.graph()
    turned = Graph(graph.at, dict(reversed(graph.nodes.items())))
    faults = dict(reversed(world.faults.items()))
    assert found_in(world) == spread(Travel(turned, world.feedback), faults)
    for repaired in world.faults:
        left = {end: own for end, own in world.faults.items() if end != repaired}
        assert all(
            one.origin != repaired for one in spread(Travel(graph, world.feedback), left).values()
        )
    assert spread(Travel(graph, world.feedback), {}) == {}
