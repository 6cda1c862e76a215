"""The ladder of models: which training a published folder or a deployment comes from.

Ancestry is not identity: a folder under another name is another model, published from the trained
one. An alias of `lineage-bridge.toml` decides about the name before any rung is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from lineage_bridge.naming import canonical_version, is_uuid, model_dataset, one_spelling
from lineage_bridge.records import Claim, Promotion, Publication, Reference, Start
from lineage_bridge.records.identity import DatasetVersion, Link
from lineage_bridge.records.training import LinkedTraining
from lineage_bridge.records.words import path_ends, path_parts, path_tail

Times = tuple[datetime | None, datetime | None]
Triple = tuple[str | None, datetime, datetime]
Found = tuple[LinkedTraining, Link] | None


def model_name(claim: Claim | Reference, aliases: Mapping[str, str]) -> str:
    """Return `models.<name>` for an artifact's name of a model: as declared, else that name."""
    said = claim.name or ""
    within = claim.within if isinstance(claim, Claim) else None
    return aliases.get(said) or claim.declared or model_dataset(said, within)


@dataclass(frozen=True, slots=True)
class Ancestry:
    """A model under the name that it is served by, and the training that it came from.

    If `model.name` is not the trained model's name, the model is a publication.

    Attributes:
        folder_run: the run id that the folder with the model names, if one does.
    """

    model: DatasetVersion
    trained: LinkedTraining | None
    folder_run: str | None = None

    @property
    def is_publication(self) -> bool:
        """Whether it is a copy under another name."""
        return self.trained is not None and self.trained.model.name != self.model.name


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a model, as the rungs compare it."""

    name: str
    version: str
    reference: Reference

    @property
    def trained_on(self) -> str | None:
        """The version of its dataset, in the one spelling."""
        version = self.reference.trained_on
        return canonical_version(version) if version else None


class KnownModels:
    """All trainings and published folders, ready to be looked up."""

    def __init__(
        self,
        trainings: Sequence[LinkedTraining],
        published: Sequence[Publication],
        *,
        namespace: str,
        aliases: Mapping[str, str],
        promotions: Sequence[Promotion] = (),
    ) -> None:
        self._namespace = namespace
        self._aliases = aliases
        self._labels: dict[tuple[str | None, str], list[Promotion]] = defaultdict(list)
        for promotion in sorted(promotions, key=lambda one: one.time):
            mark = "@" if promotion.kind == "alias" else ""
            self._labels[promotion.model.name, mark + promotion.label].append(promotion)
        self.by_run: dict[str, LinkedTraining] = {}
        self.by_version: dict[tuple[str, str], list[LinkedTraining]] = defaultdict(list)
        self.by_triple: dict[Triple, list[LinkedTraining]] = defaultdict(list)
        self.by_hash: dict[str, list[LinkedTraining]] = defaultdict(list)
        self.by_path: dict[str, dict[str, LinkedTraining]] = defaultdict(dict)
        self.by_id: dict[str, list[LinkedTraining]] = defaultdict(list)
        for training in trainings:
            self._add(training)
        self._folders: dict[tuple[str, str, Times | None], Publication] = {}
        for record in published:  # what outranks comes first
            trained = record.trained
            for version in record.versions:
                served = (record.model.name, version)
                self._folders.setdefault((*served, (trained.started, trained.completed)), record)
                if trained.started is None:
                    self._folders.setdefault((*served, None), record)

    def _add(self, training: LinkedTraining) -> None:
        record, model, dataset = training.record, training.model, training.dataset
        self.by_run[one_spelling(record.run_id)] = training
        if model.version is not None and record.made:
            self.by_version[model.name, model.version].append(training)
        if dataset and dataset.version and record.started and record.completed:
            triple = (dataset.version, record.started, record.completed)
            self.by_triple[triple].append(training)
        if record.model.sha256 is not None:
            self.by_hash[record.model.sha256].append(training)
        for place in (record.model.path, record.artifact_uri):
            for end in path_ends(place or ""):
                self.by_path[end][training.run_id] = training
        for spelling in record.model.spellings:
            self.by_id[spelling].append(training)

    def of_published(self, record: Publication) -> Ancestry:
        """Find the model in a published folder."""
        version = record.versions[0] if record.versions else ""
        words = Words(model_name(record.model, self._aliases), version, record.trained)
        found = self._climb(words)
        run_id = record.trained.run_id
        if found is None:
            missing = f"no training is known for the folder {record.source.shown!r}"
            return self._unknown(words, missing, run_id)
        return self._ancestry(words, *found, run_id)

    def of_read(self, said: Reference) -> DatasetVersion | None:
        """Find the model that a run read: the one that it names, as it was trained or published."""
        words = Words(
            model_name(said, self._aliases) if said.name else "", said.version or "", said
        )
        folder = self._folders.get((said.name or "", words.version, None))
        if folder is not None:
            return self.of_published(folder).model
        found = self._climb(words)
        if found is not None:
            training, link = found
            return None if not training.record.made else replace(training.model, link=link)
        return None if said.name is None else self._unknown(words, "the run says so", None).model

    def of_start(self, record: Start) -> Ancestry:
        """Find the model that a deployment serves; of a label, the version that had it then."""
        labelled = self._labels.get((record.model.name, record.model.version or ""))
        if labelled is None:
            return self._of_start(record)
        before = [one for one in labelled if one.time <= record.time]
        promotion = before[-1] if before else labelled[0]  # it says since when at the latest
        label, version = record.model.version, promotion.model.version
        served = msgspec.structs.replace(record.model, version=version)
        found = self._of_start(msgspec.structs.replace(record, model=served))
        link = Link("label", 0.9 if before else 0.6, f"{label!r} is on version {version!r}")
        return replace(found, model=replace(found.model, link=link))

    def _of_start(self, record: Start) -> Ancestry:
        folder = self._folder_of(record)
        if folder is not None:
            return self.of_published(folder)
        said, name = record.model, record.serves[0]
        named = said if said.name is not None else msgspec.structs.replace(said, name=name)
        words = Words(model_name(named, self._aliases), said.version or "", said)
        found = self._climb(words)
        if found is None:
            evidence = f"the event says {name!r} {said.version or ''!r}"
            return self._unknown(words, evidence, None)
        if said.name is None and said.declared is None:  # then its name is that of the training
            training, link = found
            return Ancestry(replace(training.model, link=link), training)
        return self._ancestry(words, *found, None)

    def _climb(self, words: Words) -> Found:
        return next((found for rung in RUNGS if (found := rung(words, self)) is not None), None)

    def _folder_of(self, record: Start) -> Publication | None:
        said = (record.model.started, record.model.completed)
        same = self._folders.get((*record.serves, said))
        return same or self._folders.get((*record.serves, None))

    def _ancestry(
        self, words: Words, training: LinkedTraining, link: Link, run_id: str | None
    ) -> Ancestry:
        trained = training.model
        if trained.name == words.name:  # of two spellings of the version the trained one's counts
            return Ancestry(replace(training.model, link=link), training, run_id)
        model = DatasetVersion(self._namespace, words.name, words.version, link)
        return Ancestry(model, training, run_id)

    def _unknown(self, words: Words, evidence: str, run_id: str | None) -> Ancestry:
        link = Link("name", 0.3, evidence)
        model = DatasetVersion(self._namespace, words.name, words.version or None, link)
        return Ancestry(model, None, run_id)


def by_full_name(words: Words, known: KnownModels) -> Found:
    """The artifact names the trained model in full."""
    said = words.reference
    if said.namespace is None or said.name is None or said.version is None:
        return None
    hits = known.by_version.get((said.name, said.version), ())
    return _single(hits, Link("run_id", 0.95, f"it is {said.name}@{said.version}"))


def by_run(words: Words, known: KnownModels) -> Found:
    """The run that made it is named."""
    run_id = words.reference.run_id
    training = known.by_run.get(one_spelling(run_id)) if run_id is not None else None
    hits = (training,) if training is not None else ()
    return _single(hits, Link("run_id", 0.95, f"its `run_id` is {run_id!r}"))


def by_hash(words: Words, known: KnownModels) -> Found:
    """The content is that of a trained model's file."""
    sha256 = words.reference.sha256
    if sha256 is None:
        return None
    return _single(known.by_hash.get(sha256, ()), Link("hash", 0.95, f"its content is {sha256}"))


