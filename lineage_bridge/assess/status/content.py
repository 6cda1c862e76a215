"""Faults of what is in a dataset: checks of ours that failed, and assertions of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lineage_bridge.assess.assertions import WARN as WARNED
from lineage_bridge.assess.assertions import Assertion
from lineage_bridge.assess.status.faults import BAD, WARN, Fault, Kind
from lineage_bridge.facets.validation import ValidationFacet


def faults_of_checks(facet: ValidationFacet, kind: Kind = "content") -> Iterator[Fault]:
    """Yield a fault for each check that failed.

    Args:
        facet: what the checks found in a version.
        kind: `model` where the version is one of a model.
    """
    for check in facet.checks:
        if check.status == "failed":
            yield Fault.of(
                check.code,
                BAD if check.severity == "error" else WARN,
                kind,
                facet.evaluated_at,
                check.actual,
                check.expected,
                columns=check.columns or (),
            )


def faults_of_assertions(
    assertions: Iterable[Assertion], said_by: str | None, since: datetime | None
) -> Iterator[Fault]:
    """Yield a fault for each assertion of somebody else that did not hold.

    One of severity `warn` is a warning, every other one an error: most producers name none.

    Args:
        assertions: what was asserted.
        said_by: the tool that asserts it.
        since: when the version was written of which it is said; None where nobody knows.
    """
    for one in assertions:
        if not one.success:
            yield Fault.of(
                one.assertion or "assertion",
                WARN if one.severity == WARNED else BAD,
                "content",
                since,
                one.actual,
                one.expected,
                columns=() if one.column is None else (one.column,),
                said_by=said_by,
            )
