"""A family of another package: installed beside the bridge, it is read like those of its own."""

from __future__ import annotations

import json

import pytest
from cases import others_slow
from foreign import install, install_notebooks, run_with

pytestmark = pytest.mark.slow  # `make test` runs the samples

AT = ("--at", "2028-01-01T00:00:00Z")


@pytest.fixture
def site(tmp_path):
    return install_notebooks(tmp_path / "site")


@pytest.fixture
def run(site, tmp_path):
    return lambda *args: run_with(site, tmp_path / "home", *args)


def a_notebook(folder, **said):
    folder.mkdir(parents=True, exist_ok=True)
    document = {"run": "nb-1", "model": "sketch", "finished": "2026-04-08T10:00:00Z", **said}
    path = folder / "try.notebook.json"
    path.write_text(json.dumps(document))
    return path


def a_dataset(nyc):
    return min((nyc / "p2").rglob("*.parquet"))


def edges_into(graph, job):
    return [edge["from"] for edge in graph["edges"] if edge["to"].partition("@")[0] == job]


@pytest.mark.sample
def test_its_flag_is_in_the_help(run):
    told = run("backfill", "--help").out
    assert "--notebooks DIR" in told
    assert "Trainings in notebooks" in told


@pytest.mark.parametrize("positional", others_slow([True, False]))
def test_its_training_is_linked_by_path_to_a_dataset(nyc, run, tmp_path, positional):
    folder = a_notebook(tmp_path / "notes", data=str(a_dataset(nyc))).parent
    folders = [nyc / "p2", folder] if positional else ["--p2", nyc / "p2", "--notebooks", folder]

    result = run("backfill", "--json", *folders)

    assert result.code == 0, result.err
    assert result.json["read"]["notebooks run"] == 1
    (read,) = edges_into(run("graph", "--json", *AT).json, "job:default:train.sketch")
    assert read.startswith("dataset:default:features.")


@pytest.mark.slow
def test_its_training_is_linked_by_hash_to_a_dataset(nyc, run, tmp_path):
    run("backfill", "--p2", nyc / "p2")
    nodes = run("graph", "--json", *AT).json["nodes"]
    sets = [n["facets"].get("lineageBridge_featureSet") for n in nodes]
    sha256 = next(said["footerSha256"] for said in sets if said and "footerSha256" in said)

    run("backfill", "--notebooks", a_notebook(tmp_path / "notes", data_sha256=sha256).parent)

    (read,) = edges_into(run("graph", "--json", *AT).json, "job:default:train.sketch")
    assert read.startswith("dataset:default:features.")


@pytest.mark.slow
def test_what_it_rejects_is_in_quarantine_under_its_name(run, tmp_path):
    path = a_notebook(tmp_path / "notes", finished="soon")

    result = run("backfill", "--json", path.parent)

    (rejected,) = result.json["rejected"]
    assert (result.code, rejected["family"], rejected["path"]) == (1, "notebooks", str(path))
    assert "expected a time" in rejected["reason"]


def test_an_adapter_that_cannot_be_used_is_named_and_the_others_read(site, run, nyc):
    install(site, "half-done", {"gone": "no_such_module:ADAPTER"})

    result = run("backfill", "--json", "--p6", nyc / "p6")

    assert (result.code, result.json["rejected"]) == (0, [])
    assert "`gone` of the package `half-done` is left out: ModuleNotFoundError" in result.err
    assert len(result.err.splitlines()) == 1


TWO_A_LINE = """
from datetime import UTC, datetime
from lineage_bridge.adapters.api import API, Kind
from lineage_bridge.records import Claim, Training

class Pairs:
    api, name, title, version = API, "pairs", "Two trainings a line", 1
    def recognise(self, place):
        return Kind("pair", "lines") if place.name.endswith(".pairs") else None
    def read(self, artifact):
        for run_id in artifact.content().decode().split():
            yield Training(source=artifact.source, run_id=run_id, completed=datetime.now(UTC),
                           model=Claim(what="model", name=f"m{run_id}", field="model"))
ADAPTER = Pairs()
"""


def test_a_line_may_hold_several_records(site, run, tmp_path):
    (install(site, "pairs", {"pairs": "pairs:ADAPTER"}) / "pairs.py").write_text(TWO_A_LINE)
    (tmp_path / "x.pairs").write_text("a b\nc d\n")

    result = run("backfill", "--json", "--no-observe", "--pairs", tmp_path / "x.pairs")

    assert (result.code, result.err) == (0, "")
    jobs = {n["name"] for n in run("graph", "--json").json["nodes"] if n["kind"] == "job"}
    assert jobs == {"train.ma", "train.mb", "train.mc", "train.md"}
