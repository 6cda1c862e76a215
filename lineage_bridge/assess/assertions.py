"""Findings as assertions: what was checked of a dataset, and whether it held.

It is the form in which Marquez's web UI and other readers of OpenLineage know findings: the
standard facet `dataQualityAssertions`. Our own facets say more. Each assessor has one function that
yields the assertions of its finding, those that passed too. What it had no evidence for it leaves
out, since an assertion either holds or does not. A reader keeps one such facet of a dataset at a
time, so an event has all that is known of a dataset by then in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from lineage_bridge.events import as_list, as_object, as_text
from lineage_bridge.facets import clean_facet

ASSERTIONS: Final = "dataQualityAssertions"
FRESHNESS: Final = "freshness"  # the code of the assertion that a dataset is not too old
ERROR: Final = "error"
WARN: Final = "warn"


class Assertion(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check.

    Attributes:
        assertion: its code; of one dataset and column each code is asserted once.
        success: whether it held.
        column: the column that it is about; None if it is about the dataset.
        severity: how bad it is that it did not hold.
        expected: what it is held against, with its unit.
        actual: what was found, with its unit.
    """

    assertion: str
    success: bool
    column: str | None = None
    severity: Literal["error", "warn"] | None = None
    expected: str | None = None
    actual: str | None = None


def assertions_in(facets: Mapping[str, Any]) -> Iterator[Assertion]:
    """Yield what an event asserts of a dataset, by its facets or input facets."""
    for said in as_list(as_object(facets.get(ASSERTIONS)).get("assertions")):
        assertion = as_object(said)
        severity = assertion.get("severity")
        yield Assertion(
            as_text(assertion.get("assertion")) or "",
            success=assertion.get("success") is True,
            column=as_text(assertion.get("column")),
            severity=severity if severity in {"error", "warn"} else None,
            expected=as_text(assertion.get("expected")),
            actual=as_text(assertion.get("actual")),
        )


def assertions_facet(*found: Iterable[Assertion]) -> dict[str, Any]:
    """Return the facet, under its key, with the assertions of several findings; nothing of none."""
    said = [msgspec.to_builtins(assertion) for one in found for assertion in one]
    return {ASSERTIONS: clean_facet(ASSERTIONS, {"assertions": said})} if said else {}
