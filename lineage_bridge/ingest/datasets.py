"""Resolve an artifact's reference to a dataset: a ladder of methods; the first hit wins.

Its rungs: declared > path suffix > exact stem, version agreeing > timestamp suffix > unique version
(only where no name was given). Several candidates are no hit: the reference then gets a name of its
own and a gap for `doctor`. The result is a function of the set of records, not of their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineage_bridge.adapters.linked import DatasetVersion, Link
from lineage_bridge.adapters.records import DatasetRecord
from lineage_bridge.naming import (
    canonical_version,
    duckdb_namespace,
    features_dataset,
    split_stem,
    store_of_path,
)

_SEPARATORS = re.compile(r"[/\\]+")


def path_parts(path: str) -> list[str]:
    """Split a path of any operating system into components, without leading `.` and `..`."""
    parts = [part for part in _SEPARATORS.split(path) if part]
    while parts and parts[0] in {".", ".."}:
        parts.pop(0)
    return parts


def ends_with(path: str, suffix: str) -> bool:
    """Return whether a path ends with the components of another."""
    whole, tail = path_parts(path), path_parts(suffix)
    return bool(tail) and whole[-len(tail) :] == tail


def declared_target(target: str, namespace: str, said: str) -> DatasetVersion:
    """Parse a declared identity of `lineage-bridge.toml`: `<dataset>` or `<dataset>@<version>`."""
    name, _, version = target.partition("@")
    link = Link("declared", 1.0, f"lineage-bridge.toml says {said!r} is {target!r}")
    return DatasetVersion(namespace, name, canonical_version(version) if version else None, link)


@dataclass(frozen=True, slots=True)
class Known:
    """A dataset record and its own identity."""

    record: DatasetRecord
    store: str | None
    base: str
    name: str
    version: str


class DatasetIndex:
    """All dataset records, ready to resolve references to them."""

    def __init__(
        self,
        records: Sequence[DatasetRecord],
        *,
        namespace: str,
        stores: Mapping[str, str],
        aliases: Mapping[str, str],
    ) -> None:
        self._namespace = namespace
        self._stores = stores
        self._aliases = aliases
        self._stores_of_base: dict[str, set[str]] = defaultdict(set)
        self._stores_of_build: dict[tuple[str, str], set[str]] = defaultdict(set)
        for record in records:
            store = self.store_of(record.upstream)
            if store is not None:
                self._stores_of_base[split_stem(record.stem)[0]].add(store)
                build = (record.stem, canonical_version(record.version))
                self._stores_of_build[build].add(store)
        self.known = [self._identify(record) for record in records]
        self._by_stem: dict[str, list[Known]] = defaultdict(list)
        self._by_version: dict[str, list[Known]] = defaultdict(list)
        self._by_file: dict[str, list[Known]] = defaultdict(list)
        for item in self.known:
            for stem in {item.record.stem, item.base}:
                self._by_stem[stem].append(item)
            self._by_version[item.version].append(item)
            self._by_file[path_parts(item.record.source.path)[-1]].append(item)

    def store_of(self, upstream: str | None) -> str | None:
        """Return the store of a database path: as declared, else the file's stem."""
        if upstream is None:
            return None
        for suffix, store in self._stores.items():
            if ends_with(upstream, suffix):
                return store
        return store_of_path(upstream)

    def source_of(self, record: DatasetRecord, table: str) -> DatasetVersion | None:
        """Return the table that a build read, None where the artifact names no database."""
        store = self.store_of(record.upstream)
        if store is None:
            return None
        link = Link("path", 0.95, f"`upstream_db_path` {record.upstream!r}; P2 reads one table")
        return DatasetVersion(duckdb_namespace(store), table, None, link)

    def _identify(self, record: DatasetRecord) -> Known:
        base, _ = split_stem(record.stem)
        version = canonical_version(record.version)
        store = self.store_of(record.upstream)
        if store is None:  # take that of another record of this build, or the name's only store
            same_build = self._stores_of_build.get((record.stem, version), set())
            store = _only(same_build) or _only(self._stores_of_base.get(base, set()))
        target = self._aliases.get(record.stem) or self._aliases.get(base)
        if target is not None:
            declared = declared_target(target, self._namespace, record.stem)
            return Known(record, store, base, declared.name, declared.version or version)
        return Known(record, store, base, features_dataset(store, base), version)

    def identity_of(self, item: Known) -> DatasetVersion:
        """Return the dataset version that a record describes, with the rung that named it."""
        record = item.record
        if record.stem in self._aliases or item.base in self._aliases:
            link = Link("declared", 1.0, f"lineage-bridge.toml names {record.stem!r}")
        elif item.base != record.stem:
            link = Link("suffix", 0.9, f"{record.stem!r} is {item.base!r} with its build time")
        else:
            link = Link("stem", 0.95, f"the file is called {record.stem!r}")
        return DatasetVersion(self._namespace, item.name, item.version, link)

    def resolve(
        self, name: str | None, version: str | None, path: str | None = None
    ) -> tuple[DatasetVersion | None, list[str]]:
        """Return the dataset that a reference means, and the candidates if it is ambiguous."""
        wanted = canonical_version(version) if version is not None else None
        found = self._declared(name, wanted) or self._by_path(path)
        if name is None and path is not None:
            name = path_parts(path)[-1].rsplit(".", 1)[0] if path_parts(path) else None
        if found is None and name is not None:
            found = self._by_exact_stem(name, wanted)
        if found is not None:
            return found, []
        if name is not None:
            return self._by_suffix(name, wanted)
        return self._by_unique_version(wanted)

    def _declared(self, name: str | None, version: str | None) -> DatasetVersion | None:
        if name is None:
            return None
        base, stamp = split_stem(name)
        target = self._aliases.get(name) or self._aliases.get(base)
        if target is None:
            return None
        found = declared_target(target, self._namespace, name)
        return self._at(found, found.version or version or _stamp_version(stamp))

    def _at(self, found: DatasetVersion, version: str | None) -> DatasetVersion:
        return DatasetVersion(found.namespace, found.name, version, found.link)

    def _by_path(self, path: str | None) -> DatasetVersion | None:
        parts = path_parts(path) if path is not None else []
        if not parts or path is None:
            return None
        hits = [k for k in self._by_file[parts[-1]] if ends_with(k.record.source.path, path)]
        evidence = f"path {path!r} is the end of the path of a dataset that was read"
        return self._single(hits, Link("path", 0.95, evidence))

    def _by_exact_stem(self, name: str, version: str | None) -> DatasetVersion | None:
        hits = [
            known
            for known in self._by_stem.get(name, [])
            if version == known.version or (version is None and known.record.stem == name)
        ]
        agrees = f", version {version!r} agrees" if version is not None else ""
        evidence = f"name {name!r} is the stem of a dataset that was read{agrees}"
        return self._single(hits, Link("stem", 0.95, evidence))

    def _single(self, hits: Sequence[Known], link: Link) -> DatasetVersion | None:
        identities = {(known.name, known.version) for known in hits}
        if len(identities) != 1:
            return None
        ((name, version),) = identities
        return DatasetVersion(self._namespace, name, version, link)

    def _by_suffix(self, name: str, version: str | None) -> tuple[DatasetVersion | None, list[str]]:
        base, stamp = split_stem(name)
        stores = sorted(self._stores_of_base.get(base, set()))
        store = stores[0] if len(stores) == 1 else None
        if stamp is None and store is None:
            link = Link("name", 0.3, f"name {name!r} as it is: no dataset of that name was read")
        else:
            said = f"the only store of {base!r} is {store!r}" if store else "its store is not known"
            link = Link("suffix", 0.7 if store else 0.5, f"{name!r} is a build of {base!r}; {said}")
        at = version or _stamp_version(stamp)
        found = DatasetVersion(self._namespace, features_dataset(store, base), at, link)
        return found, [features_dataset(s, base) for s in stores] if len(stores) > 1 else []

    def _by_unique_version(self, version: str | None) -> tuple[DatasetVersion | None, list[str]]:
        hits = self._by_version.get(version, []) if version is not None else []
        link = Link("version", 0.8, f"no name was given, and only this dataset has {version!r}")
        found = self._single(hits, link)
        return found, sorted({k.name for k in hits}) if found is None else []


def _only(stores: set[str]) -> str | None:
    return next(iter(stores)) if len(stores) == 1 else None


def _stamp_version(stamp: str | None) -> str | None:
    return canonical_version(stamp) if stamp is not None else None
