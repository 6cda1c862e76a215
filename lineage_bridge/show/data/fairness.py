"""How a deployment answers its groups: a line, a table and the JSON shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lineage_bridge.answers import DeploymentQuality
from lineage_bridge.answers.fairness import GroupGap
from lineage_bridge.assess.groups.fairness import share_of
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import percent

_WORDS: Final = {
    "accuracy": "accuracy",
    "true_positive_rate": "positives found",
    "positive_rate": "positive answers",
}
_STATUSES: Final = {
    "ok": "alike",
    "warning": "! differ",
    "insufficient_data": "too few labels",
}
_COLUMNS: Final = (
    Column("deployment", fold="anywhere", narrowest=16),
    Column("groups"),
    Column("no group", 3, right=True),
    Column("compared by"),
    Column("best", fold="anywhere", narrowest=12),
    Column("worst", fold="anywhere", narrowest=12),
    Column("gap"),
    Column("limit", 2, right=True),
)


def gap_text(gap: GroupGap) -> str:
    """Say which groups differ by how much."""
    return (
        f"{_WORDS[gap.measure]} of {gap.worst!r} is {percent(gap.gap.value)} below {gap.best!r} "
        f"(limit {percent(gap.most)}; surely over {percent(gap.gap.low)})"
    )


def fairness_table(found: Iterable[DeploymentQuality]) -> Table | None:
    """Make a table with a line for each deployment of which groups are known; None without any."""
    table, has_rows = Table(*_COLUMNS, title="How alike groups are answered"), False
    for one in found:
        facet = one.fairness
        if facet is None:
            continue
        has_rows = True
        gap = facet.gap
        bounds = "" if gap is None else f" ({percent(gap.low)} … {percent(gap.high)})"
        table.add(
            f"{one.slot.environment}/{one.slot.deployment}",
            f"{len(facet.groups) + (facet.groups_left_out or 0)}, {_STATUSES[facet.status]}",
            f"{facet.without_group or 0:,}",
            _WORDS[facet.measure],
            _group(facet, facet.best),
            _group(facet, facet.worst),
            "" if gap is None else f"{percent(gap.value)}{bounds}",
            percent(facet.gap_most),
        )
    return table if has_rows else None


def fairness_json(facet: FairnessFacet | None) -> dict[str, Any] | None:
    """Make the part `fairness` of a deployment, None where nothing is known of groups."""
    if facet is None:
        return None
    return {name: value for name, value in facet.as_json().items() if name[0] != "_"}


def _group(facet: FairnessFacet, name: str | None) -> str:
    found = next((group for group in facet.groups if group.group == name), None)
    share = share_of(found, facet.measure) if found is not None else None
    return f"{name} {percent(share)}" if name is not None and share is not None else ""
