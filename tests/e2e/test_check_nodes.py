"""`check` on datasets: what was found in them, for now or an earlier time."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest
from datasets import dataset, write

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

pytestmark = pytest.mark.slow  # `make test` runs the samples

DATASET = "features.mobility.training_dataset"


def build(folder, day, **changed):
    columns = dataset(start=datetime(2026, 4, day - 2), slots=288, seed=day) | changed  # noqa: DTZ001
    return write(folder, columns, stamp=f"202604{day:02}_235500")


def version(day):
    return f"2026-04-{day:02}T23:55:00Z"


@pytest.fixture
def filled(lb, tmp_path):
    """A home with three versions, of which the second has lost a column."""
    folder = tmp_path / "p2"
    folder.mkdir()
    for day in (6, 7, 8):
        build(folder, day)
    columns = dataset(start=datetime(2026, 4, 5), slots=288, seed=7)  # noqa: DTZ001
    del columns["ft_capacity"]
    write(folder, columns, stamp="20260407_235500")
    assert lb("backfill", "--p2", folder).code == 0
    return folder


def codes(one):
    return {check["check"] for check in one["checks"] if check["status"] == "failed"}


@pytest.mark.sample
def test_all_datasets_have_a_line_each(lb, filled):
    done = lb("check")
    assert done.code == 0
    (line,) = done.out.splitlines()
    assert line.startswith(f"{DATASET}@{version(8)}: ")
    assert "passed" in line


@pytest.mark.parametrize("spelling", ["20260407_235500", version(7), "2026-04-07T23:55:00+00:00"])
def test_a_version_is_shown_with_what_failed_in_it(lb, filled, spelling):
    done = lb("check", f"{DATASET}@{spelling}")
    assert done.code == 1
    assert "columns_dropped" in done.out
    (one,) = lb("check", "--json", f"{DATASET}@{spelling}").json["versions"]
    assert one["status"] == "error"
    assert one["name"] == f"{DATASET}@{version(7)}"
    dropped = next(check for check in one["checks"] if check["check"] == "columns_dropped")
    assert dropped["against"] == f"{DATASET}@{version(6)}"


@pytest.mark.sample
def test_what_was_found_later_is_not_known_earlier(lb, filled):
    at = "2026-04-08T12:00:00Z"
    (then,) = lb("check", "--json", "--at", at, DATASET).json["versions"]
    assert then["version"] == version(7)
    assert lb("check", "--at", at).code == 1
    assert lb("check", "--json", "--at", "2026-04-01T00:00:00Z").json == {"versions": []}


def test_a_job_means_what_it_builds(lb, filled):
    (one,) = lb("check", "--json", "build.mobility.training_dataset").json["versions"]
    assert one["name"] == f"{DATASET}@{version(8)}"


def test_the_same_is_found_in_the_files(lb, filled):
    by_file = lb("check", "--json", *filled.iterdir()).json["versions"]
    by_node = [
        lb("check", "--json", f"{DATASET}@{one['version']}").json["versions"][0] for one in by_file
    ]
    assert [codes(one) for one in by_node] == [codes(one) for one in by_file]
    assert [one["status"] for one in by_node] == [one["status"] for one in by_file]


def test_what_nobody_looked_into_is_unknown(lb, filled):
    build(filled, 9)
    lb("backfill", "--no-observe", "--p2", filled)
    done = lb("check")
    assert done.code == 0
    assert done.out == f"{DATASET}@{version(9)}: unknown: nobody looked into it\n"
    (one,) = lb("check", "--json").json["versions"]
    assert (one["status"], one["checks"]) == ("unknown", [])


def test_what_is_asked_wrongly_says_so(lb, filled):
    assert "No node `nothing` is known" in lb("check", "nothing").err
    both = lb("check", DATASET, filled / "training_dataset_20260407_235500.parquet")
    assert both.code == 2
    assert f"{DATASET!r} is no file" in both.err
    assert lb("check", "--footer").code == 2
    assert lb("check", "--at", "2026-04-08T12:00:00Z", "a.parquet").code == 2


def test_the_collector_shows_what_was_found_as_a_marquez_does(lb, filled, tmp_path):
    with (
        Journal(tmp_path / "home") as journal,
        CollectorServer(journal, port=0) as collector,
    ):
        path = f"/api/v1/namespaces/default/datasets/{DATASET}"
        shown = httpx.get(f"{collector.url}{path}").json()["facets"]
    asserted = {one["assertion"]: one for one in shown["dataQualityAssertions"]["assertions"]}
    assert asserted.keys() >= {"freshness", "columns", "columns_dropped", "nulls"}
    assert asserted["columns"]["success"] is True
    assert shown["lineageBridge_validation"]["passed"] == len(asserted) - 1
