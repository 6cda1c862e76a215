"""The graph and paths as tables for people.

They are made to fit: names without namespaces, run ids by their beginning (which `find` takes),
edges of the same two nodes in one line. JSON and diagrams leave nothing out. Names of others go in
as plain text, never as markup: `[red]` in a name is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from rich.text import Text

from lineage_bridge.graph.fitted import Column, Fitted
from lineage_bridge.graph.model import Binding, Edge, Graph, Node
from lineage_bridge.graph.paths import Path, hop_time
from lineage_bridge.graph.text import printable
from lineage_bridge.times import format_time

MAX_EDGES = 200  # more lines than that nobody reads
RUN_DIGITS = 8

_STYLES = {"RUNNING": "cyan", "COMPLETED": "green", "FAILED": "red", "ABORTED": "yellow"}


def graph_tables(graph: Graph) -> Iterator[Fitted]:
    """Tables of the datasets, the jobs and the edges; none for what there is none of."""
    datasets = [node for node in graph.nodes.values() if node.kind == "dataset"]
    jobs = [node for node in graph.nodes.values() if node.kind == "job"]
    if datasets:
        yield _dataset_table(datasets)
    if jobs:
        yield _job_table(jobs)
    if graph.edges:
        yield _edge_table(graph)


def path_table(path: Path) -> Fitted:
    """A path from its beginning to its end, one line for each dataset and run on it."""
    table = Fitted(
        "when", Column("", label="kind"), "what", "version or run", "edge", "identified by"
    )
    table.add_row("", *_stop(path, 0), "", "")
    for number, hop in enumerate(path.hops, start=1):
        when, link = _time(hop_time(hop)), _text(_link(hop.binding))
        table.add_row(when, *_stop(path, number), hop.binding.kind, link)
    return table


def _stop(path: Path, number: int) -> tuple[str, Text, Text]:
    end, name = path.ends[number], path.names[number]
    is_job = end.node.startswith("job:")
    mark = (end.mark or "")[:RUN_DIGITS] if is_job else end.mark or ""
    return "job" if is_job else "dataset", _text(name), _text(mark)


def _dataset_table(nodes: Iterable[Node]) -> Fitted:
    table = Fitted("namespace", "dataset", "versions", "newest version", "written")
    for node in nodes:
        newest = node.versions[-1] if node.versions else None
        table.add_row(
            _text(node.namespace),
            _text(node.name),
            _count(node.versions),
            _text(newest.version if newest else ""),
            _time(newest.time if newest else None),
        )
    return table


def _job_table(nodes: Iterable[Node]) -> Fitted:
    table = Fitted("namespace", "job", "runs", "newest run", "state", "since")
    for node in nodes:
        newest = node.runs[-1] if node.runs else None
        state = newest.state if newest else ""
        table.add_row(
            _text(node.namespace),
            _text(node.name),
            _count(node.runs),
            _text(newest.id[:RUN_DIGITS] if newest else ""),
            Text(state, _STYLES.get(state, "")),
            _time(newest.ended or newest.started or newest.first if newest else None),
        )
    return table


def _edge_table(graph: Graph) -> Fitted:
    table = Fitted("from", "to", "edge", "edges", "newest version", "identified by")
    bundles = _bundles(graph.edges)
    for edges in bundles[:MAX_EDGES]:
        newest = max(edges, key=lambda edge: (edge.run.first, edge.run.id))
        table.add_row(
            _text(graph.nodes[newest.source.node].name),
            _text(graph.nodes[newest.target.node].name),
            newest.kind,
            str(len(edges)),
            _text(newest.binding.version or ""),
            _text(_link(newest.binding)),
        )
    if len(bundles) > MAX_EDGES:
        table.caption = f"{len(bundles) - MAX_EDGES} more lines: --json or --node shows them."
    return table


def _bundles(edges: Iterable[Edge]) -> list[list[Edge]]:
    """The edges between the same two nodes, of one kind."""

    def ends(edge: Edge) -> tuple[str, str, str]:
        return edge.source.node, edge.target.node, edge.kind

    return [list(bundle) for _, bundle in groupby(sorted(edges, key=ends), key=ends)]


def _count(items: tuple[object, ...]) -> str:
    return str(len(items)) if items else ""


def _link(binding: Binding) -> str:
    if binding.method is None:
        return ""
    sure = "" if binding.confidence is None else f" ({binding.confidence:.2f})"
    return f"{binding.method}{sure}"


def _time(instant: datetime | None) -> str:
    return "" if instant is None else format_time(instant.replace(microsecond=0))


def _text(text: str) -> Text:
    return Text(printable(text), overflow="fold")
