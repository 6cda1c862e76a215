"""Link records to identities: from all records at once, so that no order of reading matters.

Each pass decides everything anew. If the whole set of records changes a decision for which an event
was already emitted, a new event supersedes that one (`ingest.outgoing`), so the graph is the same
as if everything had been read at once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lineage_bridge.adapters.deployments import with_ends
from lineage_bridge.adapters.linked import (
    Build,
    DatasetVersion,
    Link,
    Linked,
    Publication,
    Start,
    Training,
)
from lineage_bridge.adapters.p2 import later_of_stamp_and_build
from lineage_bridge.adapters.records import (
    DatasetRecord,
    DeploymentRecord,
    PublishedRecord,
    Record,
    Source,
    TrainingRecord,
)
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import gaps
from lineage_bridge.ingest.datasets import DatasetIndex, Known, declared_target
from lineage_bridge.ingest.gaps import Gap
from lineage_bridge.ingest.models import Ancestry, ModelIndex, model_name
from lineage_bridge.naming import (
    Slot,
    build_job,
    p2_model_dataset,
    publish_job,
    run_uuid,
    serving_run_uuid,
    train_job,
)
from lineage_bridge.observe.quarantine import Rejected, rejected
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time

Served = tuple[PublishedRecord | DeploymentRecord, Ancestry]

# Of several artifacts for one build or run, the first family here wins.
RANK = {"p4": 0, "p2": 1, "p5": 2, "p6": 3}


@dataclass(frozen=True, slots=True)
class Decision:
    """One resolved reference: the artifact's words (`said`), and the node that they mean."""

    node: str
    version: str | None
    said: str
    path: str
    link: Link


@dataclass(slots=True)
class Outcome:
    """All linked records, with the decisions, gaps and rejections of linking them."""

    linked: Linked = field(default_factory=Linked)
    decisions: list[Decision] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def link(records: Iterable[Record], settings: Settings) -> Outcome:
    """Link every record to its identities."""
    return _Pass(list(records), settings).run()


