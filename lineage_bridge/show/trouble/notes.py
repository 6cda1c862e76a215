"""Nodes that broke, as notes of the doctor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage_bridge.answers.status import NodeStatus
from lineage_bridge.link.gaps import Gap


def notes_of(found: Iterable[NodeStatus]) -> Iterator[Gap]:
    """Yield a note for each node that is bad by itself as it is now, without deployments.

    It says nothing that changes with time alone.
    """
    for one in found:
        faults = [f for f in one.faults if f.level == "bad" and f.kind != "serving"]
        if faults and one.end.mark is None:
            yield Gap(
                "node_bad",
                f"{one.end} is bad: {', '.join(sorted({fault.code for fault in faults}))}",
                mend="lineage-bridge health",
                group="{count} datasets and jobs are bad; `lineage-bridge health` says how",
            )
