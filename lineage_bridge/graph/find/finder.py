"""Find the node that somebody means by what they typed.

Whatever a command or the API prints of a node is taken: its id, `<namespace>:<name>`, its name if
that is unique, each as it is here and as Marquez writes it; a deployment as `health` writes it; a
column or a version of a dataset, which mean the dataset. `@<version>` or `@<run id>` may follow. A
run id is enough, or a part of it that is unique. The typed text is compared with known names as a
whole, never split at colons: names and namespaces may have colons and `@` themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from lineage_bridge.errors import AmbiguousNodeError, NodeNotFoundError
from lineage_bridge.events.run_ids import name_uuid
from lineage_bridge.graph.deployments import Deployment
from lineage_bridge.graph.find.names import names_of, slot_texts, spellings
from lineage_bridge.graph.find.parents import Parents
from lineage_bridge.graph.find.run_ids import may_be_part, runs_like
from lineage_bridge.graph.model import End, Graph, Node
from lineage_bridge.naming import canonical_version

MAX_NAMED = 5  # candidates in one message
MAX_MARKS = 200  # versions and runs of one node that a suggestion may come from
_RUN = "run:"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# What one text may mean: the nodes of each thing that has that name. A deployment has two.
_Meanings = Sequence[Sequence[Node]]


def find(graph: Graph, text: str, parents: Callable[[], Parents] | None = None) -> End:
    """Find the node, and the version or run if one was given.

    Args:
        graph: as loaded.
        text: see the module.
        parents: reads the names that jobs have under their parents; asked only if nothing in the
            graph itself has that name.

    Raises:
        NodeNotFoundError: no node has that name; the error has the known names.
        AmbiguousNodeError: a name alone, or a part of a run id, fits several.
    """
    finder = _Finder(graph)
    found = finder.find(text)
    if found is None and parents is not None:
        finder.parents = parents()
        found = finder.find(text)
    if found is None:
        raise NodeNotFoundError(text, finder.unknown_marks or finder.known(text))
    return found


def find_datasets(
    graph: Graph, text: str, parents: Callable[[], Parents] | None = None
) -> set[str]:
    """Find the ids of the datasets that somebody means; by a job, those that it writes or reads.

    Raises:
        NodeNotFoundError: as `find`.
        AmbiguousNodeError: as `find`.
    """
    return _datasets_of(graph, find(graph, text, parents))


def _datasets_of(graph: Graph, end: End) -> set[str]:
    node = graph.nodes[end.node]
    if node.kind == "dataset":
        return {node.id}
    run = node.runs[-1] if node.runs else None
    if end.mark is not None:
        run = node.run_of_id(end.mark)
    told = [one for one in (run, node.design) if one is not None]
    written = {binding.dataset for one in told for binding in one.outputs}
    return written or {binding.dataset for one in told for binding in one.inputs}


def _written_by(graph: Graph, one: Deployment) -> set[str]:
    """Return the ids of a deployment's predictions and of its inference log, as far as known."""
    known = [graph.called(name) for name in (one.predictions, one.log) if name is not None]
    return {node.id for node in known if node is not None}


def meant_by(
    graph: Graph,
    deployments: Iterable[Deployment],
    text: str,
    parents: Callable[[], Parents] | None = None,
) -> list[str]:
    """Find the deployments that somebody means, by their predictions.

    Raises:
        NodeNotFoundError: none has that name, nor anything that belongs to one.
        AmbiguousNodeError: as `find`.
    """
    listed = list(deployments)
    texts = {one.predictions: slot_texts(one.slot, one.namespace) for one in listed}
    named = [id_ for id_, known in texts.items() if text in known]
    if named:
        return named
    try:
        end = find(graph, text, parents)
    except NodeNotFoundError:
        end = None
    if end is not None:
        ids = _datasets_of(graph, end)
        found = [one.predictions for one in listed if ids & _written_by(graph, one)]
        if found:
            return found
    known = {name for names in texts.values() for name in names if ": " not in name}
    raise NodeNotFoundError(text, sorted(known), kind="deployment")


