"""The graph, paths and how nodes were identified, as tables for people.

They are made to fit: no namespaces where there is no room, only a part of a run id that tells it
apart (which `find` accepts), edges between the same two nodes in one line. JSON and diagrams leave
nothing out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lineage_bridge.graph.find import RunParts
from lineage_bridge.graph.model import Binding, Design, Edge, Graph, Node
from lineage_bridge.graph.paths import Path, hop_time
from lineage_bridge.show.statuses import status_of, summary
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import counted, moment, percent

if TYPE_CHECKING:
    from lineage_bridge.link.outcome import Decision

MAX_EDGES: Final = 200  # more lines than that nobody reads

_METHODS: Final[Mapping[str, str]] = {
    "declared": "declared in lineage-bridge.toml",
    "path": "path",
    "stem": "file name",
    "hash": "content",
    "suffix": "name without its time stamp",
    "version": "version, as the only one that has it",
    "name": "name, though nothing of that name was read",
    "run_id": "run id",
    "model_version": "name and version",
    "label": "label in the registry",
    "triple": "dataset version and times of its training",
    "event": "the event itself",
}

_NAME: Final = 32  # places that a name needs to be read
_VERSION: Final = 20  # as many as a time
_NAMESPACE: Final = 14


def graph_tables(graph: Graph, parts: RunParts | None = None) -> Iterator[Table]:
    """Make tables of the datasets, the jobs and the edges, but no empty table.

    Args:
        graph: all of it, or a part.
        parts: of the runs of all of it; None where `graph` is that.
    """
    parts = parts or RunParts(run.id for run in graph.runs)
    datasets = [node for node in graph.nodes.values() if node.kind == "dataset"]
    jobs = [node for node in graph.nodes.values() if node.kind == "job"]
    if datasets:
        yield _dataset_table(datasets)
    if jobs:
        yield _job_table(jobs, parts)
    if graph.edges:
        yield _edge_table(graph)


def path_table(
    path: Path, parts: RunParts | None = None, *, title: str = "", whole: str = "--json has all"
) -> Table:
    """Make a table of a path from beginning to end, one line for each dataset and run on it.

    Args:
        path: as found.
        parts: of all runs of the graph; None where only those on the path matter.
        title: of the table.
        whole: see `Table`.
    """
    parts = parts or RunParts(end.mark for end in path.ends if end.mark)
    table = Table(
        Column("when"),
        Column("kind", 3),
        Column("name", fold="anywhere", narrowest=_NAME),
        Column("version or run", fold="anywhere", narrowest=_VERSION),
        Column("edge", 1),
        Column("identified by", 2, fold="blanks", narrowest=18),
        title=title,
        whole=whole,
    )
    table.add("", *_stop(path, 0, parts), "", "")
    for number, hop in enumerate(path.hops, start=1):
        kind, link = hop.binding.kind, _link(hop.binding)
        table.add(moment(hop_time(hop)), *_stop(path, number, parts), kind, link)
    return table


def _stop(path: Path, number: int, parts: RunParts) -> tuple[str, str, str]:
    end, name = path.ends[number], path.names[number]
    is_job = end.node.startswith("job:")
    mark = parts.of(end.mark) if is_job and end.mark else end.mark or ""
    return "job" if is_job else "dataset", name, mark


def _dataset_table(nodes: Sequence[Node]) -> Table:
    has_others = any(node.symlinks for node in nodes)
    table = Table(
        Column("dataset", fold="anywhere", narrowest=_NAME),
        Column("newest version", 4, fold="anywhere", narrowest=_VERSION),
        Column("written", 3),
        Column("versions", 1, right=True),
        Column("namespace", 2, fold="anywhere", narrowest=_NAMESPACE),
        *([Column("also called", 5, fold="anywhere", narrowest=_NAME)] if has_others else []),
        title=counted(len(nodes), "dataset"),
    )
    for node in nodes:
        newest = node.versions[-1] if node.versions else None
        version, time = (newest.version, newest.time) if newest else ("", None)
        others = [f"{namespace}:{name}" for namespace, name in node.symlinks]
        table.add(
            *(node.name, version, moment(time), _number(node.versions), node.namespace),
            *([others] if has_others else []),
        )
    return table


def _job_table(nodes: Sequence[Node], parts: RunParts) -> Table:
    table = Table(
        Column("job", fold="anywhere", narrowest=_NAME),
        Column("state", 5),
        Column("since", 4),
        Column("newest run", 3),
        Column("runs", 1, right=True),
        Column("namespace", 2, fold="anywhere", narrowest=_NAMESPACE),
        title=summary("job", map(_state, nodes)),
    )
    for node in nodes:
        run = node.runs[-1] if node.runs else None
        table.add(
            node.name,
            status_of(_state(node)),
            moment((run.ended or run.started or run.first) if run else None),
            parts.of(run.id) if run else "",
            _number(node.runs),
            node.namespace,
        )
    return table


def _state(node: Node) -> str:
    return node.runs[-1].state if node.runs else "never ran"


def _edge_table(graph: Graph) -> Table:
    bundles = _bundles(graph.edges)
    table = Table(
        Column("from", fold="anywhere", narrowest=24),
        Column("to", fold="anywhere", narrowest=24),
        Column("edge", 3),
        Column("times", 1, right=True),
        Column("newest version", 2, fold="anywhere", narrowest=_VERSION),
        Column("identified by", 4, fold="blanks", narrowest=18),
        title=counted(len(graph.edges), "edge"),
    )
    for edges in bundles[:MAX_EDGES]:
        newest = max(edges, key=_age)
        table.add(
            graph.nodes[newest.source.node].name,
            graph.nodes[newest.target.node].name,
            newest.kind,
            _number(edges),
            newest.binding.version or "",
            _link(newest.binding),
        )
    if len(bundles) > MAX_EDGES:
        table.caption = (
            f"{counted(len(bundles) - MAX_EDGES, 'more line')}: --json or --node shows all."
        )
    return table


def _age(edge: Edge) -> tuple[datetime, str]:
    run = edge.run
    return (run.time, "") if isinstance(run, Design) else (run.first, run.id)


def _bundles(edges: Iterable[Edge]) -> list[list[Edge]]:
    """Group the edges of one kind between the same two nodes."""

    def ends(edge: Edge) -> tuple[str, str, str]:
        return edge.source.node, edge.target.node, edge.kind

    return [list(bundle) for _, bundle in groupby(sorted(edges, key=ends), key=ends)]


def _number(items: Sequence[object]) -> str:
    return f"{len(items):,}" if items else ""


def _link(binding: Binding) -> str:
    return link_text(binding.method, binding.confidence)


def link_text(method: str | None, confidence: float | None) -> str:
    """Write how an identity was found: `name without its time stamp, 90 % sure`.

    Full confidence is not written; a method that is not known here is shown as it is.
    """
    if not method:
        return ""
    text = _METHODS.get(method, method)
    return text if confidence is None or confidence >= 1 else f"{text}, {percent(confidence)} sure"


def decision_table(decisions: Iterable[Decision]) -> Table:
    """Make a table of artifacts' words, and of the node that each was found to mean."""
    table = Table(
        Column("node", fold="anywhere", narrowest=24),
        Column("version", 4, fold="anywhere", narrowest=_VERSION),
        Column("artifact says", 3, fold="anywhere", narrowest=20),
        Column("in", 1, fold="anywhere", narrowest=24),
        Column("identified by", 5, fold="blanks", narrowest=18),
        Column("evidence", 2, fold="blanks", narrowest=24),
    )
    for item in decisions:
        link = item.link
        how = link_text(link.method, link.confidence)
        table.add(item.node, item.version or "", item.said, item.path, how, link.evidence)
    return table


def alias_table(declared: Mapping[str, Mapping[str, str]], *, path: str) -> Table:
    """Make a table of the aliases in lineage-bridge.toml: kind, an artifact's words, meaning."""
    table = Table(
        Column("kind"),
        Column("an artifact says", fold="anywhere", narrowest=20),
        Column("it means", fold="anywhere", narrowest=20),
        title=path,
    )
    for kind, meant in declared.items():
        for said, target in sorted(meant.items()):
            table.add(kind, said, target)
    return table
