"""The graph as Mermaid and Graphviz text: a box for each version and run, arrows as data flows.

Boxes get ids of our own and names go into labels only, escaped, so no name can change the diagram.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from lineage_bridge.graph.model import Edge, End, Graph, Node
from lineage_bridge.show.text import printable

# Characters without a meaning in Mermaid or in HTML, which labels may hold; others are escaped.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-/@:")
_MERMAID_ARROWS = {
    "snapshot": "-->",
    "live": "-. live .->",
    "observe": "-. observe .->",
    "feedback": "-. feedback .->",
}
_DOT_STYLES = {"snapshot": "solid", "live": "bold", "observe": "dotted", "feedback": "dashed"}


def mermaid(graph: Graph) -> str:
    """Write a Mermaid flowchart; datasets are rounded, jobs are square."""
    ids = _ids(graph)
    lines = ["flowchart LR"]
    for end, id_ in ids.items():
        label = _label(graph.nodes[end.node], end, _mermaid_text, "<br/>")
        is_dataset = graph.nodes[end.node].kind == "dataset"
        lines.append(f'  {id_}("{label}")' if is_dataset else f'  {id_}["{label}"]')
    lines += [
        f"  {ids[edge.source]} {_MERMAID_ARROWS[edge.kind]} {ids[edge.target]}"
        for edge in graph.edges
    ]
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """Write a Graphviz digraph; datasets are ellipses, jobs are boxes."""
    ids = _ids(graph)
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for end, id_ in ids.items():
        label = _label(graph.nodes[end.node], end, _dot_text, "\\n")
        shape = "ellipse" if graph.nodes[end.node].kind == "dataset" else "box"
        lines.append(f'  {id_} [shape={shape}, label="{label}"];')
    lines += [_dot_edge(edge, ids) for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _ids(graph: Graph) -> dict[End, str]:
    """Number the ends of all edges, and the nodes without edges, in their order."""
    ends = set(chain.from_iterable((edge.source, edge.target) for edge in graph.edges))
    joined = {end.node for end in ends}
    ends |= {End(node_id) for node_id in graph.nodes if node_id not in joined}
    return {end: f"n{number}" for number, end in enumerate(sorted(ends, key=str))}


def _label(node: Node, end: End, escape: Callable[[str], str], line_end: str) -> str:
    lines = [node.name] if end.mark is None else [node.name, f"@{end.mark}"]
    return line_end.join(escape(line) for line in lines)


def _mermaid_text(text: str) -> str:
    return "".join(c if c in _PLAIN else f"#{ord(c)};" for c in printable(text))


def _dot_text(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def _dot_edge(edge: Edge, ids: dict[End, str]) -> str:
    return f"  {ids[edge.source]} -> {ids[edge.target]} [style={_DOT_STYLES[edge.kind]}];"
