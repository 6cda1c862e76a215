"""Gaps: references that nobody could resolve; for each the edge that it costs, and what mends it.

What cannot be linked is said with its place: the artifact, and the field that has the words or
should have them. What would mend it is a command to copy where one line of `lineage-bridge.toml`
does it, else what to do upstream, in the words of whoever read the artifact.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lineage_bridge.naming import FEATURES_FORM
from lineage_bridge.records import Change, Promotion, Publication, Reference, Source, Start
from lineage_bridge.records.identity import DatasetVersion
from lineage_bridge.records.training import LinkedTraining, Training

Kind = Literal[
    "training_without_dataset",
    "dataset_missing",
    "dataset_ambiguous",
    "dataset_without_source",
    "model_missing",
    "model_ambiguous",
    "windows_without_event",
    "log_of_nobody",
    "log_without_time",
    "blind_counters",
    "flagged",
    "broken_facet",
    "adapter_missing",
    "shared_graph",
    "node_bad",
]

# Kinds that lose no edge by themselves: worth knowing, but no fault.
NOTES: frozenset[Kind] = frozenset(
    {
        "blind_counters",
        "flagged",
        "broken_facet",
        "adapter_missing",
        "shared_graph",
        "log_without_time",
        "node_bad",
    }
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a missing reference may mean, by evidence that is no proof."""

    target: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing or worth knowing.

    Attributes:
        what: a sentence for people.
        path: the artifact that lacks the fact, as shown; None if no artifact is to blame.
        field: the artifact's field that should have the fact.
        edge: the edge that the graph lacks, as `from -> to`; None for a note.
        mend: what to do about it: a command, or what to do upstream.
        guess: what was probably meant; the command in `mend` then declares it.
        group: a sentence with `{count}` in it, under which gaps of this sort are shown together.
    """

    kind: Kind
    what: str
    path: str | None = None
    line: int | None = None
    field: str | None = None
    edge: str | None = None
    mend: str | None = None
    guess: Guess | None = None
    group: str | None = None

    @property
    def is_note(self) -> bool:
        """Whether it is only worth knowing, and no fault."""
        return self.kind in NOTES


def distinct(found: Iterable[Gap]) -> list[Gap]:
    """Return each gap once, even if the same artifact was read in several places."""
    unique = {(gap.kind, gap.what, gap.field, gap.edge): gap for gap in reversed(list(found))}
    return list(reversed(unique.values()))


def alias_command(kind: Literal["dataset", "model", "run"], said: str, target: str) -> str:
    """Return the command that declares what a word stands for, to be copied."""
    return shlex.join(["lineage-bridge", "alias", "add", kind, said, target])


def dataset_without_source(
    source: Source, reference: Reference | None, made: DatasetVersion
) -> Gap:
    """Report a build that does not name its database."""
    return _gap(
        source,
        "dataset_without_source",
        f"{made.name}@{made.version} does not say which database it was built from",
        field=reference.field if reference is not None else None,
        edge=f"(source table) -> {made.name}@{made.version}",
        mend=(reference.mend if reference is not None else None)
        or "build it again from a database that the artifact names",
        group="{count} datasets do not say which database they were built from",
    )


def dataset_missing(training: LinkedTraining, read: Reference, dataset: DatasetVersion) -> Gap:
    """Report a dataset that a training read, but whose build is not known."""
    return _gap(
        training.record.source,
        "dataset_missing",
        f"{dataset.name}@{dataset.version} was read by {training.job}, and nobody has its file",
        field=read.field,
        edge=f"(source table) -> {dataset.name}@{dataset.version}",
        mend="name the folder that holds the file to `backfill`, or keep such files longer",
        group="{count} datasets were read by a training, and nobody has their files",
    )


def dataset_ambiguous(
    training: Training, read: Reference, job: str, candidates: Sequence[str]
) -> Gap:
    """Report a reference that fits several datasets."""
    names = ", ".join(candidates)
    if read.name is not None:
        mend = f"if you know it: {alias_command('dataset', read.name, candidates[0])}"
    else:
        mend = _declare_run(training.run_id, f"{candidates[0]}@<version>")
    return _gap(
        training.source,
        "dataset_ambiguous",
        f"dataset {read.said!r} may be any of {names}",
        field=read.field,
        edge=f"{' | '.join(candidates)} -> {job}",
        mend=mend,
    )


def training_without_dataset(
    training: Training, job: str, candidates: Sequence[str], guess: Guess | None
) -> Gap:
    """Report a training that names no dataset; a guess is shown as one, with its evidence."""
    among = f"; candidates: {', '.join(candidates)}" if candidates else ""
    field = training.reads[0].field if training.reads else None
    return _gap(
        training.source,
        "training_without_dataset",
        f"the training of {training.model.name!r} does not say which dataset it read{among}",
        field=field,
        edge=f"(features) -> {job} (run {training.run_id})",
        mend=alias_command("run", training.run_id, guess.target)
        if guess is not None
        else _declare_run(training.run_id, f"{FEATURES_FORM}@<version>"),
        guess=guess,
        group="{count} trainings do not say which dataset they read",
    )


def _declare_run(run_id: str, target: str) -> str:
    return f"if you know it: {alias_command('run', run_id, target)}"


def model_missing(record: Start, model: DatasetVersion) -> Gap:
    """Report a deployment of a model that has no known training."""
    name, version = record.serves
    return _gap(
        record.source,
        "model_missing",
        f"no training is known for {name!r} {version!r}, which {record.deployment!r} serves",
        field=record.model.field,
        edge=f"(training) -> {model.name}@{model.version}",
        mend=record.model.mend or "name the folder that holds its training to `backfill`",
        group="{count} model versions are served, and their trainings are not known",
    )


def registered_without_run(record: Publication, model: DatasetVersion) -> Gap:
    """Report a registered version whose run nobody knows."""
    return _gap(
        record.source,
        "model_missing",
        f"the run of the registered version {model.name}@{model.version} is not known",
        field=record.trained.field,
        edge=f"(training) -> {model.name}@{model.version}",
        mend=record.trained.mend or "name the store that holds its run to `backfill`",
        group="{count} registered versions come from runs that are not known",
    )


def promoted_nothing(record: Promotion) -> Gap:
    """Report a label on a version that there is not."""
    name, version = record.model.name, record.model.version
    return _gap(
        record.source,
        "flagged",
        f"the {record.kind} {record.label!r} of {name!r} is on {version!r}, which nobody has",
        field=record.model.field,
        mend="put it on a version that there is",
    )


def model_ambiguous(source: Source, field: str | None, model: DatasetVersion, version: str) -> Gap:
    """Report a model version that several runs made."""
    what = f"{model.name}@{model.version} comes from several runs; this one is called {version}"
    return _gap(source, "flagged", what, field=field)


def copies_differ(change: Change) -> Gap:
    """Report that what serves computes its features otherwise than what trained."""
    return _gap(
        change.source,
        "flagged",
        f"{change.what}: {change.sentence}",
        mend=f"copy it again, or use one file for both; lineage-bridge changes {change.what}",
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
    "row_count_differs": "the row count in the metadata is not that of the file; the file's counts",
    "negative": "{!r} is negative and was left out",
    "source_conflict": "parameter {!r} names another file than its logged dataset, and counts",
    "not_observed": "whatever serves it leaves neither events nor windows: {} missing",
}


def flagged(source: Source, what: str, flag: str, mend: str | None = None) -> Gap:
    """Report a flag of a record, `<flag>` or `<flag>:<field>`, an unknown one as it is.

    Args:
        source: of the record.
        what: the record tells of.
        flag: of the record.
        mend: what to do about it upstream.
    """
    name, _, field = flag.partition(":")
    sentence = _FLAGS.get(name, name.replace("_", " ")).format(field)
    return _gap(
        source,
        "flagged",
        f"{what}: {sentence}",
        field=field or None,
        mend=mend,
        group=f"{sentence} ({{count}} times)",
    )


def _gap(
    source: Source,
    kind: Kind,
    what: str,
    *,
    field: str | None = None,
    edge: str | None = None,
    mend: str | None = None,
    guess: Guess | None = None,
    group: str | None = None,
) -> Gap:
    return Gap(
        kind,
        what,
        path=source.shown,
        line=source.line,
        field=field,
        edge=edge,
        mend=mend,
        guess=guess,
        group=group,
    )
