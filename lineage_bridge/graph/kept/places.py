"""For each facet of the kept graph, the place of the event that told it.

A late event must not replace the facet of a later one, and a facet that a producer deleted must not
return with an event from before. The graph does not say which event told a facet, so the places are
kept beside it: of each key of a node, and of each key of a version.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineage_bridge.graph.load import Newest
from lineage_bridge.graph.model import Node
from lineage_bridge.graph.node_facets import Facets

# Nearly always one event has told all facets of a version and deleted none. Then one place is
# enough for all of its keys.
_Kept = bytes | dict[str, bytes]


class Places:
    """The places, by node and version; an empty version stands for the node itself."""

    def __init__(self) -> None:
        self._of_nodes: dict[str, _Kept] = {}
        self._of_versions: dict[str, dict[str, _Kept]] = {}

    def fill(
        self,
        nodes: Mapping[str, Node],
        of_nodes: Mapping[str, Newest],
        of_versions: Mapping[str, Mapping[str, Newest]],
    ) -> None:
        """Keep the places of all facets of a graph that was loaded."""
        once: dict[bytes, bytes] = {}  # one event tells many facets
        for id_, node in nodes.items():
            self._put_newest(id_, "", node.facets, of_nodes.get(id_, {}), once)
            told = of_versions.get(id_, {})
            for version in node.versions if told else ():
                newest = told.get(version.version, {})
                self._put_newest(id_, version.version, version.facets, newest, once)

    def _put_newest(
        self, node: str, version: str, facets: Facets, newest: Newest, once: dict[bytes, bytes]
    ) -> None:
        places = {key: once.setdefault(place, place) for key, ((place, _), _) in newest.items()}
        self.put(node, version, facets, places)

    def put(self, node: str, version: str, facets: Facets, places: dict[str, bytes]) -> None:
        """Keep the places of a node or version, of every key that was told or deleted."""
        shelf, key = self._shelf(node, version)
        if places:
            shelf[key] = _packed(facets, places)
        else:
            shelf.pop(key, None)

    def of(self, node: str, version: str, facets: Facets) -> dict[str, bytes]:
        """The places of a node or version by key, in a dict of the caller's own."""
        shelf, key = self._shelf(node, version)
        kept = shelf.get(key, {})
        return dict.fromkeys(facets, kept) if isinstance(kept, bytes) else dict(kept)

    def drop_version(self, node: str, version: str) -> None:
        """Forget a version."""
        self._of_versions.get(node, {}).pop(version, None)

    def drop_node(self, node: str) -> None:
        """Forget a node."""
        self._of_nodes.pop(node, None)
        self._of_versions.pop(node, None)

    def _shelf(self, node: str, version: str) -> tuple[dict[str, _Kept], str]:
        if version:
            return self._of_versions.setdefault(node, {}), version
        return self._of_nodes, node


def _packed(facets: Facets, places: dict[str, bytes]) -> _Kept:
    if len(facets) == len(places):  # else some were taken back
        distinct = set(places.values())
        if len(distinct) == 1:
            return distinct.pop()
    return places
