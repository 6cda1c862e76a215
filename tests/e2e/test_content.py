"""What is in datasets, looked into after a backfill: what is told, and what is not told twice."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import HANG_SECONDS
from datasets import dataset, write

from lineage_bridge.facets import problem_of
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.ingest.observing import Observed, observe
from lineage_bridge.journal import Journal
from lineage_bridge.observe.content import judging
from lineage_bridge.settings import Settings

pytestmark = pytest.mark.slow  # `make test` runs the samples

JOB = "observe.features.mobility.training_dataset"


def findings(home: Path) -> dict[str, dict]:
    """The facets of the newest findings, by version, and how many there ever were in all."""
    found = {}
    for stored in told(home):
        (read,) = stored["inputs"]
        found[read["facets"]["version"]["datasetVersion"]] = read["facets"][ValidationFacet.key]
    return found


def told(home: Path) -> list[dict]:
    with Journal(home, readonly=True) as journal:
        events = [json.loads(stored.body) for stored in journal.read(limit=10_000)]
    return [event for event in events if event["job"]["name"] == JOB]


def failed(facet: dict) -> set[str]:
    return {one["code"] for one in facet["checks"] if one["status"] == "failed"}


@pytest.fixture
def p2(tmp_path) -> Path:
    folder = tmp_path / "p2"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


def build(folder: Path, day: int, **changed: object) -> Path:
    """Build a version with the three days up to a day of April 2026, some columns changed."""
    start = datetime(2026, 4, day - 2)  # noqa: DTZ001
    columns = dataset(stations=2, start=start, slots=288, seed=day)
    columns |= {name: change(columns) for name, change in changed.items()}
    return write(folder, columns, stamp=f"202604{day:02}_235500")


@pytest.mark.sample
def test_each_version_has_a_finding_on_its_own_event(lb, p2, home):
    build(p2, 6)
    build(p2, 7, ft_capacity=lambda c: [None] * len(c["ft_capacity"]))
    done = lb("backfill", "--json", "--p2", p2).json
    assert done["observed"] == {"read": {"dataset": 2}, "events": {"validation": 2}}
    first, second = told(home)
    assert first["eventTime"] == "2026-04-06T23:55:00.001000Z"
    assert not first["outputs"]
    found = findings(home)
    assert found["2026-04-06T23:55:00Z"]["status"] == "passed"
    assert {"nulls"} <= failed(found["2026-04-07T23:55:00Z"])
    assertions = second["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    by_code = {one["assertion"]: one for one in assertions}
    assert by_code["nulls"]["success"] is False
    assert by_code["nulls"]["column"] == "ft_capacity"
    assert by_code["freshness"]["success"] is True  # the build's own


@pytest.mark.sample
def test_what_has_not_changed_is_not_opened_again(lb, p2, home, monkeypatch):
    build(p2, 6)
    assert lb("backfill", "--p2", p2).code == 0
    monkeypatch.setattr("lineage_bridge.adapters.files.open_file", None)
    again = lb("backfill", "--json", "--p2", p2).json
    assert again["events"] == 0
    assert again["observed"] == {"read": {}, "events": {}}


@pytest.mark.parametrize("order", [(6, 7, 8), (8, 7, 6), (7, 8, 6)])
def test_in_whatever_order_versions_turn_up_they_are_found_alike(order, lb, p2, home, tmp_path):
    def nulls(columns):
        return [None if row % 3 == 0 else 1.0 for row in range(len(columns["ft_capacity"]))]

    files = {
        day: build(p2, day, **({"ft_capacity": nulls} if day == 7 else {})) for day in (6, 7, 8)
    }
    later = tmp_path / "later"
    later.mkdir()
    for day in order:
        shutil.copy2(files[day], later)
        assert lb("backfill", "--p2", later).code == 0
    one_by_one = findings(home)
    assert lb("backfill", "--home", tmp_path / "other", "--p2", p2).code == 0
    assert one_by_one == findings(tmp_path / "other")
    assert one_by_one["2026-04-08T23:55:00Z"]["versionsBefore"] == 2


@pytest.mark.sample
def test_a_new_version_is_judged_alone(lb, p2, home):
    for day in (5, 6, 7):
        build(p2, day)
    lb("backfill", "--p2", p2)
    build(p2, 8)
    done = lb("backfill", "--json", "--p2", p2).json["observed"]
    assert done == {"read": {"dataset": 1}, "events": {"validation": 1}}
    assert findings(home)["2026-04-08T23:55:00Z"]["versionsBefore"] == 3


def test_judged_one_by_one_from_what_is_kept_it_comes_out_as_at_once(lb, p2, home, tmp_path):
    for day in range(4, 11):  # three that jump are the new normal, and a column is lost for a while
        far = {"ft_capacity": lambda c: [9.0 + n % 7 for n in range(len(c["obs_ts"]))]}
        path = build(p2, day, **(far if day in {7, 8, 9} else {}))
        if day in {5, 6}:
            pq.write_table(pq.read_table(path).drop_columns(["ft_bikes_delta_60m"]), path)
    lb("backfill", "--home", tmp_path / "whole", "--p2", p2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "PASS_SECONDS", 0.0)
        lb("backfill", "--p2", p2)
    assert told(home) == told(tmp_path / "whole")
    jumped = [day for day, facet in findings(home).items() if "jump" in failed(facet)]
    assert len(jumped) == 4  # and what was normal before is none any more


@pytest.mark.sample
def test_another_policy_supersedes_what_it_changes_and_nothing_else(lb, p2, home, tmp_path):
    for day in (6, 7):
        build(p2, day)
    lb("backfill", "--p2", p2)
    config = tmp_path / "lineage-bridge.toml"
    config.write_text('[checks."features.*"]\nrows_least = 100000\n')
    done = lb("backfill", "--json", "--p2", p2).json["observed"]
    assert done == {"read": {}, "events": {"validation": 2}}
    assert all(facet["status"] == "error" for facet in findings(home).values())
    config.write_text('[checks."features.*"]\nrows_least = 1\n')
    lb("backfill", "--p2", p2)
    assert all(facet["status"] == "passed" for facet in findings(home).values())
    lb("backfill", "--p2", p2)
    assert len(told(home)) == 6


@pytest.mark.sample
def test_a_home_that_knows_fewer_versions_leaves_the_finding_as_it_is(lb, p2, tmp_path):
    for day in (5, 6, 7):
        last = build(p2, day)
    full, part = tmp_path / "full", tmp_path / "part"
    lb("backfill", "--home", full, "--p2", p2)
    assert lb("journal", "export", "--home", full, tmp_path / "events.ndjson").code == 0
    for file in p2.iterdir():
        if file != last:
            file.unlink()
    assert lb("journal", "import", "--home", part, tmp_path / "events.ndjson").code == 0
    done = lb("backfill", "--json", "--home", part, "--p2", p2).json
    assert done["observed"] == {"read": {"dataset": 1}, "events": {}}
    assert findings(part) == findings(full)


@pytest.mark.sample
def test_what_was_told_and_not_noted_is_not_told_again(lb, p2, home):
    for day in (6, 7):
        build(p2, day)
    lb("backfill", "--p2", p2)
    before = told(home)
    with Journal(home) as journal, journal.transaction() as tx:
        tx.connection.execute("DELETE FROM content_findings")
        tx.connection.execute("DELETE FROM ingest_facts WHERE key = 'observed content'")
    assert lb("backfill", "--json", "--p2", p2).json["observed"] == {"read": {}, "events": {}}
    assert told(home) == before


@pytest.mark.sample
def test_several_that_look_at_the_same_time_find_what_one_finds(lb, p2, home, tmp_path):
    for day in range(4, 9):
        build(p2, day)
    lb("backfill", "--home", tmp_path / "alone", "--p2", p2)
    lb("backfill", "--no-observe", "--p2", p2)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(3) as several:
        patch.setattr(judging, "PASS_SECONDS", 0.0)  # so that they take turns
        looks = [several.submit(look, home) for _ in range(3)]
        events = sum(one.result(timeout=HANG_SECONDS).events["validation"] for one in looks)
    assert events == 5
    assert told(home) == told(tmp_path / "alone")


def look(home: Path) -> Observed:
    with Journal(home) as journal:
        return observe(journal, Settings(home=home), now=datetime.now(UTC))


@pytest.mark.parametrize("knows_more_first", [True, False])
def test_of_what_two_homes_found_that_of_the_one_that_knew_more_stands(
    knows_more_first, lb, p2, tmp_path, monkeypatch
):
    for day in (5, 6, 7):
        last = build(p2, day)
    (tmp_path / "one").mkdir()
    shutil.copy2(last, tmp_path / "one")
    more, less = tmp_path / "more", tmp_path / "less"
    lb("backfill", "--home", more, "--p2", p2)
    lb("backfill", "--home", less, "--p2", tmp_path / "one")
    assert findings(more) != findings(less)
    source, target = (more, less) if knows_more_first else (less, more)
    lb("journal", "export", "--home", source, tmp_path / "events.ndjson")
    lb("journal", "import", "--home", target, tmp_path / "events.ndjson")
    lb("backfill", "--home", target, "--p2", tmp_path / "one")
    lb("backfill", "--home", target, "--p2", tmp_path / "one")
    name = "features.mobility.training_dataset@2026-04-07T23:55:00Z"
    now = lb("check", "--json", "--home", target, name).json
    assert now == lb("check", "--json", "--home", more, name).json
    taken_back = [event for event in told(target) if event["eventType"] == "OTHER"]
    assert len(taken_back) == 1
    monkeypatch.setattr("lineage_bridge.adapters.files.open_file", None)
    assert lb("backfill", "--home", target, "--p2", tmp_path / "one").code == 0


@pytest.mark.sample
def test_nothing_is_looked_into_where_nobody_wants_it(lb, p2, home):
    build(p2, 6)
    done = lb("backfill", "--json", "--no-observe", "--p2", p2).json
    assert "observed" not in done
    assert not told(home)


@pytest.mark.sample
def test_a_dry_run_shows_what_would_be_found(lb, p2, home):
    build(p2, 6)
    events = lb("backfill", "--dry-run", "--json", "--p2", p2).json
    assert JOB in {event["job"]["name"] for event in events}
    assert not home.exists()


def cut_rows(path):
    """Replace the rows by zeros, and leave the footer as it is."""
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[:4] + bytes(len(content) - footer - 4) + content[-footer:])


def test_rows_that_cannot_be_read_are_a_finding_and_are_read_once_they_can(lb, p2, home):
    path = build(p2, 6)
    sound = path.read_bytes()
    cut_rows(path)
    assert lb("backfill", "--p2", p2).code == 0
    facet = findings(home)["2026-04-06T23:55:00Z"]
    assert failed(facet) == {"readable"}
    assert facet["status"] == "error"
    path.write_bytes(sound)
    assert lb("backfill", "--p2", p2).code == 0
    assert findings(home)["2026-04-06T23:55:00Z"]["status"] == "passed"


def test_what_is_gone_keeps_its_finding(lb, p2, home):
    path = build(p2, 6)
    lb("backfill", "--p2", p2)
    before = findings(home)
    path.unlink()
    build(p2, 7)
    lb("backfill", "--p2", p2)
    now = findings(home)
    assert now["2026-04-06T23:55:00Z"] == before["2026-04-06T23:55:00Z"]
    assert now["2026-04-07T23:55:00Z"]["versionsBefore"] == 1


def test_thousands_of_columns_end_in_a_finding(lb, p2, home):
    columns = dataset(slots=8)
    rows = len(columns["obs_ts"])
    columns |= {f"ft_more_{number}": [None] * rows for number in range(2_000)}
    write(p2, columns, stamp="20260406_235500")
    assert lb("backfill", "--p2", p2).code == 0
    facet = findings(home)["2026-04-06T23:55:00Z"]
    assert "columns" in failed(facet)
    assert max(len(one.get("columns", ())) for one in facet["checks"]) == 50


def test_a_link_in_place_of_a_file_is_not_followed(lb, p2, home, tmp_path):
    path = build(p2, 6)
    lb("backfill", "--no-observe", "--p2", p2)
    elsewhere = tmp_path / "elsewhere.parquet"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    lb("backfill", "--p2", p2)
    assert not told(home)


def test_pruning_forgets_the_rows_of_what_went_and_changes_no_finding_to_come(lb, p2, tmp_path):
    start = datetime(2026, 4, 1)  # noqa: DTZ001
    days = [start + timedelta(days=n) for n in range(27)]
    for n, day in enumerate(days):
        columns = dataset(stations=2, slots=96, start=day, seed=n)
        write(p2, columns, stamp=f"{day:%Y%m%d}_235500")
    last = p2 / f"training_dataset_{days[-1]:%Y%m%d}_235500.parquet"
    kept_back = last.rename(tmp_path / last.name)
    pruned, whole = tmp_path / "pruned", tmp_path / "whole"
    lb("backfill", "--home", pruned, "--p2", p2)
    shutil.copytree(pruned, whole)

    done = lb("journal", "prune", "--older-than", "0m", "--home", pruned, "--json").json
    assert 0 < done["profiles"] < 26
    again = lb("journal", "prune", "--older-than", "0m", "--home", pruned, "--json").json
    assert again["profiles"] == 0

    kept_back.rename(last)
    for home in (pruned, whole):
        observed = lb("backfill", "--json", "--home", home, "--p2", p2).json["observed"]
        assert observed == {"read": {"dataset": 1}, "events": {"validation": 1}}
    newest = f"{days[-1]:%Y-%m-%d}T23:55:00Z"
    assert findings(pruned)[newest] == findings(whole)[newest]


def test_a_dataset_that_gets_another_name_takes_its_findings_along(lb, p2, home, tmp_path):
    build(p2, 6)
    lb("backfill", "--p2", p2)
    alias = '[aliases.datasets]\ntraining_dataset = "features.city.sets"\n'
    (tmp_path / "lineage-bridge.toml").write_text(alias)
    lb("backfill", "--p2", p2)
    (one,) = lb("check", "--json").json["versions"]
    assert one["name"] == "features.city.sets@2026-04-06T23:55:00Z"
    (tmp_path / "lineage-bridge.toml").unlink()
    lb("backfill", "--p2", p2)
    (one,) = lb("check", "--json").json["versions"]
    assert one["name"] == "features.mobility.training_dataset@2026-04-06T23:55:00Z"
    assert lb("backfill", "--json", "--p2", p2).json["observed"]["events"] == {}


ODD = {
    "at the end of time": {"built_at": "9999-12-31T23:59:59.999999Z", "row_count": 5},
    "at its beginning": {"built_at": "0001-01-01T00:00:00Z", "row_count": -5},
    "without a time": {"row_count": 0},
    "with odd names": {"dataset_name": "../x\0 y", "dataset_version": "v1/..", "row_count": 2**53},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_metadata_of_any_kind_ends_in_a_finding_that_can_be_read(odd, lb, home, tmp_path):
    document = {"dataset_name": "odd", "dataset_version": "v1"} | odd
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd.json").write_text(json.dumps(document))
    assert lb("backfill", "--p6", tmp_path / "in").code == 0
    with Journal(home, readonly=True) as journal:
        events = [json.loads(stored.body) for stored in journal.read()]
    (finding,) = (event for event in events if event["job"]["name"].startswith("observe."))
    facet = finding["inputs"][0]["facets"][ValidationFacet.key]
    assert problem_of(ValidationFacet.key, json.dumps(facet)) is None
    assert facet["passed"] + facet["skipped"] + facet["errors"] == len(facet["checks"])


# Of the rows of these files zeros are left, so that they can be read is not asked.
TRUTH = """
[checks."features.*"]
severity = { readable = "off" }
"""


def test_what_is_wrong_with_the_builds_of_the_city_is_found(nyc, lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text(TRUTH)
    assert lb("backfill", "--p2", nyc / "p2").code == 0
    builds = json.loads((nyc / "keys" / "builds.json").read_text())
    wrong = {}
    for key, stem in ((build, built["dataset_name"]) for build, built in builds.items()):
        version = stem.removeprefix("training_dataset_")
        (one,) = lb("check", "--json", f"features.mobility.training_dataset@{version}").json[
            "versions"
        ]
        bad = {check["check"] for check in one["checks"] if check["status"] == "failed"}
        wrong[key] = one["status"], bad
    assert wrong["base3d"] == wrong["week"] == ("passed", set())
    assert {key: found for key, found in wrong.items() if found[1]} == {
        "rebuild": ("warn", {"same_rows"}),
        "missing": ("warn", {"fill", "entities_lost", "few_nulls"}),
        "tz": ("error", {"zone"}),
        "addcol": ("error", {"columns", "columns_added", "few_nulls", "time_back"}),
    }
