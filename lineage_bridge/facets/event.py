"""`lineageBridge_event`: the identity of an event, and where it comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from lineage_bridge.facets.definition import (
    Facet,
    Instant,
    Line,
    Part,
    Ratio,
    doc,
)


class Artifact(Part, frozen=True, kw_only=True):
    """The artifact that the event was made from."""

    path: Annotated[str, doc("Relative to the folder that was named.")]
    sha256: Annotated[
        str | None, doc("Of the file's bytes; absent where it was not read whole.")
    ] = None
    line: Annotated[Line | None, doc("The line in it, counted from 1.")] = None
    second_hand: Annotated[
        bool | None,
        doc("It repeats facts of other artifacts, which outrank it; absent otherwise."),
    ] = None


class Words(Part, frozen=True, kw_only=True):
    """The words that an artifact has for a dataset, as it spells them: by them it is found."""

    namespace: Annotated[str | None, doc("Where the artifact names it in full.")] = None
    name: Annotated[str | None, doc("A name, or the stem of a file.")] = None
    version: Annotated[str | None, doc("As the artifact spells it.")] = None
    spellings: Annotated[
        tuple[str, ...] | None, doc("Other spellings of the version, such as a folder's name.")
    ] = None
    within: Annotated[str | None, doc("A word that the name stands under.")] = None
    path: Annotated[
        str | None, doc("Of the file, or of a table's database; of an output its last parts.")
    ] = None
    sha256: Annotated[str | None, doc("Of the content.")] = None
    md5: Annotated[str | None, doc("Of the content, where its artifact has no better.")] = None
    run_id: Annotated[str | None, doc("Of the run that made it, as its upstream spells it.")] = None
    trained_on: Annotated[
        str | None, doc("Of a model: the version of the dataset that it was trained on.")
    ] = None
    started: Annotated[
        Instant | None, doc("Of a model: when its training began. RFC 3339, UTC.")
    ] = None
    completed: Annotated[
        Instant | None, doc("Of a model: when its training ended. RFC 3339, UTC.")
    ] = None


class Link(Part, frozen=True, kw_only=True):
    """How one dataset of the event was found."""

    dataset: Annotated[
        str,
        doc("The dataset as `dataset:<namespace>:<name>`; empty where none could be found."),
    ]
    role: Annotated[Literal["input", "output"], doc("Whether the event reads or writes it.")]
    method: Annotated[
        str,
        doc(
            "The rung of the ladder: declared, path, stem, hash, suffix, version, name, "
            "run_id, model_version, label, triple, event."
        ),
    ]
    confidence: Annotated[Ratio, doc("0 to 1.")]
    kind: Annotated[
        Literal["feedback"] | None,
        doc("`feedback` where the edge was declared to close a loop; absent otherwise."),
    ] = None
    evidence: Annotated[str | None, doc("What was compared with what, for people.")] = None
    said: Annotated[Words | None, doc("The artifact's words for the dataset.")] = None
    field: Annotated[str | None, doc("The artifact's field that has these words.")] = None


class EventFacet(Facet, frozen=True, kw_only=True):
    """What every event of ours carries: its identity, its origin, how its datasets were found."""

    key = "lineageBridge_event"
    schema = "LineageBridgeEventRunFacet"
    version = "1-0-1"
    released = "0.2.0"

    id: Annotated[
        Annotated[str, Meta(pattern="^[0-9a-f]{32}$")],
        doc(
            "Hash over what the event says: type, time, job, run, datasets with versions, "
            "and our facts; 32 hex digits. Paths, lines, evidence, producers and schema "
            "URLs are no part of it."
        ),
    ]
    artifact: Annotated[Artifact | None, doc("The artifact that the event was made from.")] = None
    links: Annotated[tuple[Link, ...] | None, doc("How each dataset of the event was found.")] = (
        None
    )
    supersedes: Annotated[str | None, doc("The id of an event whose place this one takes.")] = None
    withdraws: Annotated[
        tuple[str, ...] | None,
        doc(
            "The ids of events that nothing calls for any more. This event says nothing else: "
            "whoever keeps the graph leaves its run, job and datasets out."
        ),
    ] = None
