"""Read one found file into records; a rejection never stops the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from lineage_bridge.adapters import p2, p4, p5, p6
from lineage_bridge.adapters.documents import digest, parse_json, read_bytes
from lineage_bridge.adapters.records import Family, Record, Source, TrainingRecord
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest.scan import Found, Kind
from lineage_bridge.observe.quarantine import Rejected, rejected

# The version of each family's adapter: a file that another version read is read again.
VERSIONS: dict[Family, int] = {
    "p2": p2.VERSION,
    "p4": p4.VERSION,
    "p5": p5.VERSION,
    "p6": p6.VERSION,
}


@dataclass(slots=True)
class Reading:
    """The result of reading a file: records, rejections, or neither if it is of another kind."""

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def read(found: Found) -> Reading:
    """Read a file as a whole (JSONL files are read by line elsewhere)."""
    reading = Reading()
    try:
        _READERS[found.kind](found, reading)
    except ArtifactError as exc:
        reading.rejected.append(rejected(str(found.path), found.family, exc))
    return reading


def fingerprint(found: Found) -> str:
    """Return size, time of change and inode of a file, or of all files of a bundle.

    Raises:
        OSError: the file is gone.
    """
    stats = [p.stat() for p in places(found) if p == found.path or p.is_file()]
    return "|".join(f"{s.st_size}:{s.st_mtime_ns}:{s.st_ino}" for s in stats)


def places(found: Found) -> list[Path]:
    """List the files that are read together: for a bundle they are three."""
    return [found.path, *(_companions(found.path) if found.kind == "bundle" else [])]


def _companions(metadata: Path) -> list[Path]:
    return [metadata.with_name("metrics.json"), metadata.with_name("model_uri.txt")]


def _source(found: Found, content: bytes | None = None) -> Source:
    sha256 = digest(content) if content is not None else None
    return Source(found.family, str(found.path), found.shown, sha256)


def _read_dataset(found: Found, reading: Reading) -> None:
    record = p2.read_dataset(found.path, _source(found))
    if record is not None:
        reading.records.append(record)


def _read_metrics(found: Found, reading: Reading) -> None:
    content = read_bytes(found.path)
    reading.records += p2.read_trainings(content, _source(found, content)) or []


def _read_bundle(found: Found, reading: Reading) -> None:
    content = read_bytes(found.path)
    folder = found.path.parent.name
    record = p4.read_bundle(content, _source(found, content), folder=folder)
    if record is not None:
        reading.records.append(_with_companions(record, found, reading))


def _with_companions(record: TrainingRecord, found: Found, reading: Reading) -> TrainingRecord:
    # A bad companion loses its own facts, not the run.
    metrics_path, uri_path = _companions(found.path)
    for path in (metrics_path, uri_path):
        try:
            if not path.exists():
                continue
            content = read_bytes(path)
            if path is metrics_path:
                metrics, flags = p4.read_metrics(content)
                record = replace(record, metrics=metrics, flags=record.flags + flags)
            else:
                record = replace(record, artifact_uri=p4.read_model_uri(content))
        except ArtifactError as exc:
            reading.rejected.append(rejected(str(path), found.family, exc))
    return record


def _read_published(found: Found, reading: Reading) -> None:
    content = read_bytes(found.path)
    record = p5.read_published(content, _source(found, content))
    if record is not None:
        reading.records.append(record)


def _read_metadata(found: Found, reading: Reading) -> None:
    content = read_bytes(found.path)
    document = parse_json(content)
    if not isinstance(document, dict):
        return  # this is no metadata of P6
    modified = datetime.fromtimestamp(found.path.stat().st_mtime, tz=UTC)
    record = p6.read_document(document, _source(found, content), modified=modified)
    if record is not None:
        reading.records.append(record)


_READERS: dict[Kind, Callable[[Found, Reading], None]] = {
    "dataset": _read_dataset,
    "metrics": _read_metrics,
    "bundle": _read_bundle,
    "published": _read_published,
    "metadata": _read_metadata,
}
