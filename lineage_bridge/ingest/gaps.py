"""Gaps: missing links; for each one the edge that the graph lacks, and the line that mends it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lineage_bridge.adapters.linked import DatasetVersion, Training
from lineage_bridge.adapters.records import (
    DatasetRecord,
    DeploymentRecord,
    PublishedRecord,
    Source,
    TrainingRecord,
)
from lineage_bridge.facets import definitions
from lineage_bridge.naming import FEATURES_FORM, Slot, model_dataset
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.graph.broken import BrokenFacet

Kind = Literal[
    "training_without_dataset",
    "dataset_missing",
    "dataset_ambiguous",
    "dataset_without_source",
    "model_missing",
    "model_ambiguous",
    "run_id_twice",
    "published_without_dataset",
    "windows_without_event",
    "blind_counters",
    "flagged",
    "broken_facet",
]

# Kinds that lose no edge by themselves: worth knowing, but no fault.
NOTES: frozenset[Kind] = frozenset(
    {"blind_counters", "flagged", "published_without_dataset", "broken_facet"}
)


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing or worth knowing.

    Attributes:
        what: a sentence for people.
        path: the artifact that lacks the fact, as shown; None if no artifact is to blame.
        field: the artifact's field that should have the fact.
        edge: the edge that the graph lacks, as `from -> to`; None for a note.
        mend: a line for lineage-bridge.toml, or what to do upstream.
    """

    kind: Kind
    what: str
    path: str | None = None
    line: int | None = None
    field: str | None = None
    edge: str | None = None
    mend: str | None = None

    @property
    def is_note(self) -> bool:
        """Whether it is only worth knowing, and no fault."""
        return self.kind in NOTES


def distinct(found: Iterable[Gap]) -> list[Gap]:
    """Return each gap once, even if the same artifact was read in several places."""
    unique = {(gap.kind, gap.what, gap.field, gap.edge): gap for gap in reversed(list(found))}
    return list(reversed(unique.values()))


def _line(section: str, said: str, target: str) -> str:
    """Write a line for the beginning of lineage-bridge.toml, the same as `alias add` writes."""
    return f"aliases.{section}.{json.dumps(said)} = {json.dumps(target)}"


def _gap(source: Source, kind: Kind, what: str, **more: str | None) -> Gap:
    return Gap(kind, what, path=source.shown, line=source.line, **more)


def dataset_without_source(record: DatasetRecord, dataset: DatasetVersion) -> Gap:
    """Report a build that does not name its database."""
    at_second_hand = record.source.family == "p6"
    return _gap(
        record.source,
        "dataset_without_source",
        f"{dataset.name}@{dataset.version} does not say which database it was built from",
        field="upstream_db_path",
        edge=f"(source table) -> {dataset.name}@{dataset.version}",
        mend="P6's JSON does not say it; read the parquet file with --p2"
        if at_second_hand
        else "build the dataset again with P2 from a named database",
    )


def dataset_missing(training: Training, dataset: DatasetVersion) -> Gap:
    """Report a dataset that a training read, but whose file was never read here."""
    return _gap(
        training.record.source,
        "dataset_missing",
        f"{dataset.name}@{dataset.version} was read by {training.job}, and nobody has its file",
        field="input_dataset_name",
        edge=f"(source table) -> {dataset.name}@{dataset.version}",
        mend="read the folder that holds the file with --p2, or keep its file longer",
    )


def dataset_ambiguous(record: TrainingRecord, job: str, candidates: Sequence[str]) -> Gap:
    """Report a reference that fits several datasets."""
    said = record.dataset_path or record.dataset_name
    return _gap(
        record.source,
        "dataset_ambiguous",
        f"dataset {said!r} may be any of {', '.join(candidates)}",
        field="input_parquet" if record.dataset_path else "input_dataset_name",
        edge=f"{' | '.join(candidates)} -> {job}",
        mend=_line("datasets", str(record.dataset_name), candidates[0])
        if record.dataset_name
        else _line("runs", record.run_id, f"{candidates[0]}@<version>"),
    )


