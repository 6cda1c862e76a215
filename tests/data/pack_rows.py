"""Pack rows of real datasets for the tests of drift: `python tests/data/pack_rows.py ARTIFACTS`.

Of some of the files of `nyc.tar.gz` and of logs of served predictions, the features as they are but
for digits that no test looks at; and what is to be found of each pair (`truth.json`).
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = Path(__file__).parent
FILES = {
    "week": "p2/output/training_dataset_20260401_003505.parquet",
    "base3d": "p2/output/training_dataset_20260328_002012.parquet",
    "tiny": "p2/output/training_dataset_20260326_002000.parquet",
    "nodrift": "p5/features/dep-nyc-batch-nodrift.parquet",
    "bug": "p5/features/dep-nyc-batch-bug.parquet",
    "double": "p5/features/dep-nyc-batch-double.parquet",
}
PAIRS = (("week", "nodrift"), ("week", "bug"), ("week", "double"), ("base3d", "tiny"))
DIGITS = 3


def cut(path: Path) -> bytes:
    """The keys and features of a file, as an uncompressed parquet file."""
    table = pq.read_table(path)
    columns = {
        name: pc.round(table[name], DIGITS).cast(pa.float32())
        if pa.types.is_float64(table[name].type)
        else table[name]
        for name in table.column_names
        if name.startswith("ft_") or name in {"station_id", "obs_ts"}
    }
    rows = pa.table(columns).sort_by([("station_id", "ascending"), ("obs_ts", "ascending")])
    written = io.BytesIO()
    pq.write_table(rows, written, compression="none")
    return written.getvalue()


def truth(source: Path) -> bytes:
    """What is to be found of each pair: KS and the verdict of each feature."""
    known = json.loads((source / "expected" / "drift_truth.json").read_text())["pairs"]
    found = []
    for pair in known:
        ends = tuple(_name(pair[side]) for side in ("reference", "current"))
        if ends in PAIRS:
            features = {
                name: {"ks": said["ks_stat"], "flag": said["flag"]}
                for name, said in pair["features"].items()
                if "ks_stat" in said  # not of a feature without a value
            }
            made = pair.get("by_construction")
            found.append({"pair": ends, "by_construction": made, "features": features})
    return json.dumps(found, indent=1).encode()


def _name(path: str) -> str | None:
    return next((name for name, named in FILES.items() if named.endswith(path)), None)


def main() -> None:
    """Pack `rows.tar.xz`."""
    source = Path(sys.argv[1])
    members = {f"{name}.parquet": cut(source / path) for name, path in FILES.items()}
    with tarfile.open(HERE / "rows.tar.xz", "w:xz", format=tarfile.PAX_FORMAT, preset=9) as archive:
        for name, content in {**members, "truth.json": truth(source)}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    main()
