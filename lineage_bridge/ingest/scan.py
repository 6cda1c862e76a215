"""Walk the named folders and classify each file by its name and place.

Links are not followed, so nothing outside of a named folder is read and no loop is walked. Known
companions of artifacts, files of no family, and entries that are neither file nor folder (a pipe, a
socket, a device: reading it may never end) are counted as ignored.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lineage_bridge.adapters.records import Family
from lineage_bridge.errors import SettingsError
from lineage_bridge.observe.quarantine import Rejected

Kind = Literal["dataset", "metrics", "bundle", "events", "windows", "published", "metadata"]

_WINDOWS = re.compile(r"metrics_\d{1,2}\.jsonl", re.IGNORECASE)
_METRICS = re.compile(r"metrics_.+\.json", re.IGNORECASE)
# Folders without artifacts for us: version control, environments, MLflow's own store.
_SKIPPED_FOLDERS = re.compile(r"\.git|\.venv|__pycache__|node_modules|mlruns.*")
# JSON files of other families that may be in the same folders as P6's.
_COMPANIONS = frozenset(
    {"metadata.json", "metrics.json", "model_metadata.json", "feature_schema.json"}
)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be an artifact; `root` is the folder that was named."""

    family: Family
    kind: Kind
    path: Path
    root: Path

    @property
    def shown(self) -> str:
        """The path relative to the named folder."""
        relative = os.path.relpath(self.path, self.root)
        return self.path.name if relative == "." else relative


@dataclass(slots=True)
class Scan:
    """The result of a walk; `ignored` counts entries by reason."""

    found: list[Found] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)


def scan(roots: Mapping[Family, Sequence[Path]]) -> Scan:
    """Walk every root, each once; a root may be given for several families.

    Raises:
        SettingsError: a root does not exist.
    """
    result = Scan()
    families_of: dict[Path, list[Family]] = {}
    for family, paths in roots.items():
        for path in paths:
            if not path.exists():
                raise SettingsError(f"The folder `{path}` (--{family}) does not exist.")
            families_of.setdefault(Path(os.path.realpath(path)), []).append(family)
    for root, families in sorted(families_of.items()):
        _scan_root(root, families, result)
    return _once(result)


def found_again(family: Family, path: Path, *, by_line: bool) -> Found | None:
    """Classify a file again, without a walk; None if it does not exist or is of no family."""
    if not path.is_file():
        return None
    kind = "events" if by_line else _classify(family, path, path.parent, is_folder=False)
    return Found(family, kind, path, path.parent) if kind is not None else None


def _once(result: Scan) -> Scan:
    # A walk may reach the same file from a folder and from its parent.
    unique = {(f.family, f.path): f for f in reversed(result.found)}
    result.found = sorted(unique.values(), key=lambda f: (f.family, str(f.path)))
    return result


def _scan_root(root: Path, families: Sequence[Family], result: Scan) -> None:
    for path, is_folder in _walk(root, result):
        kinds = [(f, k) for f in families if (k := _classify(f, path, root, is_folder))]
        if is_folder:
            result.rejected += [
                Rejected(str(path), f, 0, None, "is a folder, expected a file") for f, _ in kinds
            ]
        elif kinds:
            result.found += [Found(f, k, path, root) for f, k in kinds]
        else:
            result.ignored["of no family"] += 1


def _walk(root: Path, result: Scan) -> Iterator[tuple[Path, bool]]:
    """Yield every file below the root, and every folder with a name like a file's."""
    if not root.is_dir():
        if root.is_file():
            yield root, False
        else:
            result.ignored["special file"] += 1
        return
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError as exc:
            reason = f"cannot be listed: {exc.strerror or exc}"
            result.rejected.append(Rejected(str(folder), "folder", 0, None, reason))
            continue
        for entry in entries:
            path = Path(entry.path)
            if (why := _ignored(entry)) is not None:
                result.ignored[why] += 1
            elif entry.is_file():
                yield path, False
            else:
                if "." in entry.name and not _holds_parts(path):
                    yield path, True
                pending.append(path)


def _ignored(entry: os.DirEntry[str]) -> str | None:
    """Return why an entry is ignored, None if it is not."""
    if entry.is_symlink():
        return "link"
    if entry.is_file():
        return None
    if not entry.is_dir():
        return "special file"
    return "folder of another tool" if _SKIPPED_FOLDERS.fullmatch(entry.name) else None


def _holds_parts(folder: Path) -> bool:
    # Many engines write one table as `x.parquet/part-0.parquet`.
    try:
        return any(e.name.lower().endswith(".parquet") for e in os.scandir(folder))
    except OSError:
        return False


def _classify(family: Family, path: Path, root: Path, is_folder: bool) -> Kind | None:
    name = path.name.lower()
    if family == "p2":
        return _classify_p2(name)
    if family == "p4":
        return "bundle" if name == "metadata.json" else None
    if family == "p5":
        return _classify_p5(path, root, is_folder)
    companion = name in _COMPANIONS or _METRICS.fullmatch(name) is not None
    return "metadata" if name.endswith(".json") and not companion and not is_folder else None


def _classify_p2(name: str) -> Kind | None:
    if name.endswith(".parquet"):
        return "dataset"
    return "metrics" if _METRICS.fullmatch(name) else None


def _classify_p5(path: Path, root: Path, is_folder: bool) -> Kind | None:
    name = path.name.lower()
    if name == "model_metadata.json":
        return "published"
    if name == "deployment_events.jsonl":
        return "events"
    if _WINDOWS.fullmatch(name):
        return "windows"
    if is_folder or not name.endswith(".jsonl"):
        return None
    folders = set(path.relative_to(root).parts[:-1])
    if "metrics" in folders:
        return "windows"
    return "events" if "events" in folders else None
