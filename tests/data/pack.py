"""Pack the artifacts that the tests read: `python tests/data/pack.py ARTIFACTS`.

Parquet files keep their footers; the rows, which nothing reads, become zeros and cost no space.
"""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
NYC = {
    "p2": ["p2/output/*.parquet", "p2/models/metrics_*.json", "p2/models/test_predictions_*"],
    "p4": ["p4/artifacts/*/*"],
    "p5": ["p5/fleet_nyc/artifacts/**/*.jsonl", "p5/fleet_nyc/models/*/*/*.json"],
    "p6": ["p6_reference/dataset_metadata/*.json", "p6_reference/training_metadata/*.json"],
    "keys": ["p2/builds.json", "p4/bundles.json", "p5/truth_nyc.json"],
}


def without_rows(content: bytes) -> bytes:
    """A parquet file with zeros in place of its column chunks."""
    if not content.endswith(b"PAR1") or len(content) < 12:
        return content
    footer = int.from_bytes(content[-8:-4], "little") + 8
    body = len(content) - footer - 4
    return content if body <= 0 else content[:4] + bytes(body) + content[-footer:]


def add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add one file (or link) under a name, with its time and no owner."""
    entry = archive.gettarinfo(path, name)
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if not entry.isfile():
        archive.addfile(entry)
        return
    content = path.read_bytes()
    if path.suffix.lower() == ".parquet":
        content = without_rows(content)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def pack(target: Path, members: list[tuple[Path, str]]) -> None:
    """Write a tar.gz that is the same bytes for the same content."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=9) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, name in sorted(members, key=lambda m: m[1]):
            add(archive, path, name)


def main() -> None:
    """Pack `nyc.tar.gz` (with the answer keys) and `bad.tar.gz`."""
    source = Path(sys.argv[1])
    nyc = [
        (path, f"{group}/{path.relative_to(source / pattern.split('/')[0])}")
        for group, patterns in NYC.items()
        for pattern in patterns
        for path in source.glob(pattern)
        if path.is_file()
    ]
    pack(HERE / "nyc.tar.gz", nyc)
    bad = [
        (path, str(path.relative_to(source / "bad")))
        for path in (source / "bad").rglob("*")
        if path.is_file() or path.is_symlink() or not any(path.iterdir())
    ]
    pack(HERE / "bad.tar.gz", bad)


if __name__ == "__main__":
    main()
