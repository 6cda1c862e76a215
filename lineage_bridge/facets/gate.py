"""`lineageBridge_gate`: whether a model version may be promoted, and by which checks."""

from __future__ import annotations

from typing import Annotated, Literal

from lineage_bridge.facets.definition import Facet, Instant, Part, doc


class Check(Part, frozen=True, kw_only=True):
    """One check of a gate."""

    name: Annotated[str, doc("What was checked, such as `auc`.")]
    passed: Annotated[bool, doc("Whether it was.")]
    value: Annotated[float | None, doc("What was found, in the unit of the check.")] = None
    threshold: Annotated[float | None, doc("What it was held against, in the same unit.")] = None


class GateFacet(Facet, frozen=True, kw_only=True):
    """What a promotion gate decided on a model version. Source: the gate's report."""

    key = "lineageBridge_gate"
    schema = "LineageBridgeGateDatasetFacet"
    released = "0.2.0"

    decision: Annotated[
        Literal["passed", "failed", "bypassed"], doc("What the gate decided. Source: its report.")
    ]
    checks: Annotated[tuple[Check, ...] | None, doc("All checks, in the report's order.")] = None
    evaluated_at: Annotated[Instant, doc("When the gate decided. RFC 3339, UTC.")]
