"""Changes out of commits: one of each sort that a commit touched.

The sort is told by the file's name. A lock file is compared package by package; of the definition
of features the changed lines are kept. A document (README, pictures) changes nothing that runs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from lineage_bridge.adapters.dvc.lock import LOCK, PIPELINE, contents_in, models_in, steps_in
from lineage_bridge.adapters.feature_copies import difference_of
from lineage_bridge.adapters.git.history import Commit, File, read_history
from lineage_bridge.adapters.git.repository import Repository
from lineage_bridge.adapters.lock_files import is_lock_file, read_packages
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facets.change import ChangedFile, ChangedValue, Kind
from lineage_bridge.records import Change, Source, Step
from lineage_bridge.records.change import MAX_DIFFERENCE, MAX_LISTED, Code

MAX_LOCK: Final = 8 * 1024 * 1024
MAX_DEFINITION: Final = 64 * 1024
MAX_KEPT: Final = 64 * 1024 * 1024

_DOCUMENT: Final = re.compile(
    r"(?i).*\.(?:md|rst|txt|png|jpe?g|gif|svg|pdf|license)|(?:.*/)?(?:license|notice|authors|"
    r"\.git(?:ignore|attributes|keep|modules)|\.dvcignore|codeowners|metrics\.json)|"
    r"(?:.*/)?\.(?:dvc|github|gitlab|idea|vscode)/.*"
)
_FEATURES: Final = re.compile(r"(?i)(?:.*/)?(?:[\w-]*features?[\w-]*/.*|[\w.-]*feature[\w.-]*)")
_CONFIGURATION: Final = re.compile(
    r"(?i).*\.(?:ya?ml|toml|json|ini|cfg|conf|properties|env|tf)|(?:.*/)?(?:dockerfile|makefile)"
)
_COMPARED: Final = ("dependencies", "data")
_DATA: Final = re.compile(r"(?i).*\.dvc|(?:.*/)?dvc\.lock|.*\.(?:csv|parquet|arrow|feather)")


def kind_of(path: str) -> Kind | None:
    """Return the sort of change that a change of a file is; None if nothing runs by it."""
    if is_lock_file(path):
        return "dependencies"
    if _DATA.fullmatch(path):
        return "data"
    if _DOCUMENT.fullmatch(path):
        return None
    if path.lower().endswith(".sql") or _FEATURES.fullmatch(path):
        return "feature_definition"
    return "configuration" if _CONFIGURATION.fullmatch(path) else "code"


def changes_of(repository: Repository, source: Source) -> Iterator[Change | Step]:
    """Yield the changes of a history, oldest first, and the steps that its lock files tell of.

    Raises:
        ArtifactError: the history cannot be read.
    """
    commits = read_history(repository)
    files = [file for commit in commits for file in commit.files]
    packages = _packages(repository, files)
    data = _kept(repository.blobs(_ids(files, "data"), MAX_LOCK))
    definitions = _kept(repository.blobs(_ids(files, "feature_definition"), MAX_DEFINITION))
    yield from _steps(repository, commits, data, source)
    for commit in commits:
        by_kind: dict[Kind, list[File]] = defaultdict(list)
        for file in commit.files:
            kind = kind_of(file.path)
            if kind is not None:
                by_kind[kind].append(file)
        for kind, touched in sorted(by_kind.items()):
            values = _values(kind, touched, packages, data)
            difference = _difference(touched, definitions)
            yield _change(repository, commit, kind, touched, values, difference, source)


def _packages(repository: Repository, files: Sequence[File]) -> dict[str, Mapping[str, str] | None]:
    """Read every state of the lock files; None of one that cannot be read."""
    paths: dict[str, str] = {}
    for file in files:
        if is_lock_file(file.path):
            paths.update({one: file.path for one in (file.before, file.after) if one is not None})
    return {
        one: _read(partial(read_packages, paths[one]), content)
        for one, content in repository.blobs(paths, MAX_LOCK)
    }


def _kept(contents: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Keep contents as long as they are not too many; the others count as not to be read."""
    found: dict[str, bytes] = {}
    size = 0
    for one, content in contents:
        size += len(content)
        if size > MAX_KEPT:
            break
        found[one] = content
    return found


