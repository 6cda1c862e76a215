"""`lineageBridge_validation`: what the checks found in a version of a dataset or model."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from lineage_bridge.facets.definition import Count, Facet, Instant, Part, doc

ValidationStatus: TypeAlias = Literal["passed", "warn", "error", "unknown"]
CheckStatus: TypeAlias = Literal["passed", "failed", "skipped"]
CheckSeverity: TypeAlias = Literal["error", "warn"]


class CheckResult(Part, frozen=True, kw_only=True):
    """What one check found."""

    code: Annotated[str, doc("The check's name. Source: docs/checks.md.")]
    status: Annotated[
        CheckStatus, doc("`skipped` where it could not be judged; `reason` says why.")
    ]
    severity: Annotated[
        CheckSeverity, doc("How bad it is if it fails. Source: the settings, else the check.")
    ]
    unit: Annotated[str | None, doc("Of what is compared.")] = None
    actual: Annotated[str | None, doc("What was found, in words with the unit.")] = None
    expected: Annotated[str | None, doc("What it is held against, in words with the unit.")] = None
    columns: Annotated[
        tuple[str, ...] | None,
        doc("The columns it is about, worst first, at most 50; absent: the dataset as a whole."),
    ] = None
    against: Annotated[
        str | None,
        doc("The version that it was compared with, the last one that passed this very check."),
    ] = None
    reason: Annotated[str | None, doc("Why it was skipped.")] = None


class ValidationFacet(Facet, frozen=True, kw_only=True):
    """What the checks found in a version: every check, also those that passed or were skipped.

    It says which checks there were, by which limits, and how many versions were known to compare
    with: a home that knows fewer leaves the finding as it is.
    """

    key = "lineageBridge_validation"
    schema = "LineageBridgeValidationDatasetFacet"
    released = "0.2.0"

    status: Annotated[
        ValidationStatus,
        doc("The worst severity that failed, else `passed`; `unknown` if all were skipped."),
    ]
    evaluated_at: Annotated[
        Instant,
        doc("The instant of the data that was judged: of a build its own time. RFC 3339, UTC."),
    ]
    errors: Annotated[Count, doc("Checks of severity `error` that failed.")]
    warnings: Annotated[Count, doc("Checks of severity `warn` that failed.")]
    passed: Annotated[Count, doc("Checks that passed.")]
    skipped: Annotated[Count, doc("Checks that could not be judged.")]
    versions_before: Annotated[
        Count, doc("Earlier versions of the dataset that were known when it was judged.")
    ]
    rows: Annotated[Count | None, doc("Rows, by the footer or the metadata.")] = None
    checks: Annotated[tuple[CheckResult, ...], doc("Every check, in the order of docs/checks.md.")]
