"""Link all records: a function of the set of them, so no order of reading matters.

It goes down the way of the data: builds, trainings, published models, starts; what one step finds
is what the next one's words are compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from lineage_bridge.link import gaps
from lineage_bridge.link.changes import link_changes
from lineage_bridge.link.known import Known, KnownDatasets
from lineage_bridge.link.models import Ancestry, KnownModels
from lineage_bridge.link.outcome import Outcome
from lineage_bridge.link.steps import link_steps
from lineage_bridge.link.tables.reports import link_reports
from lineage_bridge.link.tables.transformations import link_transformations
from lineage_bridge.link.trainings import Trainings
from lineage_bridge.naming import Logged, build_job, model_job, publish_job
from lineage_bridge.records import (
    Build,
    Change,
    Claim,
    Promotion,
    Publication,
    Record,
    Reference,
    Report,
    Start,
    Step,
    Training,
    Transformation,
)
from lineage_bridge.records.build import LinkedBuild
from lineage_bridge.records.identity import Bound, DatasetVersion, Link
from lineage_bridge.records.promotion import LinkedPromotion
from lineage_bridge.records.publication import LinkedPublication
from lineage_bridge.records.start import LinkedStart, in_order
from lineage_bridge.records.words import JOURNAL
from lineage_bridge.settings import Settings

Served = tuple[Publication | Start, Ancestry]


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
        self._decided = [r for r in ordered if isinstance(r, Promotion)]
        self._starts = [r for r in ordered if isinstance(r, Start)]
        self._steps = [r for r in ordered if isinstance(r, Step)]
        self._transformations = [r for r in ordered if isinstance(r, Transformation)]
        self._reports = [r for r in ordered if isinstance(r, Report)]
        self._changes = [r for r in ordered if isinstance(r, Change)]
        self._known = KnownDatasets(self._builds, settings)
        self._outcome = Outcome()

    def run(self) -> Outcome:
        outcome = self._outcome
        outcome.builds = self._all_builds()
        built: dict[tuple[str, str, str | None], datetime] = {
            build.dataset.key: build.record.built for build in outcome.builds
        }
        trainings = Trainings(self._known, built, outcome, self._settings)
        outcome.trainings = trainings.linked(self._trainings, self._published)
        models = KnownModels(
            outcome.trainings,
            self._published,
            namespace=self._namespace,
            aliases=self._settings.aliases.models,
            promotions=self._decided,
        )
        outcome.trainings = trainings.with_models(outcome.trainings, models)
        for record in self._published:
            served = f"{record.model.name}/{record.versions[-1]}" if record.versions else ""
            self._outcome.note_flags(record, served or record.model.name, record.trained.mend)
        found: list[Served] = [(r, models.of_published(r)) for r in self._published]
        found += [(r, models.of_start(r)) for r in self._starts]
        ancestries = self._copies_apart(found)
        outcome.publications = self._publications(ancestries)
        outcome.promotions = self._promotions(models)
        outcome.starts = in_order(
            self._start(record, ancestry)
            for record, ancestry in ancestries
            if isinstance(record, Start)
        )
        outcome.steps = link_steps(self._steps, self._known)
        outcome.transformations = link_transformations(self._transformations, self._known)
        outcome.reports = link_reports(self._reports, self._known)
        outcome.changes = link_changes(self._changes, self._settings)
        outcome.gaps = gaps.distinct(outcome.gaps)
        return outcome

    # Builds

    def _all_builds(self) -> list[LinkedBuild]:
        builds: dict[tuple[str, str, str | None], LinkedBuild] = {}
        for known in self._known.all:
            if known.dataset.key not in builds:  # records are sorted: what outranks comes first
                builds[known.dataset.key] = self._build(known)
        return sorted(builds.values(), key=lambda b: (b.record.built, b.run_id))

    def _build(self, known: Known) -> LinkedBuild:
        record, dataset = known.record, known.dataset
        self._outcome.decide(dataset, f"stem {record.dataset.name!r}", record.source)
        tables = tuple(Bound(table, self._known.table_of(table)) for table in record.reads)
        for bound in tables:
            if bound.dataset is not None:
                said = f"{bound.reference.field or 'table'} {bound.reference.said!r}"
                self._outcome.decide(bound.dataset, said, record.source)
        if not any(bound.dataset for bound in tables):
            first = record.reads[0] if record.reads else None
            self._outcome.gaps.append(gaps.dataset_without_source(record.source, first, dataset))
        self._outcome.note_flags(record, record.dataset.name)
        return LinkedBuild(record, build_job(known.store, record.base), dataset, tables)

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
                version = self._outcome.set_apart(record, model, trained.run_id)
                renamed = replace(ancestry, model=replace(model, version=version))
                apart.append((record, renamed))
            else:
                apart.append((record, ancestry))
        return apart

    def _publications(self, found: Iterable[Served]) -> list[LinkedPublication]:
        publications: dict[tuple[str, str | None], LinkedPublication] = {}
        for record, ancestry in found:
            source, model, trained = record.source, ancestry.model, ancestry.trained
            self._outcome.decide(model, f"model of {source.shown!r}", source)
            if trained is None and isinstance(record, Publication) and record.registers:
                self._outcome.gaps.append(gaps.registered_without_run(record, model))
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

    def _promotions(self, models: KnownModels) -> list[LinkedPromotion]:
        """Link the decisions on versions; one on a version that nobody has decides nothing."""
        found: dict[str, LinkedPromotion] = {}
        for record in self._decided:
            model = models.of_read(record.model)
            if model is None or model.link.method == "name":
                self._outcome.gaps.append(gaps.promoted_nothing(record))
                continue
            promotion = LinkedPromotion(record, model_job("promote", model.name), model)
            self._outcome.decide(model, f"{record.kind} {record.label!r}", record.source)
            found.setdefault(promotion.run_id, promotion)
        return sorted(found.values(), key=lambda p: (p.record.time, p.run_id))

    def _start(self, record: Start, ancestry: Ancestry) -> LinkedStart:
        model = ancestry.model
        if ancestry.trained is None:
            self._outcome.gaps.append(gaps.model_missing(record, model))
        link = Link("event", 1.0, "the deployment names itself")
        version = "/".join(filter(None, record.serves))  # as in the events of its windows
        predictions = DatasetVersion(self._namespace, record.slot.predictions, version, link)
        self._outcome.decide(predictions, f"deployment {record.deployment!r}", record.source)
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
        self._outcome.decide(log, f"deployment {record.deployment!r}", record.source)
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