def by_path(words: Words, known: KnownModels) -> Found:
    """The path is the end of the place where a training put its model."""
    path = words.reference.path
    if path is None:
        return None
    hits = known.by_path.get(path_tail(path), {}).values()
    found = _single(hits, Link("path", 0.95, f"path {path!r} is where it was put"))
    return found or _by_part(path, known)


def _by_part(path: str, known: KnownModels) -> Found:
    """A folder on the way is called by the run that made it, or by a tracker's id of the model."""
    link = Link("path", 0.9, f"path {path!r} leads through its folder")
    for part in reversed(path_parts(path)):
        training = known.by_run.get(one_spelling(part)) if is_uuid(part) else None
        if training is not None:
            return training, link
        found = _single(known.by_id.get(part, ()), link)
        if found is not None:
            return found
    return None


def by_version(words: Words, known: KnownModels) -> Found:
    """Name and version are those of one trained model, and no other fact contradicts."""
    named = known.by_version.get((words.name, words.version), ())
    evidence = f"model {words.name!r} and version {words.version!r} are the trained ones"
    return _single([t for t in named if _agrees(t, words)], Link("model_version", 0.9, evidence))


def by_triple(words: Words, known: KnownModels) -> Found:
    """Dataset version, start and end are those of one training: services copy them verbatim."""
    started, completed = words.reference.started, words.reference.completed
    if started is None or completed is None:
        return None
    hits = known.by_triple.get((words.trained_on, started, completed), ())
    evidence = "dataset version, start and end of its training are those of this run"
    return _single(hits, Link("triple", 0.9, evidence))


RUNGS: Final[Sequence[Callable[[Words, KnownModels], Found]]] = (
    by_full_name,
    by_run,
    by_hash,
    by_path,
    by_version,
    by_triple,
)


def _single(hits: Collection[LinkedTraining], link: Link) -> Found:
    return (next(iter(hits)), link) if len(hits) == 1 else None


def _agrees(training: LinkedTraining, words: Words) -> bool:
    """Return whether no fact that both sides know differs."""
    record, dataset, said = training.record, training.dataset, words.reference
    pairs = [
        (said.started, record.started),
        (said.completed, record.completed),
        (words.trained_on, dataset.version if dataset else None),
    ]
    return all(a is None or b is None or a == b for a, b in pairs)
