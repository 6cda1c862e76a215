"""Files as versions of datasets, with all that checks ask: footer, profile, rows as a whole."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import parse_object
from lineage_bridge.adapters.feature_columns import MADE_OF
from lineage_bridge.adapters.feature_datasets import (
    CUTOFF,
    DATASET,
    ENTITY,
    EVENT_TIME,
    FEATURE_PREFIX,
    TARGET,
    WANTED,
    dataset_of,
)
from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.parquet_footer import Footer, read_footer
from lineage_bridge.assess.checks.facts import ColumnFacts, Roles, RowFacts, Said, Version
from lineage_bridge.assess.checks.judge import Report, judge_versions
from lineage_bridge.assess.checks.policy import NO_ZONE, CheckPolicy
from lineage_bridge.assess.checks.settings import expected_of, roles_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.journal import Journal
from lineage_bridge.naming import features_dataset, known, split_stem, store_of_path, version_time
from lineage_bridge.records import Build
from lineage_bridge.settings import Settings
from lineage_bridge.times import parse_time

if TYPE_CHECKING:
    from lineage_bridge.observe.kept_profiles import Profiled

MOST_KEYED_ROWS: Final = 5_000_000  # whose keys are held in memory, to find those that repeat
OF_P2: Final = CheckPolicy(
    columns=tuple(MADE_OF), feature_prefix=FEATURE_PREFIX, zone=NO_ZONE, strict_nulls=True
)
_ROLES: Final = Roles(ENTITY, EVENT_TIME, TARGET, CUTOFF)
_NOT_ASKED: Final = "only the footer was read"


class CheckedFiles:
    """Files that are checked, and the profiles that were made for that.

    Args:
        settings: expectations.
        journal: of the home, with kept profiles; None: there is none yet.
        footer_only: whether rows stay unread.
    """

    def __init__(self, settings: Settings, journal: Journal | None, *, footer_only: bool) -> None:
        self._settings = settings
        self._journal = journal
        self._footer_only = footer_only
        self._of_p2: set[str] = set()
        self.profiled: list[Profiled] = []

    def reports(self, paths: Sequence[Path]) -> list[Report]:
        """Read and judge files; those of one dataset in the order of their build.

        Raises:
            SettingsError: the settings name a check that there is not.
        """
        found = _told_apart([self._version(path) for path in paths])
        of_dataset: dict[str, list[Version]] = defaultdict(list)
        for version in found:
            of_dataset[version.dataset or version.name].append(version)
        reports: list[Report] = []
        for dataset, versions in of_dataset.items():
            usual = OF_P2 if dataset in self._of_p2 else CheckPolicy()
            policy = expected_of(dataset, self._settings, usual)
            reports += judge_versions(sorted(versions, key=_by_build), policy)
        return reports

    def _version(self, path: Path) -> Version:
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
            stem, stamp = split_stem(path.stem)
            return Version(
                name,
                features_dataset(None, stem) if stem.strip() else None,
                stamp,
                version_time(stamp) if stamp is not None else None,
                is_read=False,
                trouble=str(exc),
                unread="the file cannot be read",
            )
        return self._read_rows(path, self._of_footer(path, artifact, footer, columns), footer)

    def _of_footer(
        self, path: Path, artifact: Artifact, footer: Footer, columns: tuple[ColumnFacts, ...]
    ) -> Version:
        stem, stamp = split_stem(path.stem)
        build, trouble = None, None
        try:
            build = dataset_of(artifact, footer)
        except ArtifactError as exc:
            trouble = str(exc)
        database = footer.metadata.get("upstream_db_path")
        store = store_of_path(database) if known(database) and database else None
        dataset = features_dataset(store, stem) if stem.strip() else None
        is_of_p2 = build is not None or trouble is not None
        if dataset is not None and is_of_p2:
            self._of_p2.add(dataset)
        names = frozenset(column.name for column in columns)
        usual_roles = _ROLES if is_of_p2 else _guessed(footer.schema)
        roles = roles_of(dataset or "", self._settings, usual_roles)
        return Version(
            str(path),
            dataset,
            build.dataset.version if build is not None else stamp,
            build.built if build is not None else _time_of(stamp, trouble),
            built_trouble=trouble,
            is_unstamped=not is_of_p2 and stamp is None,
            rows=footer.rows,
            columns=columns,
            twice=tuple(n for n, count in Counter(footer.schema.names).items() if count > 1),
            said=_said(footer, build),
            roles=Roles(*(role if role in names else None for role in roles)),
            unread=_NOT_ASKED if self._footer_only else None,
            same_bytes=_chunks(footer),
        )

    def _read_rows(self, path: Path, version: Version, footer: Footer) -> Version:
        if self._footer_only:
            return version
        from lineage_bridge.observe.kept_profiles import AskedKeys, Profiled

        roles = version.roles
        is_usual = (roles.entity, roles.time) == (ENTITY, EVENT_TIME)
        has_time = roles.time is not None and _is_time(footer, roles.time)
        asked = AskedKeys() if is_usual or not has_time else AskedKeys(roles.entity, roles.time)
        try:
            found = Profiled.of(path, asked, self._journal)
            by_rows = _row_facts(os.path.realpath(path), version)
        except ArtifactError as exc:
            reason = exc.reason.removeprefix(f"`{path}` ")
            return replace(version, trouble=reason, unread="the rows cannot be read")
        if not found.is_kept:
            self.profiled.append(found)
        return replace(version, profile=found.profile, by_rows=by_rows)


def _by_build(version: Version) -> tuple[bool, str, str, str]:
    built = version.built
    return built is None, built.isoformat() if built else "", version.version or "", version.name


def _guessed(schema: Any) -> Roles:
    """Find the roles of columns in a file of another producer: the only column with times."""
    from lineage_bridge.profiles.arrow import is_time_type

    times = [field.name for field in schema if is_time_type(field.type)]
    return Roles(time=times[0] if len(times) == 1 else None)


def _is_time(footer: Footer, name: str) -> bool:
    from lineage_bridge.profiles.arrow import is_time_type

    return is_time_type(next(field.type for field in footer.schema if field.name == name))


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


def _chunks(footer: Footer) -> str:
    """Return a fingerprint of the column chunks: their names, places and sizes."""
    digest = hashlib.sha256()
    parsed = footer.parsed
    for number in range(parsed.num_row_groups):
        group = parsed.row_group(number)
        for index in range(group.num_columns):
            chunk = group.column(index)
            sizes = (chunk.num_values, chunk.total_compressed_size, chunk.total_uncompressed_size)
            said = (chunk.path_in_schema, chunk.data_page_offset, *sizes)
            digest.update(repr(said).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _told_apart(versions: Iterable[Version]) -> list[Version]:
    """Replace equal fingerprints of chunks by a hash of the chunks themselves.

    Two files may have equal footers and other values, where these are not compressed.
    """
    listed = list(versions)
    counts = Counter(version.same_bytes for version in listed)
    return [
        replace(version, same_bytes=_hash_of_chunks(version.name))
        if version.same_bytes is not None and counts[version.same_bytes] > 1
        else version
        for version in listed
    ]


def _hash_of_chunks(path: str) -> str | None:
    """Hash a parquet file up to its footer; None if it cannot be read any more."""
    try:
        with open_file(os.path.realpath(path)) as file:
            end = file.seek(-8, os.SEEK_END)
            left = end - int.from_bytes(file.read(4), "little")
            file.seek(0)
            digest = hashlib.sha256()
            while left > 0 and (part := file.read(min(left, 2**20))):
                digest.update(part)
                left -= len(part)
    except (ArtifactError, OSError):
        return None
    return digest.hexdigest()


def _row_facts(path: str, version: Version) -> RowFacts:
    """Count what is to be seen in rows only; None of what cannot be compared.

    Raises:
        ArtifactError: the file cannot be read.
    """
    entity, time, _, cutoff = version.roles
    wanted = list(dict.fromkeys(name for name in (entity, time, cutoff) if name is not None))
    if time is None or len(wanted) < 2 or (version.rows or 0) > MOST_KEYED_ROWS:
        return RowFacts()
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with open_file(path) as file:
        try:
            table = pq.read_table(file, columns=wanted, use_threads=False)
            repeated = off = None
            if entity is not None:
                keys = table.group_by([entity, time], use_threads=False).aggregate([])
                repeated = table.num_rows - keys.num_rows
            if cutoff is not None:
                same = pc.equal(table[time], table[cutoff]).fill_null(False)  # noqa: FBT003
                off = table.num_rows - (pc.sum(same).as_py() or 0)
        except (pa.ArrowException, ValueError, KeyError):
            return RowFacts()
        except OSError as exc:
            raise ArtifactError(f"cannot be read: {exc.strerror or exc}") from exc
    return RowFacts(repeated, off)
