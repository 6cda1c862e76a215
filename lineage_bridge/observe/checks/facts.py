"""The facts of a file, without its rows: what its name, its footer or its metadata says."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import parse_object
from lineage_bridge.adapters.feature_datasets import (
    CUTOFF,
    DATASET,
    ENTITY,
    EVENT_TIME,
    TARGET,
    WANTED,
    dataset_of,
)
from lineage_bridge.adapters.parquet_footer import Footer, read_footer
from lineage_bridge.assess.checks.facts import ColumnFacts, Roles, Said, Version
from lineage_bridge.assess.checks.settings import roles_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import features_dataset, known, split_stem, store_of_path, version_time
from lineage_bridge.observe.checks.rows import chunks_of
from lineage_bridge.records import Build
from lineage_bridge.settings import Settings
from lineage_bridge.times import parse_time

_ROLES: Final = Roles(ENTITY, EVENT_TIME, TARGET, CUTOFF)


def facts_of(path: Path, settings: Settings, *, dataset: str | None = None) -> Version:
    """Return the facts of a file, whatever is there; its rows stay unread.

    Args:
        path: of the file.
        settings: name the roles of columns.
        dataset: the dataset's name, where somebody knows it better than the file's own name.

    Raises:
        SettingsError: the settings name a check that there is not.
    """
    name, real = str(path), os.path.realpath(path)
    if not os.path.lexists(path):
        return Version(name, is_there=False, is_read=False, unread="there is no file")
    artifact = Artifact("check", DATASET, real, os.path.dirname(real))  # noqa: PTH120
    try:
        if path.suffix.lower() == ".json":
            return _of_document(name, artifact)
        footer = read_footer(artifact, WANTED)
        columns = tuple(ColumnFacts(c.name, c.type, c.nulls) for c in footer.columns())
    except ArtifactError as exc:
        return _of_name(path, str(exc), dataset)
    return _of_footer(path, artifact, footer, columns, settings, dataset)


def _of_name(path: Path, trouble: str, dataset: str | None) -> Version:
    """Take from a name whose file cannot be read what puts it among its dataset's versions."""
    stem, stamp = split_stem(path.stem)
    return Version(
        str(path),
        dataset or (features_dataset(None, stem) if stem.strip() else None),
        stamp,
        version_time(stamp) if stamp is not None else None,
        is_read=False,
        trouble=trouble,
        unread="the file cannot be read",
    )


def _of_footer(
    path: Path,
    artifact: Artifact,
    footer: Footer,
    columns: tuple[ColumnFacts, ...],
    settings: Settings,
    dataset: str | None,
) -> Version:
    stem, stamp = split_stem(path.stem)
    build, trouble = None, None
    try:
        build = dataset_of(artifact, footer)
    except ArtifactError as exc:
        trouble = str(exc)
    database = footer.metadata.get("upstream_db_path")
    store = store_of_path(database) if known(database) and database else None
    if dataset is None and stem.strip():
        dataset = features_dataset(store, stem)
    is_of_p2 = build is not None or trouble is not None
    usual = _ROLES if is_of_p2 else _guessed(footer.schema)
    return Version(
        str(path),
        dataset,
        build.dataset.version if build is not None else stamp,
        build.built if build is not None else _time_of(stamp, trouble),
        built_trouble=trouble,
        is_of_p2=is_of_p2,
        rows=footer.rows,
        columns=columns,
        twice=tuple(n for n, count in Counter(footer.schema.names).items() if count > 1),
        said=_said(footer, build),
        roles=_there(roles_of(dataset or "", settings, usual), footer.schema),
        same_bytes=chunks_of(footer),
    )


def _guessed(schema: Any) -> Roles:
    """Find the roles of columns in a file of another producer: the only column with times."""
    from lineage_bridge.profiles.arrow import is_time_type

    times = [field.name for field in schema if is_time_type(field.type)]
    return Roles(time=times[0] if len(times) == 1 else None)


def _there(roles: Roles, schema: Any) -> Roles:
    """Leave out columns that are not there, and a time that is none."""
    from lineage_bridge.profiles.arrow import is_time_type

    types = {field.name: field.type for field in schema}
    found = Roles(*(role if role in types else None for role in roles))
    is_time = found.time is not None and is_time_type(types[found.time])
    return found if is_time else found._replace(time=None)


def _time_of(stamp: str | None, trouble: str | None) -> datetime | None:
    return version_time(stamp) if stamp is not None and trouble is None else None


def _said(footer: Footer, build: Build | None) -> Said:
    rows = footer.metadata.get("row_count")
    if build is None:
        return Said(rows)
    return Said(rows, build.positive_rate, build.entities, build.observed_from, build.observed_to)


def _of_document(name: str, artifact: Artifact) -> Version:
    """Read P6's metadata of a dataset, a field at a time: each is a check of its own."""
    document = parse_object(artifact.content())
    texts = {
        key: value.strip()
        for key in ("dataset_name", "dataset_version", "built_at")
        if isinstance(value := document.get(key), str) and value.strip()
    }
    built, trouble = None, None
    try:
        built = parse_time(texts["built_at"]).instant if "built_at" in texts else None
    except ValueError as exc:
        trouble = f"`built_at`: {exc}"
    rows = document.get("row_count")
    dataset = texts.get("dataset_name")
    return Version(
        name,
        features_dataset(None, split_stem(dataset)[0]) if dataset is not None else None,
        texts.get("dataset_version"),
        built,
        trouble,
        rows=rows if isinstance(rows, int) and not isinstance(rows, bool) else None,
        unread="metadata has no rows",
    )
