"""The graph and paths as tables for people.

Names of others go in as plain text, never as markup: `[red]` in a name is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.table import Table
from rich.text import Text

from lineage_bridge.graph.model import Binding, Edge, Graph, Node
from lineage_bridge.graph.paths import Path, hop_time
from lineage_bridge.graph.text import printable
from lineage_bridge.times import format_time

MAX_EDGES = 200  # more than that nobody reads; JSON has all of them

_STYLES = {"RUNNING": "cyan", "COMPLETED": "green", "FAILED": "red", "ABORTED": "yellow"}


def graph_tables(graph: Graph) -> Iterator[Table]:
    """Tables of the datasets, the jobs and the edges; none for what there is none of."""
    datasets = [node for node in graph.nodes.values() if node.kind == "dataset"]
    jobs = [node for node in graph.nodes.values() if node.kind == "job"]
    if datasets:
        yield _dataset_table(datasets)
    if jobs:
        yield _job_table(jobs)
    if graph.edges:
        yield _edge_table(graph.edges)


def path_table(path: Path) -> Table:
    """A path from its beginning to its end, one line for each dataset and run on it."""
    table = Table("when", "what", "version or run", "edge", "identified by", box=None)
    marks = [("", path.source.node, path.source.mark, "", "")]
    marks += [
        (
            _time(hop_time(hop)),
            hop.target.node,
            hop.target.mark,
            hop.binding.kind,
            _link(hop.binding),
        )
        for hop in path.hops
    ]
    for when, node, mark, kind, link in marks:
        table.add_row(when, _text(node), _text(mark or ""), kind, _text(link))
    return table


def _dataset_table(nodes: list[Node]) -> Table:
    table = Table("namespace", "dataset", "versions", "newest version", "written", box=None)
    for node in nodes:
        newest = node.versions[-1] if node.versions else None
        table.add_row(
            _text(node.namespace),
            _text(node.name),
            str(len(node.versions)) if node.versions else "",
            _text(newest.version if newest else ""),
            _time(newest.time if newest else None),
        )
    return table


def _job_table(nodes: list[Node]) -> Table:
    table = Table("namespace", "job", "runs", "newest run", "state", "started", "ended", box=None)
    for node in nodes:
        newest = node.runs[-1] if node.runs else None
        state = newest.state if newest else ""
        table.add_row(
            _text(node.namespace),
            _text(node.name),
            str(len(node.runs)) if newest else "",
            _text(newest.id if newest else ""),
            Text(state, _STYLES.get(state, "")),
            _time(newest.started if newest else None),
            _time(newest.ended if newest else None),
        )
    return table


def _edge_table(edges: tuple[Edge, ...]) -> Table:
    table = Table("from", "to", "edge", "identified by", box=None)
    for edge in edges[:MAX_EDGES]:
        source, target = _text(str(edge.source)), _text(str(edge.target))
        table.add_row(source, target, edge.kind, _text(_link(edge.binding)))
    if len(edges) > MAX_EDGES:
        table.caption = f"{len(edges) - MAX_EDGES} more edges: --json or --node shows them."
    return table


def _link(binding: Binding) -> str:
    if binding.method is None:
        return ""
    sure = "" if binding.confidence is None else f" ({binding.confidence:.2f})"
    return f"{binding.method}{sure}"


def _time(instant: datetime | None) -> str:
    return "" if instant is None else format_time(instant)


def _text(text: str) -> Text:
    return Text(printable(text), overflow="fold")
