"""`lineageBridge_change`: what changed in what a job is made of, from what to what."""

from __future__ import annotations

from typing import Annotated, Literal

from lineage_bridge.facets.definition import Count, Facet, Part, doc

Kind = Literal[
    "code",
    "dependencies",
    "configuration",
    "schema",
    "feature_definition",
    "parameters",
    "image",
    "data",
    "model",
]


class ChangedFile(Part, frozen=True, kw_only=True):
    """One file that changed."""

    path: Annotated[str, doc("Within its repository.")]
    change: Annotated[
        Literal["added", "modified", "deleted", "renamed"], doc("What became of it.")
    ] = "modified"
    former: Annotated[str | None, doc("What it was called before, if it was renamed.")] = None


class ChangedValue(Part, frozen=True, kw_only=True):
    """One value that changed: a package, a parameter, a column, a variable."""

    name: Annotated[str, doc("Of the package, parameter, column or variable.")]
    before: Annotated[str | None, doc("Absent where it is new.")] = None
    after: Annotated[str | None, doc("Absent where it is gone.")] = None


class ChangeFacet(Facet, frozen=True, kw_only=True):
    """One change. Source: a commit, a lock file, or two copies of one definition."""

    key = "lineageBridge_change"
    schema = "LineageBridgeChangeRunFacet"
    released = "0.2.0"

    kind: Annotated[Kind, doc("What sort of thing changed.")]
    of: Annotated[
        str | None,
        doc("The node that is made of it, as `job:` or `dataset:`; absent where nobody said it."),
    ] = None
    sentence: Annotated[str | None, doc("What was done, in the words of who did it.")] = None
    before: Annotated[str | None, doc("What was there: a commit, a version, a hash.")] = None
    after: Annotated[str | None, doc("What is there since.")] = None
    files: Annotated[tuple[ChangedFile, ...] | None, doc("Files that changed.")] = None
    values: Annotated[tuple[ChangedValue, ...] | None, doc("Values that changed.")] = None
    left_out: Annotated[
        Count | None, doc("How many files and values are not listed; absent if all are.")
    ] = None
    difference: Annotated[
        str | None, doc("The changed lines, `-` before and `+` after; at most 10,000 characters.")
    ] = None
    repository: Annotated[str | None, doc("The name of the repository.")] = None
