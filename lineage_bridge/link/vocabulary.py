"""The words that artifacts have used, and the identities that are known: what an alias may join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lineage_bridge.link.outcome import Outcome
from lineage_bridge.naming import split_stem
from lineage_bridge.records import Reference
from lineage_bridge.records.identity import DatasetVersion


@dataclass(slots=True)
class Vocabulary:
    """Everything that was ever said, with what it means now.

    Attributes:
        datasets: an artifact's name of a dataset -> the identities that it stands for.
        models: an artifact's name of a model, likewise.
        runs: an upstream's training run id -> the dataset that it read, None where unknown.
        versions: each dataset and model of ours -> its known versions.
    """

    datasets: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    models: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    runs: dict[str, str | None] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, outcome: Outcome) -> Vocabulary:
        """Collect the words of all records."""
        found = cls()
        for build in outcome.builds:
            found._name(build.record.dataset.name, build.dataset)
        for training in outcome.trainings:
            for bound in training.reads:
                found._refer(bound.reference, bound.dataset)
            found._model(training.record.model.name, training.model)
            read = training.dataset
            found.runs[training.record.run_id] = None if read is None else shown(read)
        for publication in outcome.publications:
            found._model(publication.record.model.name, publication.published)
        for start in outcome.starts:
            found._model(start.record.serves[0], start.model)
        return found

    def means(self, kind: str, said: str) -> list[str] | None:
        """Return what a word stands for now, sorted; None if no artifact says it."""
        if kind == "run":
            target = self.runs.get(said)
            return ([] if target is None else [target]) if said in self.runs else None
        words: Mapping[str, set[str]] = self.datasets if kind == "dataset" else self.models
        return sorted(words[said]) if said in words else None

    def words(self, kind: str) -> Iterable[str]:
        """List the words of a kind."""
        if kind == "run":
            return self.runs
        return self.datasets if kind == "dataset" else self.models

    def _name(self, name: str, dataset: DatasetVersion) -> None:
        for word in {name, split_stem(name)[0]}:
            self.datasets[word].add(dataset.name)
        self._see(dataset)

    def _refer(self, reference: Reference, dataset: DatasetVersion | None) -> None:
        if reference.name is not None and dataset is not None:
            self._name(reference.name, dataset)

    def _model(self, name: str, model: DatasetVersion) -> None:
        self.models[name].add(model.name)
        self._see(model)

    def _see(self, dataset: DatasetVersion) -> None:
        versions = self.versions[dataset.name]
        if dataset.version is not None:
            versions.add(dataset.version)


def shown(dataset: DatasetVersion) -> str:
    """Return `<name>@<version>`, or the name alone."""
    return dataset.name if dataset.version is None else f"{dataset.name}@{dataset.version}"
