"""Questions to Marquez's model: what of an event is not in it.

Every method raises what `ask` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from lineage_bridge.events import EventView, Name, as_list, as_object, decode, view_event
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.marquez.completeness import (
    Expected,
    expected_of,
    is_current,
    missing_edges,
    missing_in_run,
    named,
)


class Model:
    """The model of a Marquez.

    Args:
        ask: returns the document at a path, None if there is none.
    """

    def __init__(self, ask: Callable[[str], Any]) -> None:
        self._ask = ask

    def missing(self, event: Stored) -> list[str]:
        """List in words what of an event is not in the model."""
        view = view_event(decode(event.body))
        expected = expected_of(view)
        if expected is None:
            return self._missing_nodes(view)
        run = self._ask(f"/api/v1/jobs/runs/{expected.run}")
        if run is None:
            return ["its run"]
        return [
            *missing_in_run(expected, as_object(run), self.known_as),
            *self.missing_edges(expected, as_object(run)),
            *self.not_current(expected, event.time_us, expected.completes),
        ]

    def missing_edges(self, expected: Expected, run: Mapping[str, Any]) -> Iterator[str]:
        """Yield which edges of an event its job does not have; `run` is its run in Marquez."""
        if not expected.links:
            return
        version = as_object(run.get("jobVersion"))  # of which a job's name has its parent's in it
        job = named(version) if version else expected.job
        node = f"job:{job.namespace}:{job.name}"
        graph = as_object(self._ask(f"/api/v1/lineage?nodeId={quote(node, safe='')}&depth=1"))
        nodes = [as_object(one) for one in as_list(graph.get("graph"))]
        shown = next((one for one in nodes if one.get("id") == node), {})
        yield from missing_edges(expected, shown, self.known_as)

    def _missing_nodes(self, view: EventView) -> list[str]:
        nodes = [("datasets", dataset.name) for dataset in (*view.inputs, *view.outputs)]
        if view.dataset is not None:
            nodes.append(("datasets", view.dataset.name))
        if view.job is not None:
            nodes.append(("jobs", view.job))
        return [
            f"{kind[:-1]} {name.namespace} {name.name}"
            for kind, name in nodes
            if self._ask(node_path(kind, name)) is None
        ]

    def known_as(self, name: Name) -> Name:
        """Return the first name of a dataset that may have several."""
        found = self._ask(node_path("datasets", name))
        return name if found is None else named(as_object(as_object(found).get("id")))

    def not_current(
        self, expected: Expected, time_us: int, outputs: Iterable[Name]
    ) -> Iterator[str]:
        """Yield which of some outputs of a COMPLETE have an older version for their current one."""
        for name in sorted(outputs):
            path = node_path("datasets", name)
            current = as_object(self._ask(path)).get("currentVersion")
            version = self._ask(f"{path}/versions/{current}") if current else None
            if version is None or not is_current(expected.run, time_us, as_object(version)):
                yield f"the current version of {name.namespace} {name.name}"


def node_path(kind: str, name: Name) -> str:
    """Return the path of a job or dataset; `kind` is `jobs` or `datasets`."""
    namespace, own = quote(name.namespace, safe=""), quote(name.name, safe="")
    return f"/api/v1/namespaces/{namespace}/{kind}/{own}"
