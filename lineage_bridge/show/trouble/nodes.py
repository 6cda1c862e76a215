"""Nodes that are not ok, whoever told of them: in words, as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lineage_bridge.answers.status import NodeStatus
from lineage_bridge.assess.status.faults import Fault
from lineage_bridge.facets.serving_health import Reason
from lineage_bridge.show.formats import present
from lineage_bridge.show.reasons import reason_text
from lineage_bridge.show.statuses import status_of, summary
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.text import printable
from lineage_bridge.show.units import Unit, in_unit, moment
from lineage_bridge.times import format_time

_COLUMNS: Final = (
    Column("node", fold="anywhere", narrowest=28),
    Column("status"),
    Column("why", fold="blanks", narrowest=32),
)
_WORDS: Final[Mapping[str, tuple[str, Unit | None]]] = {
    "run_failed": ("its last run failed, {} in a row", "count"),
    "run_aborted": ("its last run was aborted, {} in a row", "count"),
    "run_seconds": ("a run has taken {} (limit {})", "seconds"),
    "overdue": ("overdue: last built {} ago (limit {})", "seconds"),
    "build_age_seconds": ("built {} ago (limit {})", "seconds"),
    "mtime_age_seconds": ("its file was written {} ago (limit {})", "seconds"),
    "data_age_seconds": ("its newest data is {} old (limit {})", "seconds"),
    "effective_age_seconds": ("what it reads live is {} old (limit {})", "seconds"),
    "clock_ahead": ("a time of it is {} ahead", "seconds"),
    "drift_critical": ("drifted far from what its model learned from, PSI {} (limit {})", "count"),
    "drift_warning": ("drifts from what its model learned from, PSI {} (limit {})", "count"),
}
_ENDINGS: Final[Mapping[str, Unit]] = {"_ratio": "ratio", "_ms": "ms", "_seconds": "seconds"}
_MOST_COLUMNS: Final = 3


def nodes_table(found: Iterable[NodeStatus]) -> Table:
    """Make a table with one line for each reason, the worst nodes first."""
    table = Table(*_COLUMNS, title="Other nodes that are not ok")
    for one in sorted(found, key=lambda one: (status_of(one.own).rank, str(one.end))):
        table.add(str(one.end), status_of(one.own), list(why(one)))
    return table


def nodes_summary(found: Iterable[NodeStatus], heirs: int) -> str:
    """Count by status: `4 other nodes: 1 bad, 3 warned; 7 more inherit from others`."""
    more = f"; {heirs:,} more inherit from others (--json)" if heirs else ""
    return summary("other node", (one.own for one in found)) + more


def why(one: NodeStatus) -> Iterable[str]:
    """Yield a line for each thing that is wrong with a node, and one for what it inherits."""
    yield from (fault_text(fault) for fault in one.faults)
    if one.inherited is not None:
        yield f"inherits from {one.inherited.origin}"


def fault_text(fault: Fault) -> str:
    """Write a fault: `its last run failed, 2 in a row, since 2026-04-07T10:30:00Z`."""
    text = _said(fault)
    if fault.columns:
        named = ", ".join(f"`{name}`" for name in fault.columns[:_MOST_COLUMNS])
        more = len(fault.columns) - _MOST_COLUMNS
        text += f" in {named}{f' and {more} more' if more > 0 else ''}"
    if fault.said_by is not None:
        text += f", says {fault.said_by}"
    return printable(text if fault.since is None else f"{text}, since {moment(fault.since)}")


def _said(fault: Fault) -> str:
    if fault.kind == "serving":
        return _shown(fault)
    words = _WORDS.get(fault.code)
    if words is not None:
        text, unit = words
        values = [in_unit(fault.value, unit) or "?", in_unit(fault.threshold, unit) or "?"]
        return text.format(*values[: text.count("{}")])
    unit = next((unit for end, unit in _ENDINGS.items() if fault.code.endswith(end)), None)
    value, limit = in_unit(fault.value, unit), in_unit(fault.threshold, unit)
    expected = f" (expected {limit})" if limit else ""
    return f"{fault.code}{f': {value}' if value else ''}{expected}"


def _shown(fault: Fault) -> str:
    """Write what a deployment shows, as `health` does."""
    value, limit = (
        v if isinstance(v, float | int) else None for v in (fault.value, fault.threshold)
    )
    since = fault.since or datetime.now(UTC)  # it is not written here
    return reason_text(
        Reason(code=fault.code, level="degraded", since=since, value=value, threshold=limit)
    )


def node_json(one: NodeStatus) -> dict[str, Any]:
    """Make one of the `nodes` of `health --json`."""
    inherited = one.inherited
    return present(
        id=str(one.end),
        own=one.own,
        reasons=[fault_json(fault) for fault in one.faults],
        inherited=None if inherited is None else inherited.level,
        effective=one.effective,
        origin=None if inherited is None else str(inherited.origin),
        path=None if inherited is None else [str(end) for end in inherited.path],
    )


def fault_json(fault: Fault) -> dict[str, Any]:
    """Make one reason; value and threshold are in the unit that the code names, or words."""
    return present(
        code=fault.code,
        level=fault.level,
        kind=fault.kind,
        since=None if fault.since is None else format_time(fault.since),
        value=fault.value,
        threshold=fault.threshold,
        columns=list(fault.columns) or None,
        said_by=fault.said_by,
    )
