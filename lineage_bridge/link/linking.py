"""Link all records: a function of the set of them, so no order of reading matters.

It goes down the way of the data: builds, trainings, published models, starts; what one step finds
is what the next one's words are compared with.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from lineage_bridge.errors import ArtifactError
from lineage_bridge.link import gaps
from lineage_bridge.link.datasets import Resolved, resolve
from lineage_bridge.link.gaps import Gap
from lineage_bridge.link.guess import Habit
from lineage_bridge.link.known import Known, KnownDatasets, declared_target
from lineage_bridge.link.models import Ancestry, KnownModels, model_name
from lineage_bridge.naming import Logged, build_job, is_uuid, publish_job, run_uuid, train_job
from lineage_bridge.records import (
    Build,
    Claim,
    Publication,
    Record,
    Reference,
    Source,
    Start,
    Training,
)
from lineage_bridge.records.build import LinkedBuild
from lineage_bridge.records.identity import Bound, DatasetVersion, Link
from lineage_bridge.records.publication import LinkedPublication
from lineage_bridge.records.start import LinkedStart, in_order
from lineage_bridge.records.training import MISPLACED, LinkedTraining
from lineage_bridge.records.words import JOURNAL
from lineage_bridge.settings import Settings

Served = tuple[Publication | Start, Ancestry]


@dataclass(frozen=True, slots=True)
class Decision:
    """One resolved reference: the artifact's words (`said`), and the node that they mean."""

    node: str
    version: str | None
    said: str
    path: str
    link: Link


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that tells of a run that another record tells of better."""

    source: Source
    error: ArtifactError


@dataclass(slots=True)
class Outcome:
    """All linked records, each list in the order of event time, and what came up on the way."""

    builds: list[LinkedBuild] = field(default_factory=list)
    trainings: list[LinkedTraining] = field(default_factory=list)
    publications: list[LinkedPublication] = field(default_factory=list)
    starts: list[LinkedStart] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def link(records: Iterable[Record], settings: Settings, logged: Container[Logged] = ()) -> Outcome:
    """Link every record to its identities.

    Args:
        records: all that are known.
        settings: what is declared.
        logged: what served, of which there is an inference log.
    """
    return _Pass(list(records), settings, logged).run()


class _Pass:
    def __init__(
        self, records: Sequence[Record], settings: Settings, logged: Container[Logged]
    ) -> None:
        self._settings = settings
        self._logged = logged
        self._namespace = settings.namespace
        ordered = sorted(records, key=_outranking_first)
        self._builds = [r for r in ordered if isinstance(r, Build)]
        self._trainings = [r for r in ordered if isinstance(r, Training)]
        self._published = [r for r in ordered if isinstance(r, Publication)]
        self._starts = [r for r in ordered if isinstance(r, Start)]
        self._known = KnownDatasets(self._builds, settings)
        self._built: dict[tuple[str, str, str | None], datetime] = {}
        self._without_dataset: list[tuple[LinkedTraining, Resolved]] = []
        self._outcome = Outcome()

    def run(self) -> Outcome:
        outcome = self._outcome
        outcome.builds = self._all_builds()
        self._built = {build.dataset.key: build.record.built for build in outcome.builds}
        outcome.trainings = self._apart(self._all_trainings())
        self._note_trainings()
        models = KnownModels(
            outcome.trainings,
            self._published,
            namespace=self._namespace,
            aliases=self._settings.aliases.models,
        )
        for record in self._published:
            served = f"{record.model.name}/{record.versions[-1]}" if record.versions else ""
            self._note_flags(record, served or record.model.name, record.trained.mend)
        found: list[Served] = [(r, models.of_published(r)) for r in self._published]
        found += [(r, models.of_start(r)) for r in self._starts]
        ancestries = self._copies_apart(found)
        outcome.publications = self._publications(ancestries)
        outcome.starts = in_order(
            self._start(record, ancestry)
            for record, ancestry in ancestries
            if isinstance(record, Start)
        )
        outcome.gaps = gaps.distinct(outcome.gaps)
        return outcome

    def _decide(self, found: DatasetVersion, said: str, source: Source) -> None:
        decision = Decision(found.id, found.version, said, source.shown, found.link)
        self._outcome.decisions.append(decision)

    # Builds

    def _all_builds(self) -> list[LinkedBuild]:
        builds: dict[tuple[str, str, str | None], LinkedBuild] = {}
        for known in self._known.all:
            if known.dataset.key not in builds:  # records are sorted: what outranks comes first
                builds[known.dataset.key] = self._build(known)
        return sorted(builds.values(), key=lambda b: (b.record.built, b.run_id))

    def _build(self, known: Known) -> LinkedBuild:
        record, dataset = known.record, known.dataset
        self._decide(dataset, f"stem {record.dataset.name!r}", record.source)
        tables = tuple(Bound(table, self._known.table_of(table)) for table in record.reads)
        for bound in tables:
            if bound.dataset is not None:
                said = f"{bound.reference.field or 'table'} {bound.reference.said!r}"
                self._decide(bound.dataset, said, record.source)
        if not any(bound.dataset for bound in tables):
            first = record.reads[0] if record.reads else None
            self._outcome.gaps.append(gaps.dataset_without_source(record.source, first, dataset))
        self._note_flags(record, record.dataset.name)
        return LinkedBuild(record, build_job(known.store, record.base), dataset, tables)

    # Trainings

    def _all_trainings(self) -> list[LinkedTraining]:
        by_run: dict[str, list[Training]] = defaultdict(list)
        for record in self._trainings:
            by_run[record.subject].append(record)
        return [self._training(self._winner(group)) for group in by_run.values()]

    def _winner(self, group: Sequence[Training]) -> Training:
        """Choose among records of one run: first hand, then the one whose folder has the run id."""
        ordered = sorted(group, key=lambda r: (r.source.second_hand, MISPLACED in r.flags))
        winner = ordered[0]
        for other in ordered[1:]:
            is_rival = other.source.second_hand == winner.source.second_hand
            if is_rival and not other.source.is_same_artifact(winner.source):
                reason = f"run {other.run_id!r} is also that of {winner.source.shown!r}, which wins"
                error = ArtifactError(reason, field="run_id")
                self._outcome.refused.append(Refused(other.source, error))
        return winner

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
        self._decide(model, f"model {record.model.name!r}", record.source)
        self._note_flags(record, f"{record.model.name}, run {record.run_id}")
        for bound, found in zip(reads, resolved, strict=True):
            self._note_read(record, job, bound, found)
        training = LinkedTraining(record, job, run_id, reads, model, ended)
        if training.dataset is None:
            nothing = resolved[0] if resolved else Resolved(None)
            self._without_dataset.append((training, nothing))
        return training

    def _resolve(self, record: Training, number: int) -> Resolved:
        declared = self._settings.aliases.runs.get(record.run_id) if number == 0 else None
        if declared is not None:
            return Resolved(declared_target(declared, self._namespace, record.run_id))
        return resolve(record.reads[number], self._known)

    def _not_before_its_data(self, stamp: datetime, reads: Sequence[Bound]) -> datetime:
        """Return the earliest time at which a training can have ended whose clock has no zone.

        Its stamp, read as UTC, may come before the build of what it read, which is impossible.
        """
        built = [self._built.get(b.dataset.key) for b in reads if b.dataset is not None]
        return max([stamp.astimezone(UTC), *(time for time in built if time is not None)])

    def _note_read(self, record: Training, job: str, bound: Bound, found: Resolved) -> None:
        if bound.dataset is None:
            return
        self._decide(bound.dataset, f"dataset {bound.reference.said!r}", record.source)
        if found.candidates:
            gap = gaps.dataset_ambiguous(record, bound.reference, job, found.candidates)
            self._outcome.gaps.append(gap)

    def _note_trainings(self) -> None:
        """Note the trainings that do not say what they read, and datasets that nobody has."""
        trainings = self._outcome.trainings
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
                if bound.dataset is not None and bound.dataset.key not in self._built:
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
            version = self._set_apart(training.record, model, training.run_id)
            distinct.append(replace(training, model=replace(model, version=version)))
        return sorted(distinct, key=lambda t: (t.ended, t.run_id))

    def _set_apart(
        self, record: Training | Publication | Start, model: DatasetVersion, run_id: str
    ) -> str:
        version = f"{model.version}+{run_id[:8]}"
        gap = gaps.model_ambiguous(record.source, record.model.field, model, version)
        self._outcome.gaps.append(gap)
        return version

    # Models and deployments

    def _copies_apart(self, found: Sequence[Served]) -> list[Served]:
        """Keep copies of one name and version from several runs apart, as `_apart` does."""
        runs: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for _, ancestry in found:
            if ancestry.trained is not None and ancestry.is_publication:
                model = ancestry.model
                runs[model.name, model.version].add(ancestry.trained.run_id)
        several = {key for key, made in runs.items() if len(made) > 1}
        apart = []
        for record, ancestry in found:
            model, trained = ancestry.model, ancestry.trained
            if trained is not None and (model.name, model.version) in several:
                version = self._set_apart(record, model, trained.run_id)
                renamed = replace(ancestry, model=replace(model, version=version))
                apart.append((record, renamed))
            else:
                apart.append((record, ancestry))
        return apart

    def _publications(self, found: Iterable[Served]) -> list[LinkedPublication]:
        publications: dict[tuple[str, str | None], LinkedPublication] = {}
        for record, ancestry in found:
            source, model, trained = record.source, ancestry.model, ancestry.trained
            self._decide(model, f"model of {source.shown!r}", source)
            if trained is None or not ancestry.is_publication:
                continue
            parent = replace(trained.model, link=model.link)
            publications.setdefault(
                (model.name, model.version),
                LinkedPublication(
                    _as_publication(record, ancestry),
                    publish_job(model.name),
                    parent,
                    trained.run_id,
                    model,
                    trained.ended,
                ),
            )
        return sorted(publications.values(), key=lambda p: (p.ended, p.run_id))

    def _start(self, record: Start, ancestry: Ancestry) -> LinkedStart:
        model = ancestry.model
        if ancestry.trained is None:
            self._outcome.gaps.append(gaps.model_missing(record, model))
        link = Link("event", 1.0, "the deployment names itself")
        version = "/".join(record.serves)  # as in the events of its windows
        predictions = DatasetVersion(self._namespace, record.slot.predictions, version, link)
        self._decide(predictions, f"deployment {record.deployment!r}", record.source)
        return LinkedStart(
            record,
            record.run_id(self._namespace),
            model,
            predictions,
            self._live(record),
            ancestry.folder_run,
            log=self._log(record, version),
        )

    def _log(self, record: Start, version: str) -> DatasetVersion | None:
        """Return the inference log of what a start serves; all its instances write the same one."""
        if (record.slot, *record.serves) not in self._logged:
            return None
        link = Link("rows", 1.0, "its rows name the deployment and what answered")
        log = DatasetVersion(self._namespace, record.slot.inference_log, version, link)
        self._decide(log, f"deployment {record.deployment!r}", record.source)
        return log

    def _live(self, record: Start) -> tuple[DatasetVersion, ...]:
        evidence = f"lineage-bridge.toml: {record.service!r} reads it live"
        link = Link("declared", 1.0, evidence)
        declared = self._settings.live.get(record.service)
        tables = list(record.live) if declared is None else [t.rpartition(":") for t in declared]
        return tuple(
            DatasetVersion(namespace or self._namespace, name, None, link)
            for namespace, *_, name in tables
        )

    def _note_flags(
        self, record: Build | Training | Publication, what: str, mend: str | None = None
    ) -> None:
        self._outcome.gaps += [
            gaps.flagged(record.source, what, flag, mend) for flag in record.flags
        ]


def _outranking_first(record: Record) -> tuple[bool, bool, str, int]:
    source = record.source
    return (source.second_hand, source.family == JOURNAL, source.path, source.line or 0)


def _as_publication(record: Publication | Start, ancestry: Ancestry) -> Publication:
    """Return the record of a copy; of one that only a deployment tells of, made of its words."""
    if isinstance(record, Publication):
        return record
    said = record.model
    return Publication(
        source=record.source,
        model=Claim(what="model", name=said.name or "", version=said.version, field=said.field),
        trained=Reference(
            what="model",
            run_id=ancestry.folder_run,
            trained_on=said.trained_on,
            started=said.started,
            completed=said.completed,
            field=said.field,
        ),
    )
