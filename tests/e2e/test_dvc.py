"""DVC: the steps of a pipeline, joined by content with the datasets that others built."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import yaml
from datasets import dataset
from datasets import write as write_dataset
from repositories import repository

from lineage_bridge.ingest.read import read
from lineage_bridge.ingest.scan import scan

T1, T2 = "Sat, 28 Mar 2026 09:30:00 +0100", "Wed, 1 Apr 2026 11:20:00 +0200"
PIPELINE = {
    "stages": {"fit": {"outs": [{"model.json": {"type": "model"}}]}},
    "artifacts": {"threshold": {"path": "model.json", "type": "model"}},
}


def digest(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def a_file(path, content, size=1):
    return {"path": path, "md5": content, "size": size}


def a_lock(data, *, rows="a" * 32, model="b" * 32, quantile=0.2):
    """Two steps: `split` makes rows of the data, `fit` a model of the rows."""
    split = {
        "cmd": "python split.py",
        "deps": [data, a_file("src/split.py", "c" * 32)],
        "outs": [a_file("data/rows.csv", rows)],
    }
    fit = {
        "cmd": "python fit.py",
        "deps": [a_file("data/rows.csv", rows)],
        "params": {"params.yaml": {"fit": {"quantile": quantile}}},
        "outs": [a_file("model.json", model)],
    }
    return yaml.safe_dump(
        {"schema": "2.0", "stages": {"split": split, "fit": fit}}, sort_keys=False
    )


@pytest.fixture
def built(tmp_path):
    """A dataset that somebody else built, and the words that DVC has for its file."""
    (tmp_path / "p2").mkdir()
    path = write_dataset(tmp_path / "p2", dataset(slots=8))
    return a_file("data/training.parquet", digest(path), path.stat().st_size)


def edges(lb):
    """All edges of the pipeline's jobs, without its runs."""
    found = lb("graph", "--json").json["edges"]
    pairs = [(_plain(edge["from"]), _plain(edge["to"])) for edge in found]
    return {pair for pair in pairs if any(end.startswith("shop.") for end in pair)}


def _plain(end):
    name = end.split(":", 2)[2]
    return name.partition("@")[0] if name.startswith("shop.") else name


def test_a_pipeline_joins_with_a_dataset_that_has_the_same_content(lb, tmp_path, built):
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    (folder / "dvc.lock").write_text(a_lock(built))
    (folder / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE))
    lb("backfill", "--no-observe", tmp_path / "p2", tmp_path / "work")
    rows = "files.shop.data.rows%2Ecsv@" + "a" * 32
    assert edges(lb) == {
        ("features.mobility.training_dataset@2026-04-07T00:15:00Z", "shop.split"),
        ("shop.split", rows),
        (rows, "shop.fit"),
        ("shop.fit", "models.threshold@" + "b" * 32),
    }


def test_a_file_of_the_same_length_and_another_content_is_another_file(lb, tmp_path, built):
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    (folder / "dvc.lock").write_text(a_lock({**built, "md5": "d" * 32}))
    lb("backfill", "--no-observe", tmp_path / "p2", tmp_path / "work")
    (read,) = [source for source, target in edges(lb) if target == "shop.split"]
    assert read == "files.shop.data.training%2Eparquet@" + "d" * 32


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_history_tells_of_a_run_for_each_state_of_a_step(lb, tmp_path, built):
    data = {**built, "md5": "e" * 32}
    states = [a_lock(data), a_lock(data, model="f" * 32, quantile=0.25)]
    pipeline = yaml.safe_dump(PIPELINE)
    repository(
        tmp_path / "work" / "shop",
        [
            (T1, "Begin", {"dvc.lock": states[0], "dvc.yaml": pipeline}),
            (T2, "Wider", {"dvc.lock": states[1], "data/x.parquet.dvc": "outs: []\n"}),
        ],
    )
    (tmp_path / "work" / "shop" / "dvc.lock").write_text(states[1])  # as it is checked out
    (tmp_path / "work" / "shop" / "dvc.yaml").write_text(pipeline)
    lb("backfill", tmp_path / "work")
    graph = lb("graph", "--json").json
    ended = {
        node["name"]: [run["ended"] for run in node["runs"]]
        for node in graph["nodes"]
        if node["name"].startswith("shop.")
    }
    first, second = "2026-03-28T08:30:00Z", "2026-04-01T09:20:00Z"
    assert ended == {"shop.split": [first], "shop.fit": [first, second]}
    told = lb("changes", "models.threshold", "--json").json["changes"]
    (changed,) = [one for one in told if one["kind"] == "parameters"]
    assert changed["values"] == [{"name": "fit.quantile", "before": "0.2", "after": "0.25"}]
    (of_data,) = [
        one for one in lb("changes", "--json").json["changes"][-2:] if one["kind"] == "data"
    ]
    assert of_data["values"] == [{"name": "model.json", "before": "b" * 32, "after": "f" * 32}]
    lb("journal", "export", tmp_path / "all.ndjson")
    other = ("--home", tmp_path / "other")
    lb("journal", "import", tmp_path / "all.ndjson", *other)
    (tmp_path / "empty").mkdir()
    assert lb("backfill", tmp_path / "empty", "--json", *other).json["events"] == 0


def test_what_was_joined_by_content_stays_so_where_the_files_are_not(lb, tmp_path, built):
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    (folder / "dvc.lock").write_text(a_lock(built))
    lb("backfill", "--no-observe", tmp_path / "p2", tmp_path / "work")
    lb("journal", "export", tmp_path / "all.ndjson")
    other = ("--home", tmp_path / "other")
    lb("journal", "import", tmp_path / "all.ndjson", *other)
    (tmp_path / "empty").mkdir()
    assert lb("backfill", tmp_path / "empty", "--json", *other).json["events"] == 0


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        ("schema: '9.0'\nstages: {}\n", "schema", "version '9.0' is not known"),
        ("<<<<<<< HEAD\nschema: '2.0'\n=======\n>>>>>>> x\n", None, "marks of a merge"),
        (
            "schema: '2.0'\nstages:\n  fit:\n    deps:\n    - path: a\n      md5: [\n",
            None,
            "not YAML",
        ),
        ("schema: '2.0'\nstages: {fit: 3}\n", "stages.fit", "expected an object"),
        ("schema: '2.0'\nstages: {fit: {outs: [3]}}\n", "stages.fit.outs.0.path", "a path"),
        ("", None, "is empty"),
    ],
)
def test_a_lock_file_that_cannot_be_read_is_rejected(tmp_path, content, field, reason):
    (tmp_path / "dvc.lock").write_text(content)
    (found,) = [read(one) for one in scan({"dvc": [tmp_path]}).found]
    assert found.records == []
    (rejected,) = found.rejected
    assert rejected.field == field
    assert reason in rejected.reason
