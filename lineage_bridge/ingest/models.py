"""Find the trained model that a published folder or a deployment comes from.

By a ladder: declared > the published folder's `run_id` > (name, version) > (dataset version,
started, completed), which a service copies verbatim from the trainer. Ancestry is not identity: a
folder under another name is another model, published from the trained one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.adapters.linked import DatasetVersion, Link, Training
from lineage_bridge.adapters.records import DeploymentRecord, PublishedRecord
from lineage_bridge.naming import canonical_version, model_dataset, run_uuid

Triple = tuple[str, datetime, datetime]


def model_name(said: str, aliases: Mapping[str, str]) -> str:
    """Return `models.<name>` for an artifact's name of a model: as declared, else that name."""
    return aliases.get(said) or model_dataset(said)


@dataclass(frozen=True, slots=True)
class Ancestry:
    """A model under the name that it is served by, and the training that it came from.

    If `model.name` is not the trained model's name, the model is a publication.
    """

    model: DatasetVersion
    trained: Training | None

    @property
    def is_publication(self) -> bool:
        """Whether it is a copy under another name."""
        return self.trained is not None and self.trained.model.name != self.model.name


class ModelIndex:
    """All trainings and published folders, indexed to find the model that a deployment serves."""

    def __init__(
        self,
        trainings: Sequence[Training],
        published: Sequence[PublishedRecord],
        *,
        namespace: str,
        aliases: Mapping[str, str],
    ) -> None:
        self._namespace = namespace
        self._aliases = aliases
        self._by_run: dict[str, Training] = {}
        self._by_name: dict[tuple[str, str], list[Training]] = defaultdict(list)
        self._by_triple: dict[Triple, list[Training]] = defaultdict(list)
        for training in trainings:
            self._add(training)
        self._published: dict[tuple[str, str], list[PublishedRecord]] = defaultdict(list)
        for record in published:
            for version in {record.version, record.folder} - {None}:
                self._published[record.name, str(version)].append(record)

    def _add(self, training: Training) -> None:
        record = training.record
        self._by_run[_one_spelling(record.run_id)] = training
        if training.model.version is not None:
            self._by_name[training.model.name, training.model.version].append(training)
        if training.dataset and training.dataset.version and record.started and record.completed:
            triple = (training.dataset.version, record.started, record.completed)
            self._by_triple[triple].append(training)

    def of_published(self, record: PublishedRecord) -> Ancestry:
        """Find the model in a published folder."""
        name = model_name(record.name, self._aliases)
        version = record.version or record.folder
        training, link = self._train_of_folder(record, name, version)
        if training is None or link is None:
            own = Link("name", 0.3, f"no training is known for the folder {record.source.shown!r}")
            return Ancestry(DatasetVersion(self._namespace, name, version, own), None)
        return self._ancestry(name, version, training, link)

    def _train_of_folder(
        self, record: PublishedRecord, name: str, version: str
    ) -> tuple[Training | None, Link | None]:
        if record.run_id is not None:
            training = self._by_run.get(_one_spelling(record.run_id))
            if training is not None:
                return training, Link("run_id", 0.95, f"its `run_id` is {record.run_id!r}")
        return self._by_name_or_triple(
            name, version, record.dataset_version, record.started, record.completed
        )

    def of_deployment(self, record: DeploymentRecord) -> Ancestry:
        """Find the model that a deployment serves."""
        name = model_name(record.model, self._aliases)
        folder = self._folder_of(record)
        if folder is not None:
            return self.of_published(folder)
        training, link = self._by_name_or_triple(
            name,
            record.model_version,
            record.dataset_version,
            record.trained_from,
            record.trained_to,
        )
        if training is None or link is None:
            own = Link("name", 0.3, f"the event says {record.model!r} {record.model_version!r}")
            return Ancestry(DatasetVersion(self._namespace, name, record.model_version, own), None)
        return self._ancestry(name, record.model_version, training, link)

    def _folder_of(self, record: DeploymentRecord) -> PublishedRecord | None:
        folders = self._published.get((record.model, record.model_version), [])
        same = [f for f in folders if _same_training(f, record)]
        candidates = same or [f for f in folders if f.started is None]
        return min(candidates, key=lambda f: f.source.path, default=None)

    def _by_name_or_triple(
        self,
        name: str,
        version: str,
        dataset_version: str | None,
        started: datetime | None,
        completed: datetime | None,
    ) -> tuple[Training | None, Link | None]:
        triple = (canonical_version(dataset_version or ""), started, completed)
        named = self._by_name.get((name, version), [])
        agreeing = [t for t in named if _agrees(t, triple)]
        if len(agreeing) == 1:
            evidence = f"model {name!r} and version {version!r} are the trained ones"
            return agreeing[0], Link("model_version", 0.9, evidence)
        if started is None or completed is None:
            return None, None
        copied = self._by_triple.get((triple[0], started, completed), [])
        if len(copied) == 1:
            evidence = "dataset version, start and end of its training are those of this run"
            return copied[0], Link("triple", 0.9, evidence)
        return None, None

    def _ancestry(self, name: str, version: str, training: Training, link: Link) -> Ancestry:
        trained = training.model
        if trained.name == name:  # the version may be spelt differently: the trained one's counts
            model = DatasetVersion(trained.namespace, trained.name, trained.version, link)
            return Ancestry(model, training)
        return Ancestry(DatasetVersion(self._namespace, name, version, link), training)


def _same_training(folder: PublishedRecord, record: DeploymentRecord) -> bool:
    return (folder.started, folder.completed) == (record.trained_from, record.trained_to)


def _agrees(training: Training, triple: tuple[str, datetime | None, datetime | None]) -> bool:
    """Return whether no fact that both sides know differs."""
    dataset_version, started, completed = triple
    record, dataset = training.record, training.dataset
    pairs = [
        (started, record.started),
        (completed, record.completed),
        (dataset_version or None, dataset.version if dataset else None),
    ]
    return all(a is None or b is None or a == b for a, b in pairs)


def _one_spelling(run_id: str) -> str:
    """Normalize a run id: a UUID with dashes or without, in upper case or lower, is the same."""
    return run_uuid("", "", run_id)
