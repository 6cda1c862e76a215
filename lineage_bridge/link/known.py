"""The dataset versions that records claim, by each word that a reference may have for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from lineage_bridge.naming import (
    canonical_version,
    duckdb_namespace,
    duckdb_store,
    features_dataset,
    store_of_path,
)
from lineage_bridge.records import Build, Reference
from lineage_bridge.records.identity import DatasetVersion, Link
from lineage_bridge.records.words import ends_with, path_ends, path_tail
from lineage_bridge.settings import Settings

Value = TypeVar("Value")
Word = TypeVar("Word")

Datasets = Collection[DatasetVersion]
_Key = tuple[str, str, str | None]
_Index = defaultdict[Word, dict[_Key, DatasetVersion]]  # each identity once, however many have it
_NONE: Final[Mapping[_Key, DatasetVersion]] = {}


@dataclass(frozen=True, slots=True)
class Known:
    """A build and the identity that it claims."""

    record: Build
    store: str | None
    dataset: DatasetVersion


class KnownDatasets:
    """All builds, ready to be looked up.

    Attributes:
        namespace: of all our datasets.
        aliases: an artifact's name of a dataset -> the dataset that it was declared to be.
        all: every build with its identity, in the order of the records.
    """

    def __init__(self, builds: Sequence[Build], settings: Settings) -> None:
        self.namespace = settings.namespace
        self.aliases: Mapping[str, str] = settings.aliases.datasets
        self._settings = settings
        self._stores_of_base: dict[str, set[str]] = defaultdict(set)
        self._stores_of_build: dict[tuple[str, str], set[str]] = defaultdict(set)
        for record in builds:
            store = self._store_of(record)
            if store is not None:
                self._stores_of_base[record.base].add(store)
                self._stores_of_build[record.dataset.name, record.version].add(store)
        self.all = [self._identify(record) for record in builds]
        self._by_stem: _Index[str] = defaultdict(dict)
        self._by_name: _Index[tuple[str, str | None]] = defaultdict(dict)
        self._by_version: _Index[str] = defaultdict(dict)
        self._by_path: _Index[str] = defaultdict(dict)
        self._by_hash: _Index[str] = defaultdict(dict)
        for item in self.all:
            self._index(item)

    def _index(self, item: Known) -> None:
        claim, dataset = item.record.dataset, item.dataset
        self._by_stem[claim.name][dataset.key] = dataset
        for name in {claim.name, item.record.base}:
            self._by_name[name, dataset.version][dataset.key] = dataset
        self._by_version[item.record.version][dataset.key] = dataset
        for end in path_ends(claim.path or ""):
            self._by_path[end][dataset.key] = dataset
        for digest in (claim.sha256, claim.md5):
            if digest is not None:
                self._by_hash[digest][dataset.key] = dataset

    def table_of(self, reference: Reference) -> DatasetVersion | None:
        """Return the table that a build read, None where the artifact names no database."""
        table = reference.name or self._settings.source_table
        if reference.namespace is not None:
            link = Link("named", 1.0, "the artifact names it in full")
            return DatasetVersion(reference.namespace, table, None, link)
        store = self.store_of(reference.path)
        if store is None:
            return None
        link = Link("path", 0.95, f"`{reference.field or 'path'}` is {reference.path!r}")
        return DatasetVersion(duckdb_namespace(store), table, None, link)

    def store_of(self, database: str | None) -> str | None:
        """Return the store of a database path: as declared, else the file's stem."""
        if database is None:
            return None
        for suffix, store in self._settings.stores.items():
            if ends_with(database, suffix):
                return store
        return store_of_path(database)

    def stores_of(self, base: str) -> list[str]:
        """List the stores that builds of a name came from, sorted."""
        return sorted(self._stores_of_base.get(base, ()))

    def by_stem(self, name: str, version: str | None) -> Datasets:
        """Return the builds of that stem or name; without a version only those of the very stem."""
        if version is None:
            return self._by_stem.get(name, _NONE).values()
        return self._by_name.get((name, version), _NONE).values()

    def by_path(self, path: str) -> Datasets:
        """Return the builds whose files' paths end with a path."""
        return self._by_path.get(path_tail(path), _NONE).values()

    def by_hash(self, digest: str) -> Datasets:
        """Return the builds with that content."""
        return self._by_hash.get(digest, _NONE).values()

    def by_version(self, version: str) -> Datasets:
        """Return the builds with that version, whatever they are called."""
        return self._by_version.get(version, _NONE).values()

    def _store_of(self, record: Build) -> str | None:
        stores = (
            self.store_of(table.path) if table.namespace is None else duckdb_store(table.namespace)
            for table in record.reads
        )
        return next(filter(None, stores), None)

    def _identify(self, record: Build) -> Known:
        stem, base = record.dataset.name, record.base
        store = self._store_of(record)
        if store is None:  # take that of another record of this build, or the name's only store
            same_build = self._stores_of_build.get((stem, record.version), ())
            store = only(same_build) or only(self._stores_of_base.get(base, ()))
        target = self.aliases.get(stem) or self.aliases.get(base) or record.dataset.declared
        if target is not None:
            named = declared_target(target, self.namespace, stem)
            version = named.version or record.version
            return Known(record, store, DatasetVersion(*named.key[:2], version, named.link))
        if base != stem:
            link = Link("suffix", 0.9, f"{stem!r} is {base!r} with its build time")
        else:
            link = Link("stem", 0.95, f"the file is called {stem!r}")
        name = features_dataset(store, base)
        return Known(record, store, DatasetVersion(self.namespace, name, record.version, link))


def declared_target(target: str, namespace: str, said: str) -> DatasetVersion:
    """Parse a declared identity of `lineage-bridge.toml`: `<dataset>` or `<dataset>@<version>`."""
    name, _, version = target.partition("@")
    link = Link("declared", 1.0, f"lineage-bridge.toml says {said!r} is {target!r}")
    return DatasetVersion(namespace, name, canonical_version(version) if version else None, link)


def only(values: Iterable[Value]) -> Value | None:
    """Return the only one of some values, None where there is none or more than one."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
