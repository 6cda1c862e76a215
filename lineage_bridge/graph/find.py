"""Find the node that somebody means by what they typed.

A node may be given as its id, as `<namespace>:<name>`, or by its name if that is unique, each with
`@<version>` or `@<run id>` after it. The typed text is compared with known names as a whole, never
split at colons: names and namespaces may have colons and `@` themselves.
"""

from __future__ import annotations

from lineage_bridge.errors import AmbiguousNodeError, NodeNotFoundError
from lineage_bridge.graph.model import End, Graph, Node

MAX_NAMED = 5  # candidates in one message


def find(graph: Graph, text: str) -> End:
    """Find the node, and the version or run if one was given; a run id may be shortened.

    Raises:
        NodeNotFoundError: no node has that name; the error has the known names.
        AmbiguousNodeError: a name alone, or the beginning of a run id, fits several.
    """
    nodes = _called(graph, text)
    if nodes:
        return End(_only(text, nodes))
    unknown_mark: list[str] = []
    for position in _marks(text):
        base, mark = text[:position], text[position + 1 :]
        nodes = _called(graph, base)
        ends = [End(node.id, full) for node in nodes for full in _marked(node, mark)]
        if ends:
            return _only_end(text, ends)
        unknown_mark += [str(End(base, m)) for node in nodes for m in _known_marks(node)]
    raise NodeNotFoundError(text, unknown_mark or _names(graph, text))


def _called(graph: Graph, text: str) -> list[Node]:
    exact = graph.nodes.get(text)
    if exact is not None:
        return [exact]
    return [
        node
        for node in graph.nodes.values()
        if text in {node.name, f"{node.namespace}:{node.name}"}
    ]


def _only(text: str, nodes: list[Node]) -> str:
    if len(nodes) > 1:
        raise AmbiguousNodeError(text, [node.id for node in nodes[:MAX_NAMED]])
    return nodes[0].id


def _only_end(text: str, ends: list[End]) -> End:
    if len(ends) > 1:
        raise AmbiguousNodeError(text, [str(end) for end in ends[:MAX_NAMED]])
    return ends[0]


def _marks(text: str) -> list[int]:
    """List the positions at which an `@` may begin a version or run: the last one first."""
    return [i for i in range(len(text) - 1, 0, -1) if text[i] == "@"]


def _known_marks(node: Node) -> list[str]:
    return [v.version for v in node.versions] + [run.id for run in node.runs]


def _marked(node: Node, mark: str) -> list[str]:
    known = _known_marks(node)
    if mark in known or not mark:
        return [m for m in known if m == mark]
    return [run.id for run in node.runs if run.id.startswith(mark)]


def _names(graph: Graph, text: str) -> list[str]:
    """List the known names in the form of the text: with or without namespaces."""
    nodes = graph.nodes.values()
    if ":" not in text:
        return sorted({node.name for node in nodes})
    return sorted({f"{node.namespace}:{node.name}" for node in nodes} | graph.nodes.keys())
