"""The trainings among all records: one of each run, with what it read, what it made and looked at.

A run that says no dataset of its own read what the run did that it is nested in. Models that a run
read are known once all trainings are, so they are looked up in a second step.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from lineage_bridge.errors import ArtifactError
from lineage_bridge.link import gaps
from lineage_bridge.link.datasets import Resolved, resolve
from lineage_bridge.link.guess import Habit
from lineage_bridge.link.known import KnownDatasets, declared_target
from lineage_bridge.link.models import KnownModels, model_name
from lineage_bridge.link.outcome import Outcome, Refused
from lineage_bridge.link.runs import Registered, added_up, nearest_with_reads, outranking_first
from lineage_bridge.naming import is_features, is_uuid, model_job, one_spelling, run_uuid, train_job
from lineage_bridge.records import Publication, Reference, Training
from lineage_bridge.records.identity import OF_PARENT, Bound, DatasetVersion, Link
from lineage_bridge.records.training import LinkedTraining
from lineage_bridge.settings import Settings

OF_PARENT_CERTAINTY: Final = 0.8  # of what a run read, of a run in it that does not say

_Built = Mapping[tuple[str, str, str | None], datetime]


class Trainings:
    """All trainings, linked in steps.

    Args:
        known: all builds.
        built: when each of them was.
        outcome: is told how words were resolved, and what came up.
        settings: what is declared.
    """

    def __init__(
        self, known: KnownDatasets, built: _Built, outcome: Outcome, settings: Settings
    ) -> None:
        self._known = known
        self._built = built
        self._outcome = outcome
        self._settings = settings
        self._namespace = settings.namespace
        self._without_dataset: list[tuple[LinkedTraining, Resolved]] = []

    def linked(
        self, records: Sequence[Training], published: Sequence[Publication]
    ) -> list[LinkedTraining]:
        """Return the training of each run, with the datasets that it read and the model it made.

        Args:
            records: of all runs, what outranks first.
            published: all published models: a registry's word names what a run made.
        """
        by_run: dict[str, list[Training]] = defaultdict(list)
        for record in records:
            by_run[record.subject].append(record)
        registered = Registered(published)
        found = [self._training(registered.named(self._winner(g))) for g in by_run.values()]
        return self._apart(self._nested(found))

    def with_models(
        self, trainings: Sequence[LinkedTraining], models: KnownModels
    ) -> list[LinkedTraining]:
        """Return the trainings with the models that they read, and note what is missing of each."""
        found = [self._with_models(training, models) for training in trainings]
        self._note(found)
        return found

    def _winner(self, group: Sequence[Training]) -> Training:
        """Choose among records of one run, and add what the others say."""
        ordered = outranking_first(group)
        winner = ordered[0]
        for other in ordered[1:]:
            is_rival = (
                other.source.second_hand == winner.source.second_hand
                and other.source.family == winner.source.family
            )
            if is_rival and not other.source.is_same_artifact(winner.source):
                reason = f"run {other.run_id!r} is also that of {winner.source.shown!r}, which wins"
                error = ArtifactError(reason, field="run_id")
                self._outcome.refused.append(Refused(other.source, error))
        return added_up(ordered)

    def _note_model(self, found: DatasetVersion, bound: Bound, training: LinkedTraining) -> None:
        said = f"model {bound.reference.said!r}"
        self._outcome.decide(found, said, training.record.source)

    def _training(self, record: Training) -> LinkedTraining:
        name = model_name(record.model, self._settings.aliases.models)
        job = train_job(name)
        run_id = run_uuid(self._namespace, job, record.run_id)
        resolved = [self._resolve(record, number) for number in range(len(record.reads))]
        reads = tuple(
            Bound(reference, found.dataset)
            for reference, found in zip(record.reads, resolved, strict=True)
        )
        ended = record.ended
        if record.time_basis == "unzoned":
            ended = self._not_before_its_data(ended, reads)
        version = record.model.version or (run_id if is_uuid(record.run_id) else record.run_id)
        own = Link("run_id", 1.0, f"run {record.run_id!r} calls its model {record.model.name!r}")
        model = DatasetVersion(self._namespace, name, version, own)
        if record.made:
            self._outcome.decide(model, f"model {record.model.name!r}", record.source)
        self._outcome.note_flags(record, f"{record.model.name}, run {record.run_id}")
        for bound, found in zip(reads, resolved, strict=True):
            self._note_read(record, job, bound, found)
        training = LinkedTraining(record, job, run_id, reads, model, ended)
        if training.dataset is None and record.made:
            nothing = resolved[0] if resolved else Resolved(None)
            self._without_dataset.append((training, nothing))
        return training

    def _resolve(self, record: Training, number: int) -> Resolved:
        declared = self._settings.aliases.runs.get(record.run_id) if number == 0 else None
        if declared is not None:
            return Resolved(declared_target(declared, self._namespace, record.run_id))
        read = record.reads[number]
        if read.what == "model":  # once all trainings are known
            return Resolved(None)
        found = resolve(read, self._known)
        if found.dataset is None or read.certainty == 1:
            return found
        link = found.dataset.link
        less = replace(link, confidence=round(link.confidence * read.certainty, 4))
        return Resolved(replace(found.dataset, link=less), found.candidates)

    def _not_before_its_data(self, stamp: datetime, reads: Sequence[Bound]) -> datetime:
        """Return the earliest time at which a training can have ended whose clock has no zone.

        Its stamp, read as UTC, may come before the build of what it read, which is impossible.
        """
        built = [self._built.get(b.dataset.key) for b in reads if b.dataset is not None]
        return max([stamp.astimezone(UTC), *(time for time in built if time is not None)])

    def _note_read(self, record: Training, job: str, bound: Bound, found: Resolved) -> None:
        if bound.dataset is None:
            return
        self._outcome.decide(bound.dataset, f"dataset {bound.reference.said!r}", record.source)
        if found.candidates:
            gap = gaps.dataset_ambiguous(record, bound.reference, job, found.candidates)
            self._outcome.gaps.append(gap)

    def _nested(self, trainings: Sequence[LinkedTraining]) -> list[LinkedTraining]:
        """Say of each run what it is nested in; one that says no dataset read what that one did."""
        by_run = {one_spelling(t.record.run_id): t for t in trainings}
        parents = {
            run: one_spelling(t.record.parent)
            for run, t in by_run.items()
            if t.record.parent is not None
        }
        if not parents:
            return list(trainings)
        reads = {run: _datasets(t) for run, t in by_run.items()}
        found = []
        for training in trainings:
            run = one_spelling(training.record.run_id)
            nested, parent = training, by_run.get(parents.get(run, ""))
            if parent is not None:
                nested = replace(nested, parent=(parent.job, parent.run_id))
            above = nearest_with_reads(run, parents, reads)
            if above is not None and not any(r.said for r in training.record.reads):
                nested = replace(nested, reads=tuple(map(_of_parent, reads[above])))
            found.append(nested)
        self._without_dataset = [
            (one, nothing)
            for one, nothing in self._without_dataset
            if nearest_with_reads(one_spelling(one.record.run_id), parents, reads) is None
        ]
        return found

    def _with_models(self, training: LinkedTraining, models: KnownModels) -> LinkedTraining:
        """Find the models that a run read; one that it only looked at gives the job its name."""
        if not any(read.what == "model" for read in training.record.reads):
            return training
        reads = []
        for bound in training.reads:
            if bound.reference.what != "model":
                reads.append(bound)
                continue
            found = models.of_read(bound.reference)
            if found is not None:
                self._note_model(found, bound, training)
                reads.append(Bound(bound.reference, found))
        looked_at = training.record.looks_at
        model = next((b.dataset for b in reads if b.reference is looked_at), None)
        job = training.job if model is None else model_job("evaluate", model.name)
        return replace(training, job=job, reads=tuple(reads))

    def _note(self, trainings: Sequence[LinkedTraining]) -> None:
        """Note the trainings that do not say what they read, and datasets that nobody has."""
        examples = (
            (t.dataset, t.ended)
            for t in trainings
            if t.dataset is not None and t.record.time_basis == "utc"
        )
        habit = Habit(self._built, examples) if self._without_dataset else None
        for training, found in self._without_dataset:
            record = training.record
            guess = habit.guess(training.ended) if habit is not None else None
            gap = gaps.training_without_dataset(record, training.job, found.candidates, guess)
            self._outcome.gaps.append(gap)
        for training in trainings:
            for bound in training.reads:
                if _is_of_unknown_build(bound, self._built):
                    assert bound.dataset is not None
                    gap = gaps.dataset_missing(training, bound.reference, bound.dataset)
                    self._outcome.gaps.append(gap)

    def _apart(self, trainings: Sequence[LinkedTraining]) -> list[LinkedTraining]:
        """Keep runs that claim one model version apart: add each one's run id to its version."""
        claims = Counter((t.model.name, t.model.version) for t in trainings)
        distinct = []
        for training in trainings:
            model = training.model
            if claims[model.name, model.version] == 1:
                distinct.append(training)
                continue
            version = self._outcome.set_apart(training.record, model, training.run_id)
            distinct.append(replace(training, model=replace(model, version=version)))
        return sorted(distinct, key=lambda t: (t.ended, t.run_id))


def _of_parent(bound: Bound) -> Bound:
    assert bound.dataset is not None
    link = bound.dataset.link
    evidence = f"the run that it is nested in read it: {link.evidence}"
    inherited = Link(OF_PARENT, round(link.confidence * OF_PARENT_CERTAINTY, 4), evidence)
    return Bound(Reference(), replace(bound.dataset, link=inherited))


def _datasets(training: LinkedTraining) -> list[Bound]:
    return [b for b in training.reads if b.dataset is not None and b.reference.what == "dataset"]


def _is_of_unknown_build(bound: Bound, built: Container[tuple[str, str, str | None]]) -> bool:
    """Return whether a run read features of which no build is known; other data has none."""
    dataset = bound.dataset
    if dataset is None or bound.reference.what == "model" or dataset.link.method == OF_PARENT:
        return False
    return dataset.key not in built and (
        is_features(dataset.name) or bound.reference.namespace is None
    )
