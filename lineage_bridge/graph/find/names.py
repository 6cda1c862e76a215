"""The names of a graph's nodes, in all the ways in which a command or the API writes them.

An index is made once for a graph, when somebody asks for the first name that is no node id.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from lineage_bridge.graph.model import Graph, Node
from lineage_bridge.naming import Slot, former_name, job_id, slot_of

_FIELD = "datasetField:"
_UNFORMATTED = re.compile(r"[^a-zA-Z0-9:/\-_.@+]")
_VERSION = re.compile(r"(?P<id>.+)#[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.DOTALL)


class Named(NamedTuple):
    """A deployment: what it writes, and the job that serves; its nodes, as far as there are any."""

    slot: Slot
    namespace: str
    nodes: tuple[Node, ...]


class Names:
    """The names of a graph's nodes; each index is made when it is asked for first."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @cached_property
    def own(self) -> Mapping[str, Sequence[Node]]:
        """Nodes by `<name>` and `<namespace>:<name>`."""
        found: dict[str, list[Node]] = {}
        for node in self._graph.nodes.values():
            for text in (node.name, f"{node.namespace}:{node.name}"):
                if text in found:
                    found[text].append(node)
                else:
                    found[text] = [node]
        return found

    @cached_property
    def symlinks(self) -> Mapping[str, Sequence[Node]]:
        """Nodes by their other names."""
        return _by_texts(
            (node, *name) for node in self._graph.nodes.values() for name in node.symlinks
        )

    @cached_property
    def former(self) -> Mapping[str, Sequence[Node]]:
        """Nodes by the names that they had in earlier versions."""
        return _by_texts(
            (node, node.namespace, former)
            for node in self._graph.nodes.values()
            if (former := former_name(node.name)) is not None
        )

    def as_sent(self, text: str) -> Iterator[str]:
        """Yield the texts with the namespaces that producers wrote, for that which Marquez made."""
        for shown, sent in self._formatted:
            for kind in ("dataset:", "job:", ""):
                if text.startswith(f"{kind}{shown}:"):
                    yield f"{kind}{sent}{text.removeprefix(f'{kind}{shown}')}"

    @cached_property
    def _formatted(self) -> list[tuple[str, str]]:
        sent = {namespace for node in self._graph.nodes.values() for namespace, _ in node.names}
        shown = {namespace: formatted_namespace(namespace) for namespace in sorted(sent)}
        return [
            (shown[namespace], namespace) for namespace in shown if shown[namespace] != namespace
        ]

    @cached_property
    def deployments(self) -> Mapping[str, Sequence[Named]]:
        """Deployments by each of their `slot_texts`."""
        found: dict[str, list[Named]] = defaultdict(list)
        for one in self._slots:
            for text in slot_texts(one.slot, one.namespace):
                found[text].append(one)
        return dict(found)

    @cached_property
    def _slots(self) -> Sequence[Named]:
        return [
            self._named(slot, namespace, node)
            for node in self._graph.nodes.values()
            if node.kind == "dataset"
            for namespace, name in node.names
            if (slot := slot_of(name)) is not None
        ]

    def _named(self, slot: Slot, namespace: str, predictions: Node) -> Named:
        job = self._graph.nodes.get(job_id(namespace, slot.job))
        return Named(slot, namespace, (predictions, *([job] if job else [])))

    def all_texts(self) -> Iterator[str]:
        """Yield all texts, for suggestions."""
        yield from self.own
        yield from self.symlinks
        yield from self.deployments


def _by_texts(named: Iterable[tuple[Node, str, str]]) -> dict[str, list[Node]]:
    """Nodes by kind, namespace and name, by namespace and name, and by the name alone."""
    found: dict[str, dict[str, Node]] = defaultdict(dict)
    for node, namespace, name in named:
        for text in (f"{node.kind}:{namespace}:{name}", f"{namespace}:{name}", name):
            found[text][node.id] = node
    return {text: list(nodes.values()) for text, nodes in found.items()}


def names_of(graph: Graph) -> Names:
    """Return the names of a graph's nodes."""
    return graph.remembered("names", lambda: Names(graph))


def slot_texts(slot: Slot, namespace: str) -> list[str]:
    """List the ways to write a deployment."""
    place = f"{slot.environment}/{slot.deployment}"
    texts = [slot.deployment, place, f"{slot.service}/{place}"]
    return [*texts, *(f"{namespace}: {text}" for text in texts)]


def formatted_namespace(namespace: str) -> str:
    """Write a namespace as Marquez does, which replaces some characters by `_`."""
    return _UNFORMATTED.sub("_", namespace)


def spellings(text: str) -> Iterator[str]:
    """Yield the texts that an id of Marquez means: itself, its dataset or job, without version."""
    yield text
    versioned = _VERSION.fullmatch(text)
    bare = text if versioned is None else versioned["id"]
    if versioned is not None:
        yield bare
    if bare.startswith(_FIELD):
        # Which colon comes before the column is not known: names have some too.
        column = bare.removeprefix(_FIELD)
        while (at := column.rfind(":")) > 0:
            column = column[:at]
            yield f"dataset:{column}"


def short_names(graph: Graph) -> dict[str, str]:
    """Return a short name of each node that has one, by its id: its name where no other has it."""
    counts = Counter(node.name for node in graph.nodes.values())
    return {id_: node.name for id_, node in graph.nodes.items() if counts[node.name] == 1}