class _Pass:
    def __init__(self, records: Sequence[Record], settings: Settings) -> None:
        self._settings = settings
        self._namespace = settings.namespace
        ordered = sorted(records, key=lambda r: (RANK[r.source.family], r.source.path))
        self._datasets = [r for r in ordered if isinstance(r, DatasetRecord)]
        self._trainings = [r for r in ordered if isinstance(r, TrainingRecord)]
        self._published = [r for r in ordered if isinstance(r, PublishedRecord)]
        self._deployments = [r for r in ordered if isinstance(r, DeploymentRecord)]
        self._index = DatasetIndex(
            self._datasets,
            namespace=self._namespace,
            stores=settings.stores,
            aliases=settings.aliases.datasets,
        )
        self._built: dict[tuple[str, str | None], datetime] = {}
        self._outcome = Outcome()

    def run(self) -> Outcome:
        linked = self._outcome.linked
        linked.builds = self._builds()
        self._built = {(b.dataset.name, b.dataset.version): b.record.built for b in linked.builds}
        linked.trainings = self._distinct(self._all_trainings())
        models = ModelIndex(
            linked.trainings,
            self._published,
            namespace=self._namespace,
            aliases=self._settings.aliases.models,
        )
        self._note_published()
        found: list[Served] = [(r, models.of_published(r)) for r in self._published]
        found += [(r, models.of_deployment(r)) for r in self._deployments]
        ancestries = self._apart(found)
        linked.publications = self._publications(ancestries)
        linked.starts = with_ends(
            self._start(record, ancestry)
            for record, ancestry in ancestries
            if isinstance(record, DeploymentRecord)
        )
        self._note_missing_datasets()
        self._outcome.gaps = gaps.distinct(self._outcome.gaps)
        return self._outcome

    def _decide(self, found: DatasetVersion, said: str, source: Source) -> None:
        decision = Decision(found.id, found.version, said, source.shown, found.link)
        self._outcome.decisions.append(decision)

    # Builds

    def _builds(self) -> list[Build]:
        builds: dict[tuple[str, str], Build] = {}
        for known in self._index.known:
            key = (known.name, known.version)
            if key not in builds:  # records are sorted by the rank of their family: the first wins
                builds[key] = self._build(known)
        return sorted(builds.values(), key=lambda b: (b.record.built, b.run_id))

    def _build(self, known: Known) -> Build:
        record = known.record
        job = build_job(known.store, known.base)
        dataset = self._index.identity_of(known)
        self._decide(dataset, f"stem {record.stem!r}", record.source)
        source = self._index.source_of(record, self._settings.source_table)
        if source is None:
            self._outcome.gaps.append(gaps.dataset_without_source(record, dataset))
        else:
            self._decide(source, f"upstream_db_path {record.upstream!r}", record.source)
        self._note_flags(record.source, record.flags)
        upstream_id = json.dumps([known.name, known.version])
        run_id = run_uuid(self._namespace, job, upstream_id)
        return Build(record, job, run_id, source, dataset)

    # Trainings

    def _all_trainings(self) -> list[Training]:
        # P4 and P6 share one space of run ids, P2 has another; a UUID has several spellings.
        by_run: dict[tuple[bool, str], list[TrainingRecord]] = defaultdict(list)
        for record in self._trainings:
            key = (record.source.family == "p2", run_uuid("", "", record.run_id))
            by_run[key].append(record)
        return [self._training(self._winner(group)) for group in by_run.values()]

    def _winner(self, group: Sequence[TrainingRecord]) -> TrainingRecord:
        """Choose among records of one run: by family, then the one whose folder has the run id."""
        ordered = sorted(
            group, key=lambda r: (RANK[r.source.family], "run_id_not_folder" in r.flags)
        )
        winner = ordered[0]
        for other in ordered[1:]:
            same_family = other.source.family == winner.source.family
            if same_family and other.source.sha256 != winner.source.sha256:
                reason = f"run {other.run_id!r} is also that of {winner.source.shown!r}, which wins"
                error = ArtifactError(reason, field="run_id")
                self._outcome.rejected.append(rejected(other.source.path, "p4", error))
        return winner

    def _training(self, record: TrainingRecord) -> Training:
        name = (
            p2_model_dataset(record.model)
            if record.source.family == "p2"
            else model_name(record.model, self._settings.aliases.models)
        )
        job = train_job(name)
        run_id = run_uuid(self._namespace, job, record.run_id)
        dataset = self._dataset_of(record, job)
        built = self._built.get((dataset.name, dataset.version)) if dataset else None
        ended = record.completed or record.created
        assert ended is not None  # every adapter ensures one of the two
        if record.time_basis == "unzoned":
            ended = later_of_stamp_and_build(ended, built)
        version = record.version or (run_id if _is_hex(record.run_id) else record.run_id)
        own = Link("run_id", 1.0, f"run {record.run_id!r} calls its model {record.model!r}")
        model = DatasetVersion(self._namespace, name, version, own)
        self._decide(model, f"model {record.model!r}", record.source)
        self._note_flags(record.source, record.flags)
        return Training(record, job, run_id, dataset, model, ended)

    def _dataset_of(self, record: TrainingRecord, job: str) -> DatasetVersion | None:
        declared = self._settings.aliases.runs.get(record.run_id)
        if declared is not None:
            found: DatasetVersion | None = declared_target(declared, self._namespace, record.run_id)
            candidates: list[str] = []
        else:
            found, candidates = self._index.resolve(
                record.dataset_name, record.dataset_version, record.dataset_path
            )
        said = record.dataset_path or record.dataset_name or record.dataset_version
        if found is None:
            self._outcome.gaps.append(
                gaps.training_without_dataset(record, job, candidates, self._newest_before(record))
            )
            return None
        self._decide(found, f"dataset {said!r}", record.source)
        if candidates:
            self._outcome.gaps.append(gaps.dataset_ambiguous(record, job, candidates))
        return found

    def _newest_before(self, record: TrainingRecord) -> str | None:
        """Return the newest build before a training, as a guess of the dataset that it read."""
        ended = record.completed or record.created
        before = [(t, n, v) for (n, v), t in self._built.items() if ended and t <= ended and v]
        _, name, version = max(before, default=(None, None, None))
        return f"{name}@{version}" if name is not None else None

    def _distinct(self, trainings: Sequence[Training]) -> list[Training]:
        """Keep runs that claim one model version apart: add each one's run id to its version."""
        claims = Counter((t.model.name, t.model.version) for t in trainings)
        distinct = []
        for training in trainings:
            model = training.model
            if claims[model.name, model.version] == 1:
                distinct.append(training)
                continue
            version = f"{model.version}+{training.run_id[:8]}"
            gap = gaps.model_ambiguous(training.record.source, model, version)
            self._outcome.gaps.append(gap)
            distinct.append(replace(training, model=replace(model, version=version)))
        return sorted(distinct, key=lambda t: (t.ended, t.run_id))

    # Models and deployments

    def _note_published(self) -> None:
        for record in self._published:
            lineage = {
                "trained_at": record.completed,
                "input_dataset_name": record.dataset_name,
                "input_dataset_version": record.dataset_version,
                "started_at": record.started,
            }
            missing = [name for name, value in lineage.items() if value is None]
            if missing:
                self._outcome.gaps.append(gaps.published_without_dataset(record, missing))

    def _apart(self, found: Sequence[Served]) -> list[Served]:
        """Keep copies of one name and version from several runs apart, as `_distinct` does."""
        runs: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for _, ancestry in found:
            if ancestry.trained is not None and ancestry.is_publication:
                model = ancestry.model
                runs[model.name, model.version].add(ancestry.trained.run_id)
        apart = []
        for record, ancestry in found:
            model, trained = ancestry.model, ancestry.trained
            if trained is not None and len(runs.get((model.name, model.version), ())) > 1:
                version = f"{model.version}+{trained.run_id[:8]}"
                gap = gaps.model_ambiguous(record.source, model, version)
                self._outcome.gaps.append(gap)
                ancestry = replace(ancestry, model=replace(model, version=version))  # noqa: PLW2901
            apart.append((record, ancestry))
        return apart

    def _publications(self, found: Iterable[Served]) -> list[Publication]:
        publications: dict[tuple[str, str | None], Publication] = {}
        for record, ancestry in found:
            source, model, trained = record.source, ancestry.model, ancestry.trained
            self._decide(model, f"model of {source.shown!r}", source)
            if trained is None or not ancestry.is_publication:
                continue
            job = publish_job(model.name)
            run_id = run_uuid(self._namespace, job, json.dumps([model.version, trained.run_id]))
            key = (model.name, model.version)
            parent = replace(trained.model, link=model.link)
            publications.setdefault(
                key, Publication(job, run_id, parent, model, trained.ended, source)
            )
        return sorted(publications.values(), key=lambda p: (p.ended, p.run_id))

    def _start(self, record: DeploymentRecord, ancestry: Ancestry) -> Start:
        slot = Slot(record.service, record.environment, record.deployment)
        model = ancestry.model
        if ancestry.trained is None:
            self._outcome.gaps.append(gaps.model_missing(record, model))
        words = (record.instance, record.model, record.model_version, format_time(record.time))
        run_id = serving_run_uuid(self._namespace, slot.job, *words)
        link = Link("event", 1.0, "the deployment names itself")
        version = f"{record.model}/{record.model_version}"  # as in the events of its windows
        predictions = DatasetVersion(self._namespace, slot.predictions, version, link)
        self._decide(predictions, f"deployment {record.deployment!r}", record.source)
        return Start(record, slot, run_id, model, predictions, self._live(record.service))

    def _live(self, service: str) -> tuple[DatasetVersion, ...]:
        link = Link("declared", 1.0, f"lineage-bridge.toml: {service!r} reads it live")
        tables = []
        for table in self._settings.live.get(service, []):
            namespace, _, name = table.rpartition(":")
            tables.append(DatasetVersion(namespace or self._namespace, name, None, link))
        return tuple(tables)

    def _note_missing_datasets(self) -> None:
        for training in self._outcome.linked.trainings:
            dataset = training.dataset
            if dataset is not None and (dataset.name, dataset.version) not in self._built:
                self._outcome.gaps.append(gaps.dataset_missing(training, dataset))

    def _note_flags(self, source: Source, flags: Sequence[str]) -> None:
        self._outcome.gaps.extend(gaps.flagged(source, flag) for flag in flags)


def _is_hex(run_id: str) -> bool:
    return run_uuid("", "", run_id).replace("-", "") == run_id.lower().replace("-", "")
