"""Names that jobs have under their parents: Marquez calls a job `<parent>.<job>`.

A run event names its parent in the facet `parent`. The graph leaves the job its own name; here are
the others, for whoever asks by one, and the earlier looks of observers, which the graph leaves out.
They are read only then.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from lineage_bridge.events import as_object, name_of, text_of
from lineage_bridge.graph.find.names import formatted_namespace
from lineage_bridge.graph.model import End, Graph, Node
from lineage_bridge.times import from_micros

_FACETS = "SELECT set_id, value FROM graph_run_facets WHERE key IN ('parent', 'parentRun')"
_RUNS = """
SELECT DISTINCT n.id, e.run, e.run_said FROM graph_events e JOIN graph_nodes n ON n.node = e.job
WHERE e.run IS NOT NULL
"""


_LOOKS = """
SELECT n.id, e.run, min(e.time_us) FROM graph_events e JOIN graph_nodes n ON n.node = e.job
WHERE e.observes = 1 AND e.run IS NOT NULL GROUP BY e.job, e.run
"""


class _Parent(NamedTuple):
    """A parent as a facet names it; the run id may be empty."""

    namespace: str
    job: str
    run: str

    @property
    def runs(self) -> set[str]:
        """Its run id, and as Marquez writes one that is no UUID."""
        text = f"{self.namespace}.{self.job.rpartition('.')[0] or self.job}.{self.run}"
        return {self.run, str(uuid.uuid3(uuid.NAMESPACE_URL, text))} if self.run else set()


@dataclass(frozen=True, slots=True)
class Parents:
    """What is named by a parent.

    Attributes:
        jobs: node ids of jobs by their names under a parent, and by the parent's own name; with
            `job:` and the namespace in front, with the namespace, and alone.
        runs: runs by the id of their parent's run, and jobs by the runs that the graph leaves out.
    """

    jobs: Mapping[str, Collection[str]]
    runs: Mapping[str, Collection[End]]


def read_parents(connection: sqlite3.Connection, graph: Graph) -> Parents:
    """Read the parents of a graph's runs."""
    parents = {
        said: parent
        for said, value in connection.execute(_FACETS)
        if value is not None and (parent := _parent_of(value)) is not None
    }
    jobs: dict[str, dict[str, None]] = defaultdict(dict)
    runs: dict[str, dict[End, None]] = defaultdict(dict)
    for job, run, said in connection.execute(_RUNS) if parents else ():
        node, parent = graph.nodes.get(job), parents.get(said)
        if node is None or parent is None or node.run_of_id(run) is None:
            continue
        for text in _names_under(parent.job, node):
            jobs[text][job] = None
        for text in parent.runs:
            runs[text][End(job, run)] = None
    for job, run, time_us in connection.execute(_LOOKS):
        node = graph.nodes.get(job)
        if node is not None and _is_earlier(node, run, time_us):
            for text in (run, f"{job}@{run}"):
                runs[text][End(job)] = None
    return Parents(jobs, runs)


def _is_earlier(observer: Node, run: str, time_us: int) -> bool:
    """Whether a look is left out because of a newer one; one after the asked time is unknown."""
    looks = observer.runs
    if not looks or observer.run_of_id(run) is not None:
        return False
    return from_micros(time_us) <= looks[-1].first


def _parent_of(facet: str) -> _Parent | None:
    document = as_object(orjson.loads(facet))
    job = name_of(as_object(document.get("job")))
    run = text_of(as_object(document.get("run")).get("runId")) or ""
    return None if job is None else _Parent(*job, run)


def _names_under(parent: str, job: Node) -> Iterator[str]:
    if parent == job.name and "." in parent:
        parent = parent.rpartition(".")[0]
    for name in (f"{parent}.{job.name.removeprefix(f'{parent}.')}", parent):
        yield name
        for namespace in {job.namespace, formatted_namespace(job.namespace)}:
            yield f"{namespace}:{name}"
            yield f"job:{namespace}:{name}"
