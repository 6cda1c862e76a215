"""Walking the named folders: what is found, what is no artifact, and why."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters.api import Kind
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest.found import found_again
from lineage_bridge.ingest.read import read
from lineage_bridge.ingest.scan import scan

HIDDEN = (".hidden.parquet", "._x.parquet", ".#metadata.json", ".metadata.json.swp")
TEMPORARY = (
    *("x.parquet~", "#metadata.json#", "metrics_1.json.tmp", "y.parquet.part"),
    *("z.parquet.crdownload", "~$x.json", "_SUCCESS", "metadata.json.SWP"),
)


def found_in(root, *families):
    return scan({family: [root] for family in families or ("p2", "p4", "p5", "p6")})


@pytest.mark.parametrize(
    ("names", "why"), [(HIDDEN, "hidden"), (TEMPORARY, "temporary")], ids=["hidden", "temporary"]
)
def test_what_hides_or_passes_is_no_artifact(tmp_path, names, why):
    for name in names:
        (tmp_path / name).write_text("{}")
    result = found_in(tmp_path)
    assert (result.found, result.ignored) == ([], {why: len(names)})


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        (".ipynb_checkpoints", "hidden"),
        (".git", "hidden"),
        ("__MACOSX", "folder of another tool"),
        ("_delta_log", "folder of another tool"),
        ("_temporary", "folder of another tool"),
        ("mlruns", "folder of another tool"),
        ("upload.tmp", "temporary"),
    ],
)
def test_folders_of_tools_are_not_walked_unless_they_are_named(tmp_path, folder, why):
    inside = tmp_path / "root" / folder
    inside.mkdir(parents=True)
    (inside / "metadata.json").write_text("{}")

    walked, named = found_in(tmp_path / "root", "p4"), found_in(inside, "p4")

    assert (walked.found, walked.ignored) == ([], {why: 1})
    assert [f.shown for f in named.found] == ["metadata.json"]


def test_a_hidden_file_that_is_named_is_read(tmp_path):
    (tmp_path / ".x.parquet").touch()
    (found,) = found_in(tmp_path / ".x.parquet", "p2").found
    assert (found.shown, found.root) == (".x.parquet", str(tmp_path))


def test_a_root_that_is_a_link_is_walked_under_its_real_path(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "metadata.json").touch()
    (tmp_path / "named").symlink_to(tmp_path / "real")
    (found,) = found_in(tmp_path / "named", "p4").found
    assert found.path == str(tmp_path / "real" / "metadata.json")


def test_kind_and_form_come_from_name_and_place(tmp_path):
    for path in ("events/2026/a.jsonl", "metrics/2026/b.jsonl", "r/metadata.json", "c.jsonl"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    result = found_in(tmp_path)
    assert [(f.family, f.kind, f.form, f.shown) for f in result.found] == [
        ("p4", "bundle", "whole", "r/metadata.json"),
        ("p5", "events", "lines", "events/2026/a.jsonl"),
        ("p5", "windows", "windows", "metrics/2026/b.jsonl"),
    ]
    assert result.ignored == {"of no family": 1}


def test_a_table_in_parts_is_no_fault(tmp_path):
    for table in ("x.parquet", "y.parquet"):
        (tmp_path / table).mkdir()
    (tmp_path / "x.parquet" / "part-0.parquet").touch()
    result = found_in(tmp_path, "p2")
    assert [f.shown for f in result.found] == ["x.parquet/part-0.parquet"]
    assert [r.path for r in result.rejected] == [str(tmp_path / "y.parquet")]


def test_a_name_that_is_not_utf8_is_rejected(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.parquet")).touch()
    result = found_in(tmp_path, "p2")
    assert result.found == []
    assert result.rejected[0].reason == "its name is not UTF-8; rename it"
    assert result.rejected[0].path.endswith("\\udcff.parquet")


@pytest.mark.parametrize("path", ["events/2026/a.jsonl", "deployment_events.jsonl"])
def test_a_file_of_lines_is_found_again_without_its_root(tmp_path, path):
    file = tmp_path / "metrics" / path  # a folder above the root says nothing
    file.parent.mkdir(parents=True)
    file.touch()
    found = found_again("p5", str(file), by_line=True)
    assert (found.kind, found.form) == ("events", "lines")
    assert found_again("p5", f"{file}x", by_line=True) is None
    assert found_again("unknown", str(file), by_line=True) is None


class _ToldAbove:
    """An adapter of files that are read together with one in the folder above."""

    api, name, title, version = 1, "above", "Told above", 1

    def recognise(self, place):
        return Kind("run", companions=("../model.txt",)) if place.name == "run.json" else None

    def read(self, artifact):
        raise ArtifactError(repr(artifact.companion("../model.txt")))


def test_a_file_is_found_again_with_its_companions_above(tmp_path, monkeypatch):
    monkeypatch.setattr("lineage_bridge.ingest.found.adapters", lambda: {"above": _ToldAbove()})
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "run.json").touch()
    (tmp_path / "model.txt").write_text("m")

    found = found_again("above", str(tmp_path / "x" / "run.json"), by_line=False)

    assert [item.reason for item in read(found).rejected] == ["b'm'"]
    assert found.root == str(tmp_path)


NAMES = st.sampled_from(
    ["a", "metadata.json", "metrics.json", "model_uri.txt", "x.parquet", "training_dataset.parquet",
     "metrics_01.jsonl", "deployment_events.jsonl", ".git", "mlruns", "up.tmp", "note.md"]
)  # fmt: skip
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS, min_size=1, max_size=12), st.data())
def test_what_changed_is_found_as_in_a_walk_of_everything(files, data):
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "root"
        for name in sorted(files):
            with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()
        every = sorted(str(path) for path in root.rglob("*"))
        changed = data.draw(st.sets(st.sampled_from(every), max_size=4)) if every else set()
        roots = {family: [root] for family in ("p2", "p4", "p5", "p6")}

        found = {(one.family, one.path) for one in scan(roots, changed).found}
        due = {(one.family, one.path) for one in scan(roots).found if is_due(one, changed)}

        assert found == due


def is_due(found, changed):
    """Whether a file changed, or one that it is read together with, or a folder above it."""
    folder = Path(found.path).parent
    own = [found.path, *(os.path.normpath(folder / name) for name in found.sort.companions)]
    return any(
        path in own or found.path.startswith(f"{path}/") or f"{path}/" in own for path in changed
    )


def test_a_companion_that_changed_leads_to_its_file_above_below_and_beside(tmp_path, monkeypatch):
    kinds = {
        "beside.json": Kind("x", companions=("with.txt",)),
        "below.json": Kind("x", companions=("sub/with.txt",)),
        "above.json": Kind("x", companions=("../with.txt",)),
        "folder.json": Kind("x", companions=("parts/",)),
    }

    class Told:
        api, name, title, version = 1, "told", "Told", 1

        def recognise(self, place):
            return kinds.get(place.name)

        def read(self, _artifact):
            return []

    monkeypatch.setattr("lineage_bridge.ingest.scan.adapters", lambda: {"told": Told()})
    for name in ("beside.json", "with.txt", "below.json", "sub/with.txt", "sub/above.json",
                 "folder.json", "parts/1.bin"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def leads_to(name):
        found = scan({"told": [tmp_path]}, {str((tmp_path / name).resolve())}).found
        return sorted(Path(one.path).name for one in found)

    assert leads_to("with.txt") == ["above.json", "beside.json"]
    assert leads_to("sub/with.txt") == ["below.json"]
    assert leads_to("parts/1.bin") == ["folder.json"]


def test_a_change_anywhere_in_a_run_has_the_run_read_and_nothing_else_in_it(tmp_path):
    experiment = tmp_path / "site" / "mlruns" / "410352269289941694"
    run = experiment / ("a" * 32)
    inside = ["metrics/train/loss", "inputs/x/meta.yaml", "artifacts/b/metadata.json"]
    for path in ("meta.yaml", *inside):
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        (run / path).touch()
    (experiment / "meta.yaml").touch()
    roots = {family: [tmp_path / "site"] for family in ("mlflow", "p4")}
    own = [("mlflow", "run", str(run / "meta.yaml"))]

    looks = [scan(roots), *(scan(roots, {str(run / path)}) for path in ("meta.yaml", *inside))]

    for look in looks:
        found = [(one.family, one.kind, one.path) for one in look.found if one.form != "part"]
        assert found == own
    assert scan({"p4": [tmp_path / "site"]}).ignored == {"folder of another tool": 1}
