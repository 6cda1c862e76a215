"""Own, inherited and effective status of every node, version and run at one instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lineage_bridge.assess.status.faults import OK, Fault, Level, level_of, worst, worst_first
from lineage_bridge.graph.model import End, Graph, Node
from lineage_bridge.graph.travel import Inherited, Travel, spread


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How a node is now, or one version or run of it.

    Attributes:
        end: what it is of; without a mark it is the node as it is now.
        faults: what is wrong with itself, worst first.
        inherited: the worst that comes to it from upstream; None if nothing does.
    """

    end: End
    faults: tuple[Fault, ...]
    inherited: Inherited | None

    @property
    def own(self) -> Level:
        """How it is by itself."""
        return level_of(self.faults)

    @property
    def effective(self) -> Level:
        """The worse of what it is by itself and what it inherits."""
        return self.own if self.inherited is None else worst((self.own, self.inherited.level))


class Statuses:
    """The status of everything in a graph.

    Args:
        graph: of one instant.
        faults: what is wrong by itself, by where it is (`own_faults`).
        travel: the edges along which that travels.
    """

    def __init__(
        self, graph: Graph, faults: Mapping[End, tuple[Fault, ...]], travel: Travel
    ) -> None:
        self.graph = graph
        self.faults = faults
        self.travel = travel

    @cached_property
    def inherited(self) -> Mapping[End, Inherited]:
        """What each version, run and present state inherits."""
        return spread(self.travel, self.faults)

    def of(self, end: End) -> NodeStatus:
        """Return the status of a version or run; of a node without a mark, as it is now."""
        node = self.graph.nodes.get(end.node)
        if end.mark is not None or node is None:
            return NodeStatus(end, self.faults.get(end, ()), self.inherited.get(end))
        return self._now(node, self.travel.now(node))

    def of_nodes(self) -> Iterator[NodeStatus]:
        """Yield the status of every node as it is now, sorted by id."""
        return (self.of(End(node.id)) for node in self.graph.nodes.values())

    def amiss(self) -> list[NodeStatus]:
        """List what is not ok: nodes as they are now, and earlier versions in use; sorted.

        An earlier version is in use if what is there now was made of it. Of a job, earlier runs are
        history.
        """
        used = self._used
        marked = (
            self.of(end)
            for end in {*self.faults, *self.inherited}
            if end in used and self._is_earlier(end)
        )
        found = [one for one in (*self._nodes_amiss(), *marked) if one.effective != OK]
        return sorted(found, key=lambda one: (one.end.node, one.end.mark or ""))

    def _nodes_amiss(self) -> Iterator[NodeStatus]:
        """Yield nodes of which anything at all is amiss: the others need no look."""
        touched = {end.node for end in self.faults} | {end.node for end in self.inherited}
        return (self.of(End(id_)) for id_ in touched if id_ in self.graph.nodes)

    def _is_earlier(self, end: End) -> bool:
        """Whether it is a version of a dataset that is not the newest."""
        node = self.graph.nodes.get(end.node)
        if end.mark is None or node is None or node.kind != "dataset":
            return False
        return bool(node.versions) and node.versions[-1].version != end.mark

    @cached_property
    def _used(self) -> frozenset[End]:
        """Of the ends that have or inherit a fault, those of which something now is made.

        What is wrong with an end travels to all that was made of it, so no other end need be asked.
        """
        bound = (e for e, own in self.faults.items() if any(f.travels == "bound" for f in own))
        touched = {*bound, *self.inherited}
        above: dict[End, list[End]] = {}
        for end in touched:
            for hop in self.travel.down(end, "bound"):
                above.setdefault(hop.end, []).append(end)
        nodes = (self.graph.nodes.get(id_) for id_ in {end.node for end in touched})
        now = {end for node in nodes if node is not None for end in self.travel.now(node)}
        border = list(touched & now)
        used = set(border)
        for end in border:  # it grows while it is walked
            for before in above.get(end, ()):
                if before not in used:
                    used.add(before)
                    border.append(before)
        return frozenset(used)

    def _now(self, node: Node, ends: Sequence[End]) -> NodeStatus:
        here = {*ends}
        own = [fault for end in ends for fault in self.faults.get(end, ())]
        if len(own) > 1:
            own = [*worst_first(dict.fromkeys(own))]
        found = _from_elsewhere((self.inherited.get(end) for end in ends), here)
        return NodeStatus(
            End(node.id), tuple(own), min(found, key=lambda one: one.order, default=None)
        )


def _from_elsewhere(found: Iterable[Inherited | None], here: set[End]) -> list[Inherited]:
    return [one for one in found if one is not None and one.origin not in here]
