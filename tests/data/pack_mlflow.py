"""Pack MLflow's stores that the tests read: `python tests/data/pack_mlflow.py ARTIFACTS`.

They were written by MLflow 3.17 itself. What a run logged as files is left out, and so are the
long schemas of its datasets, which nothing reads. `expected.json` says what they hold.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from pack import HERE, pack

SCHEMA = re.compile(r"^(?:schema|profile): '.*?'\n", re.MULTILINE | re.DOTALL)
LEFT_OUT = {"artifacts", "mlartifacts"}


def cut_database(path: Path) -> None:
    """Empty what nothing reads, and what that leaves free."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE datasets SET dataset_schema = NULL, dataset_profile = NULL")
        connection.commit()
        connection.execute("VACUUM")


def cut(source: Path, folder: Path) -> None:
    """Copy a store without what nothing reads."""
    for path in sorted(source.rglob("*")):
        below = path.relative_to(source)
        if not path.is_file() or LEFT_OUT & set(below.parts):
            continue
        target = folder / below
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        if path.name == "meta.yaml" and "datasets" in below.parts:
            target.write_text(SCHEMA.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Pack `mlflow.tar.gz`."""
    tools = Path(sys.argv[1]) / "tools"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut(tools / "mlflow", folder / "good")
        cut_database(folder / "good" / "sqlite" / "mlflow.db")
        for path in sorted((tools / "bad").glob("mlflow*")):
            if path.is_dir():
                cut(path, folder / "bad" / path.name)
            else:
                shutil.copyfile(path, folder / "bad" / path.name)
        for path in (tools.parent / "p4").glob("mlruns_*"):
            cut(path, folder / path.name)
        members = [(p, str(p.relative_to(folder))) for p in folder.rglob("*") if p.is_file()]
        pack(HERE / "mlflow.tar.gz", members)


if __name__ == "__main__":
    main()