def training_without_dataset(
    record: TrainingRecord, job: str, candidates: Sequence[str], newest_before: str | None
) -> Gap:
    """Report a training that names no dataset; the mending line names the last build before it."""
    among = f"; candidates: {', '.join(candidates)}" if candidates else ""
    guess = newest_before or f"{FEATURES_FORM}@<version>"
    return _gap(
        record.source,
        "training_without_dataset",
        f"the training of {record.model!r} does not say which dataset it read{among}",
        field="input_dataset_name",
        edge=f"(features) -> {job} (run {record.run_id})",
        mend=_line("runs", record.run_id, guess),
    )


def model_missing(record: DeploymentRecord, model: DatasetVersion) -> Gap:
    """Report a deployment of a model that has no known training."""
    said = f"{record.model!r} {record.model_version!r}"
    return _gap(
        record.source,
        "model_missing",
        f"no training is known for {said}, which {record.deployment!r} serves",
        field="model_name",
        edge=f"(training) -> {model.name}@{model.version}",
        mend="read its bundle with --p4",
    )


def model_ambiguous(source: Source, model: DatasetVersion, version: str) -> Gap:
    """Report a model version that several runs made."""
    return _gap(
        source,
        "flagged",
        f"{model.name}@{model.version} comes from several runs; this one is called {version}",
        field="model_version",
    )


def published_without_dataset(record: PublishedRecord, missing: Sequence[str]) -> Gap:
    """Report a model folder for whose deployments P5 writes neither events nor windows."""
    return _gap(
        record.source,
        "published_without_dataset",
        f"whatever serves {record.name}/{record.folder} leaves neither events nor windows: "
        f"{', '.join(missing)} missing",
        field=missing[0],
        mend="publish the model again with its dataset and training times",
    )


_FLAGS = {
    "unzoned_time": "a time names no zone; it was read as UTC",
    "completed_before_started": "it completed before it started; it has no duration",
    "run_id_not_folder": "the folder is not called by the run id",
    "not_finite": "metric {!r} is not finite and was left out",
    "not_utf8": "{!r} in the footer is not UTF-8 and was left out",
    "unreadable": "{!r} in the footer cannot be read and was left out",
    "duplicate_columns": "a column stands twice; the first counts",
    "no_target": "it has no target column",
    "not_numeric": "feature {!r} is no number",
    "row_count_differs": "P2's row count is not that of the file; the file's counts",
    "negative": "{!r} is negative and was left out",
}


def flagged(source: Source, flag: str) -> Gap:
    """Report a flag of an adapter: `<flag>` or `<flag>:<field>`."""
    name, _, field = flag.partition(":")
    return _gap(source, "flagged", _FLAGS[name].format(field), field=field or None)


def windows_without_event(slot: Slot, model: str, version: str) -> Gap:
    """Report windows of a model version that no deployment event names."""
    return Gap(
        "windows_without_event",
        f"{slot.deployment!r} has windows of {model!r} {version!r}, and no event of that start",
        field="deployment_id",
        edge=f"{model_dataset(model)}@{version} -> {slot.job}",
        mend="read the folder of its deployment_events.jsonl with --p5",
    )


def blind_counters(service: str, fields: Sequence[str]) -> Gap:
    """Report counters that a service never moved: the faults that they count cannot be seen."""
    return Gap(
        "blind_counters",
        f"{service!r} never counted: {', '.join(fields)}",
        mend="nothing, unless these faults can happen: then they go unseen",
    )


def broken_facet(found: BrokenFacet) -> Gap:
    """A facet under a name of ours that was left out of the graph."""
    of = found.node or f"the run {found.run}"
    events = "1 event" if found.events == 1 else f"{found.events} events, the newest"
    return Gap(
        "broken_facet",
        f"`{found.key}` of {of} is left out of the graph: {found.problem}. Seen in {events} "
        f"of {format_time(found.newest)}, from {found.producer or 'a producer without a name'}",
        field=found.key,
        mend=f"send it as {definitions()[found.key].schema_url()} says",
    )
