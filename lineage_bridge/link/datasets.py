"""The ladder of datasets: which dataset version a reference means; the first rung that finds wins.

Several candidates are no hit: the reference then goes on to the next rung, and at last gets a name
of its own, with the candidates for `doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lineage_bridge.link.known import Datasets, KnownDatasets, declared_target, only
from lineage_bridge.naming import canonical_version, features_dataset, split_stem
from lineage_bridge.records import Reference
from lineage_bridge.records.identity import DatasetVersion, Link
from lineage_bridge.records.words import stem_of


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference means, if anything, and what else it may mean."""

    dataset: DatasetVersion | None
    candidates: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A reference as the rungs compare it: its name may be that of its file."""

    reference: Reference
    name: str | None
    version: str | None

    @classmethod
    def of(cls, reference: Reference) -> Words:
        """Take the words of a reference."""
        name, version = reference.name, reference.version
        if name is None and reference.path is not None:
            name = stem_of(reference.path)
        return cls(reference, name, canonical_version(version) if version is not None else None)


def resolve(reference: Reference, known: KnownDatasets) -> Resolved:
    """Return the dataset that a reference means."""
    words = Words.of(reference)
    for rung in RUNGS:
        found = rung(words, known)
        if found is not None:
            return Resolved(found, _candidates(words, known, found))
    at_version = known.by_version(words.version) if words.version is not None else ()
    return Resolved(None, sorted({dataset.name for dataset in at_version}))


def named(words: Words, _: KnownDatasets) -> DatasetVersion | None:
    """The artifact names the dataset in full, as OpenLineage does."""
    reference = words.reference
    if reference.namespace is None or reference.name is None:
        return None
    link = Link("named", 1.0, "the artifact names it in full")
    return DatasetVersion(reference.namespace, reference.name, words.version, link)


def declared(words: Words, known: KnownDatasets) -> DatasetVersion | None:
    """`lineage-bridge.toml` says what the name stands for."""
    name = words.reference.name
    if name is None:
        return None
    base, stamp = split_stem(name)
    target = known.aliases.get(name) or known.aliases.get(base)
    if target is None:
        return None
    found = declared_target(target, known.namespace, name)
    version = found.version or words.version or _stamp_version(stamp)
    return DatasetVersion(found.namespace, found.name, version, found.link)


def by_path(words: Words, known: KnownDatasets) -> DatasetVersion | None:
    """The reference's path is the end of the path of a dataset's file."""
    path = words.reference.path
    if path is None:
        return None
    evidence = f"path {path!r} is the end of the path of a known dataset"
    return _single(known.by_path(path), Link("path", 0.95, evidence))


def by_stem(words: Words, known: KnownDatasets) -> DatasetVersion | None:
    """The name is the stem of a dataset's file, and the version agrees where one is given."""
    if words.name is None:
        return None
    agrees = f", version {words.version!r} agrees" if words.version is not None else ""
    evidence = f"name {words.name!r} is the stem of a known dataset{agrees}"
    return _single(known.by_stem(words.name, words.version), Link("stem", 0.95, evidence))


def by_hash(words: Words, known: KnownDatasets) -> DatasetVersion | None:
    """The content is that of a dataset's file."""
    digest = words.reference.sha256 or words.reference.md5
    if digest is None:
        return None
    return _single(known.by_hash(digest), Link("hash", 0.95, f"its content is {digest[:12]}"))


def by_suffix(words: Words, known: KnownDatasets) -> DatasetVersion | None:
    """The name is a dataset's name with the time of a build: any build of it, even one unseen."""
    if words.name is None:
        return None
    base, stamp = split_stem(words.name)
    store = only(known.stores_of(base))
    if stamp is None and store is None:
        evidence = f"name {words.name!r} as it is: no dataset of that name is known"
        link = Link("name", 0.3, evidence)
    else:
        said = f"the only store of {base!r} is {store!r}" if store else "its store is not known"
        evidence = f"{words.name!r} is a build of {base!r}; {said}"
        link = Link("suffix", 0.7 if store else 0.5, evidence)
    version = words.version or _stamp_version(stamp)
    return DatasetVersion(known.namespace, features_dataset(store, base), version, link)


def by_version(words: Words, known: KnownDatasets) -> DatasetVersion | None:
    """No name was given, and only one dataset has that version."""
    if words.name is not None or words.version is None:
        return None
    evidence = f"no name was given, and only this dataset has {words.version!r}"
    return _single(known.by_version(words.version), Link("version", 0.8, evidence))


RUNGS: Final[Sequence[Callable[[Words, KnownDatasets], DatasetVersion | None]]] = (
    named,
    declared,
    by_path,
    by_stem,
    by_hash,
    by_suffix,
    by_version,
)


def _candidates(words: Words, known: KnownDatasets, found: DatasetVersion) -> list[str]:
    """List the datasets of that name, where the last rung had to leave open which one it is."""
    if words.name is None or found.link.method not in {"suffix", "name"}:
        return []
    base, _ = split_stem(words.name)
    stores = known.stores_of(base)
    return [features_dataset(store, base) for store in stores] if len(stores) > 1 else []


def _single(hits: Datasets, link: Link) -> DatasetVersion | None:
    return DatasetVersion(*next(iter(hits)).key, link) if len(hits) == 1 else None


def _stamp_version(stamp: str | None) -> str | None:
    return canonical_version(stamp) if stamp is not None else None
