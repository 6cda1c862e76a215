"""Two platforms in one home, artifacts that turn up late, and names that say nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow  # `make test` runs the samples

FEATURES = "features.lon.training_dataset"


@pytest.fixture(scope="module")
def lon(nyc, tmp_path_factory) -> Path:
    """The same artifacts as of another city, a year later: other store, runs and deployments."""
    root = tmp_path_factory.mktemp("lon")
    for path in sorted(nyc.rglob("*")):
        target = root / _of_lon(str(path.relative_to(nyc)))
        if path.is_dir() or "keys" in path.parts:
            continue
        if path.suffix == ".parquet":
            _other_store(path, target)
        elif path.suffix in {".json", ".jsonl", ".txt"}:
            _other_names(path, target)
    return root


def _of_lon(text: str) -> str:
    return text.replace("nyc", "lon").replace("2026-0", "2027-0").replace("20260", "20270")


def _other_store(path: Path, target: Path) -> None:
    schema = pq.read_schema(path)
    metadata = dict(schema.metadata or {})
    if b"upstream_db_path" not in metadata:
        return
    metadata[b"upstream_db_path"] = b"../lon/data/lon.duckdb"
    metadata[b"build_timestamp"] = metadata[b"build_timestamp"].replace(b"2026", b"2027")
    target.parent.mkdir(parents=True, exist_ok=True)
    empty = schema.with_metadata(metadata).empty_table()
    pq.write_table(empty, target)


def _other_names(path: Path, target: Path) -> None:
    if path.parent.parent.name == "artifacts" and len(path.parent.name) == 32:
        target = target.parent.with_name(path.parent.name[::-1]) / path.name
    text = _of_lon(path.read_text()).replace('"run_id": "', '"run_id": "@')
    while '"@' in text:
        before, _, rest = text.partition('"@')
        run, _, after = rest.partition('"')
        text = f'{before}"{run[::-1]}"{after}'
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def graph(lb):
    return lb("graph", "--json", "--at", "2028-01-01T00:00:00Z").json


def test_a_second_store_changes_nothing_of_the_first(nyc, lon, lb):
    for folder in (nyc / "p2", nyc / "p4", nyc / "p6"):
        lb("backfill", "--namespace", "u", folder)
    for folder in (lon / "p2", lon / "p4", lon / "p6"):
        lb("backfill", folder)
    for _ in range(2):
        assert lb("backfill", "--json", nyc / "p2", lon / "p2").json["events"] == 0

    names = {n["name"] for n in graph(lb)["nodes"]}
    assert {"build.mobility.training_dataset", "build.lon.training_dataset"} <= names
    assert "build.training_dataset" not in names
    table = "duckdb://mobility:main.raw_station_metrics_1min"
    assert lb("path", table, "models.lightgbm_default@v5+5bbf7d7a").code == 0


@pytest.mark.slow
def test_two_cities_in_any_order_give_one_graph(nyc, lon, lb, tmp_path, monkeypatch):
    folders = [nyc / "p2", nyc / "p4", nyc / "p5", nyc / "p6"]
    folders += [lon / "p2", lon / "p4", lon / "p5", lon / "p6"]
    graphs = []
    for number, order in enumerate((folders, folders[::-1], folders[3::-1] + folders[4:])):
        monkeypatch.setenv("LINEAGE_BRIDGE_HOME", str(tmp_path / f"home-{number}"))
        for folder in order:
            assert lb("backfill", "--namespace", "u", folder).code == 0
        graphs.append(edges_between_records(graph(lb)))
    assert graphs[0] == graphs[1] == graphs[2]


def edges_between_records(shape):
    """Without observers: what they say of windows is under test elsewhere."""
    return [e for e in shape["edges"] if e["kind"] != "observe"]


def test_copies_of_one_name_lead_to_the_training_of_their_own_city(nyc, lon, lb):
    lb("backfill", "--namespace", "u", nyc, lon)

    for city, store in (("nyc", "mobility"), ("lon", "lon")):
        slow = f"predictions.dep-{city}-prod-slow.production.mobility-serving-layer"
        table = f"duckdb://{store}:main.raw_station_metrics_1min"
        assert lb("path", table, slow).code == 0
    assert "lightgbm_slow@v1 comes from several runs" in lb("doctor", "--json").out


def test_what_the_records_no_longer_call_for_is_withdrawn(nyc, lb, tmp_path):
    lb("backfill", nyc)
    assert "publish.lightgbm_slow" in {n["name"] for n in graph(lb)["nodes"]}

    assert lb("alias", "add", "model", "lightgbm_slow", "models.lightgbm_default").code == 0
    lb("backfill", nyc)
    aliased = graph(lb)
    names = {n["name"] for n in aliased["nodes"]}
    assert "publish.lightgbm_slow" not in names
    assert "models.lightgbm_slow" not in names
    assert lb("backfill", "--json", nyc).json["events"] == 0

    (tmp_path / "lineage-bridge.toml").unlink()
    lb("backfill", nyc)
    assert "publish.lightgbm_slow" in {n["name"] for n in graph(lb)["nodes"]}
    assert lb("backfill", "--json", nyc).json["events"] == 0


def test_the_commands_that_doctor_prints_mend_the_gaps_as_they_stand(nyc, lb):
    lb("backfill", nyc)
    gaps = lb("doctor", "--json").json["gaps"]
    commands = [shlex.split(g["mend"]) for g in gaps if g["kind"] == "training_without_dataset"]
    assert [words[:4] for words in commands] == [["lineage-bridge", "alias", "add", "run"]] * 3

    for words in commands:
        assert lb(*words[1:]).code == 0
    assert lb("backfill", nyc).code == 0
    left = [g["kind"] for g in lb("doctor", "--json").json["gaps"]]
    assert left == ["dataset_missing"]


@pytest.mark.sample
def test_what_doctor_guesses_is_true(nyc, lb):
    """The keys say what the three bundles that name no dataset were trained on."""
    lb("backfill", nyc)
    bundles = {b["run_id"]: b for b in json.loads((nyc / "keys" / "bundles.json").read_text())}
    guesses = [g for g in lb("doctor", "--json").json["gaps"] if "guess" in g]
    assert len(guesses) == 3
    for gap in guesses:
        run_id = shlex.split(gap["mend"])[4]
        stem = bundles[run_id]["dataset_name"]
        stamp = gap["guess"]["target"].partition("@")[2]
        assert re.sub(r"\D", "", stem) == re.sub(r"\D", "", stamp)


@pytest.mark.sample
def test_where_the_true_dataset_is_not_there_nothing_is_guessed(nyc, lb, tmp_path):
    left = shutil.copytree(nyc, tmp_path / "left", symlinks=True)
    for path in left.rglob("training_dataset_2026032[89]*"):
        path.unlink()
    lb("backfill", left)
    gaps = lb("doctor", "--json").json["gaps"]
    assert [g for g in gaps if "guess" in g] == []
    assert sum(g["kind"] == "training_without_dataset" for g in gaps) == 3


@pytest.mark.sample
def test_an_alias_of_what_nobody_knows_is_refused_and_says_what_is_near(nyc, lb, tmp_path):
    lb("backfill", nyc)
    run = "9456770ce7a34f54a368c38be1dfc203"
    known = "features.mobility.training_dataset"
    for kind, said, target, near in (
        ("run", f"{run[:-1]}4", f"{known}@20260328_002012", run),
        ("run", run, "features.mobilty.training_dataset@20260328_002012", known),
        ("run", run, f"{known}@2026-03-28T00:20:13Z", "2026-03-28T00:20:12Z"),
        ("model", "lightgbm_slo", "models.lightgbm_default", "lightgbm_slow"),
        ("dataset", "trainingdataset", known, "training_dataset"),
    ):
        refused = lb("alias", "add", kind, said, target)
        assert refused.code == 2
        assert near in refused.err
        assert not (tmp_path / "lineage-bridge.toml").exists()
    assert lb("alias", "add", "model", "coming", "models.new", "--force").code == 0


def test_an_alias_says_what_it_replaces(nyc, lb):
    lb("backfill", nyc)
    first = lb("alias", "add", "model", "lightgbm_slow", "models.lightgbm_default")
    assert "So far it meant models.lightgbm_slow." in first.out
    second = lb("alias", "add", "model", "lightgbm_slow", "models.lightgbm_small")
    assert 'It replaces the line "lightgbm_slow" = "models.lightgbm_default".' in second.out


@pytest.mark.sample
@pytest.mark.parametrize(
    ("field", "value"),
    [("candidate_name", "unknown"), ("run_id", "unknown"), ("candidate_name", "a\ud800b")],
)
def test_a_name_that_says_nothing_is_rejected_and_the_rest_is_read(nyc, lb, tmp_path, field, value):
    good, other = list((nyc / "p4").rglob("metadata.json"))[:2]
    shutil.copytree(good.parent, tmp_path / "p4" / "good")
    bundle = shutil.copytree(other.parent, tmp_path / "p4" / "bad")
    document = json.loads(other.read_text()) | {field: value}
    (bundle / "metadata.json").write_text(json.dumps(document))

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert result.code == 1
    assert result.json["read"] == {"p4 bundle": 1}
    assert len(result.json["rejected"]) == 1


def test_a_file_name_that_is_not_text_is_rejected(nyc, lb, tmp_path):
    folder = shutil.copytree(nyc / "p6", tmp_path / "in")
    source = next((nyc / "p2").rglob("training_dataset_*.parquet"))
    shutil.copy(source, os.fsdecode(bytes(folder) + b"/\xff.parquet"))

    result = lb("backfill", "--json", tmp_path / "in")

    assert result.code == 1
    assert "not UTF-8" in result.json["rejected"][0]["reason"]


def test_an_alias_of_the_wrong_form_is_refused(lb, tmp_path):
    for kind, target in (("model", "foo bar"), ("run", "features.<store>.x"), ("dataset", "x")):
        assert lb("alias", "add", kind, "said", target).code == 2
    (tmp_path / "lineage-bridge.toml").write_text('aliases.models.x = "foo bar"')
    assert lb("alias", "list").code == 2


def test_a_run_id_that_is_no_uuid_still_ties_a_copy_to_its_training(nyc, lb, tmp_path):
    source = next(p for p in (nyc / "p4").rglob("metadata.json") if "_version" in p.read_text())
    document = json.loads(source.read_text()) | {"run_id": "2024/run 7"}
    bundle = tmp_path / "in" / "p4" / "run"
    bundle.mkdir(parents=True)
    (bundle / "metadata.json").write_text(json.dumps(document))
    folder = tmp_path / "in" / "models" / "renamed" / "v9"
    folder.mkdir(parents=True)
    published = {"model_version": "v9", "run_id": "2024/run 7"}
    (folder / "model_metadata.json").write_text(json.dumps(published))

    assert lb("backfill", tmp_path / "in").code == 0
    path = lb("path", f"models.{document['candidate_name']}", "models.renamed@v9", "--json")
    assert path.code == 0