def _ids(files: Sequence[File], kind: Kind) -> list[str]:
    wanted = (file for file in files if kind_of(file.path) == kind)
    return [one for file in wanted for one in (file.before, file.after) if one is not None]


def _change(
    repository: Repository,
    commit: Commit,
    kind: Kind,
    files: Sequence[File],
    values: Sequence[ChangedValue],
    difference: str | None,
    source: Source,
) -> Change:
    left_out = max(0, len(files) - MAX_LISTED) + max(0, len(values) - MAX_LISTED)
    return Change(
        source=source,
        time=commit.time,
        kind=kind,
        what=repository.name,
        sentence=commit.subject[:1_000] or None,
        before=commit.parent,
        after=commit.id,
        files=tuple(
            ChangedFile(path=file.path, change=file.change, former=file.former)
            for file in files[:MAX_LISTED]
        ),
        values=tuple(values[:MAX_LISTED]),
        left_out=left_out,
        difference=difference,
        code=Code(
            url=repository.url,
            repository=repository.name,
            version=commit.id,
            branch=repository.branch,
        ),
    )


def _steps(
    repository: Repository,
    commits: Sequence[Commit],
    contents: Mapping[str, bytes],
    source: Source,
) -> Iterator[Step]:
    """Yield the steps of every state of DVC's lock files; the models are those of the last one."""
    models: dict[str, dict[str, str]] = {}
    pipelines = [f for c in commits for f in c.files if f.path.rpartition("/")[2] == PIPELINE]
    asked = [file.after for file in pipelines if file.after is not None]
    read = _kept(repository.blobs(asked, MAX_DEFINITION))
    for file in pipelines:
        try:
            models[file.path] = models_in(read[file.after or ""])
        except (ArtifactError, KeyError):
            continue
    for commit in commits:
        for file in commit.files:
            folder, _, name = file.path.rpartition("/")
            content = contents.get(file.after or "")
            if name != LOCK or content is None:
                continue
            project = folder.rpartition("/")[2] or repository.place
            of_pipeline = models.get(f"{folder}/{PIPELINE}".lstrip("/"), {})
            try:
                yield from steps_in(content, project, commit.time, of_pipeline, source)
            except ArtifactError:
                continue  # a state that nobody could use; the file at hand is rejected by itself


def _values(
    kind: Kind,
    files: Sequence[File],
    packages: Mapping[str, Mapping[str, str] | None],
    data: Mapping[str, bytes],
) -> list[ChangedValue]:
    """Compare lock files value by value; one that cannot be read has none."""
    found: dict[str, ChangedValue] = {}
    for file in files if kind in _COMPARED else ():
        states = [_state(file.path, one, packages, data) for one in (file.before, file.after)]
        before, after = states
        if before is None or after is None:
            continue
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                value = ChangedValue(name=name, before=before.get(name), after=after.get(name))
                found.setdefault(name, value)
    return [found[name] for name in sorted(found)]


def _state(
    path: str,
    one: str | None,
    packages: Mapping[str, Mapping[str, str] | None],
    data: Mapping[str, bytes],
) -> Mapping[str, str] | None:
    if one is None:
        return {}
    if is_lock_file(path):
        return packages.get(one)
    if one not in data or not path.endswith((".dvc", LOCK)):
        return None
    return _read(partial(contents_in, path), data[one])


def _read(reader: Callable[[bytes], Mapping[str, str]], content: bytes) -> Mapping[str, str] | None:
    try:
        return reader(content)
    except ArtifactError:
        return None


def _difference(files: Sequence[File], contents: Mapping[str, bytes]) -> str | None:
    """Return the changed lines of definitions that were there before."""
    lines: list[str] = []
    for file in files:
        before, after = contents.get(file.before or ""), contents.get(file.after or "")
        if before is not None and after is not None:
            lines += difference_of(_lines(before), _lines(after))
    text = "\n".join(lines)
    return text[:MAX_DIFFERENCE] or None


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()