class _Finder:
    """Looks for one text.

    Attributes:
        parents: the names that jobs have under their parents, once they were read.
        unknown_marks: ends that the text might be, where a node was found but no such version.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.parents: Parents | None = None
        self.unknown_marks: list[str] = []

    def find(self, text: str) -> End | None:
        """Find what it means, None if nothing has that name."""
        for spelling in spellings(text):
            found = self._node(text, spelling) or self._marked(text, spelling)
            if found is not None:
                return found
        return self._run(text)

    def known(self, text: str) -> list[str]:
        """List the known names in the form of the text: with or without namespaces."""
        has_namespace = ":" in text
        texts = {*names_of(self._graph).all_texts(), *self._graph.nodes}
        texts.update(() if self.parents is None else self.parents.jobs)
        return sorted(name for name in texts if (":" in name) == has_namespace)

    def _node(self, text: str, spelling: str) -> End | None:
        meanings = self._meanings(spelling)
        if len(meanings) > 1:
            raise AmbiguousNodeError(text, [nodes[0].id for nodes in meanings[:MAX_NAMED]])
        return End(meanings[0][0].id) if meanings else None

    def _marked(self, text: str, spelling: str) -> End | None:
        for position in _marks(spelling):
            base, mark = spelling[:position], spelling[position + 1 :]
            nodes = [node for nodes in self._meanings(base) for node in nodes]
            ends = [End(node.id, full) for node in nodes for full in _known_like(node, mark)]
            if ends:
                return _only(text, ends)
            self.unknown_marks += [
                str(End(base, known)) for node in nodes for known in _known_marks(node)[-MAX_MARKS:]
            ]
        return None

    def _meanings(self, text: str) -> _Meanings:
        names = names_of(self._graph)
        for spelling in chain([text], names.as_sent(text)):
            node = self._graph.called(spelling)
            if node is not None:
                return [[node]]
            found = names.own.get(spelling) or names.symlinks.get(spelling)
            if found:
                return [[node] for node in found]
        if text in names.deployments:
            return [named.nodes for named in names.deployments[text]]
        if text in names.former:
            return [[node] for node in names.former[text]]
        jobs = () if self.parents is None else self.parents.jobs.get(text, ())
        return [[self._graph.nodes[job]] for job in jobs]

    def _run(self, text: str) -> End | None:
        """Find the run that an id or a part of it means, whatever its job."""
        part = text.removeprefix(_RUN)
        if not part:
            return None
        ends = [run.end for run in self._graph.runs]
        is_part = part != text or may_be_part(part)
        ids = list({end.mark: None for end in ends if end.mark}) if is_part else [part]
        meant = set(runs_like(part, ids)) or _hashed_to(part, ids)
        found = [end for end in ends if end.mark in meant]
        if not found and self.parents is not None:
            found = list(self.parents.runs.get(part, ()))
        return _only(text, found) if found else None


def _only(text: str, ends: Sequence[End]) -> End:
    if len(ends) > 1:
        raise AmbiguousNodeError(text, [str(end) for end in ends[:MAX_NAMED]])
    return ends[0]


def _marks(text: str) -> Iterator[int]:
    """Yield the positions at which an `@` may begin a version or run: the last one first."""
    return (i for i in range(len(text) - 1, 0, -1) if text[i] == "@")


def _known_marks(node: Node) -> list[str]:
    return [v.version for v in node.versions] + [run.id for run in node.runs]


def _known_like(node: Node, mark: str) -> Sequence[str]:
    if not mark:
        return ()
    for version in (mark, canonical_version(mark)):
        if node.version_named(version) is not None:
            return [version]
    ids = [run.id for run in node.runs]
    return list(dict.fromkeys(runs_like(mark, ids) or _hashed_to(mark, ids)))


def _hashed_to(run: str, ids: Iterable[str]) -> set[str]:
    """Find the run ids that are no UUIDs, of which Marquez made this one."""
    if not _UUID.fullmatch(run):
        return set()
    return {id_ for id_ in ids if not _UUID.fullmatch(id_) and name_uuid(id_) == run.lower()}
