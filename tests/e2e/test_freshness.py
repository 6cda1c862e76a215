"""Freshness of what any producer writes, asked as a user asks: the policy, and where it is from."""

from __future__ import annotations

import orjson
import pytest
from builders import (
    MORNING,
    NS,
    a_dataset_event,
    a_facet,
    a_foreign_event,
    a_journal,
    a_run_id,
    as_event,
    at,
)
from conftest import run_command
from platform_events import SLOT, a_build, a_platform, a_start, a_training

from lineage_bridge.times import format_time, parse_time

HOUR, DAY = 60, 24 * 60  # in minutes of `at`


def a_write(dataset, minute, *, job="etl", **members):
    """A run of anybody's job that wrote a dataset and says nothing else."""
    run = {"runId": a_run_id(f"{job}/{minute}")}
    return a_foreign_event(job, minute, outputs=[dataset], run=run, **members)


def a_stream(minute, *, job, reads=(), writes=(), state="RUNNING"):
    return a_foreign_event(
        job, minute, state=state, inputs=reads, outputs=writes, is_streaming=True
    )


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask for the freshness of datasets in a home with these events, at a minute."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(events, minute, *args, toml=""):
        path = tmp_path / "lineage-bridge.toml"
        path.write_text(toml, encoding="utf-8")
        with a_journal(tmp_path / "home", events):
            pass
        when = ("--at", format_time(at(minute)))
        options = ("--home", tmp_path / "home", "--config", path, *when)
        return run_command("freshness", *args, *options)

    return run


def by_name(result):
    return {one["name"]: one for one in result.json["datasets"]}


def test_a_dataset_of_any_producer_is_judged_by_its_own_rhythm(ask):
    builds = [a_write("warehouse.orders", n * DAY) for n in range(5)]
    newest = 4 * DAY
    told = {}
    for minutes in (24 * HOUR, 36 * HOUR - 1, 36 * HOUR, 72 * HOUR - 1, 72 * HOUR):
        result = ask(builds, newest + minutes, "--json")
        found = by_name(result)["warehouse.orders"]
        told[minutes] = found["status"], result.code

    assert list(told.values()) == [
        ("FRESH", 0),
        ("FRESH", 0),
        ("LATE", 0),
        ("LATE", 0),
        ("STALE", 1),
    ]
    assert found["policy"] == {"source": "rhythm", "builds": 5, "gap_seconds": 86_400.0}
    assert (found["warn_seconds"], found["error_seconds"]) == (129_600.0, 259_200.0)
    assert found["build_time"] == format_time(at(newest))
    assert found["next_build"] == format_time(at(newest + DAY))
    assert found["basis"] == "build"
    assert "version" not in found
    shown = ask([], newest + 40 * HOUR).out
    assert "! late" in shown
    assert "rhythm of 5 builds" in shown
    assert "1 d 12 h, 3 d" in shown


def test_the_metrics_have_the_limits_that_were_applied_and_the_next_build(ask, tmp_path):
    assert ask([a_write("orders", n * HOUR) for n in range(4)], 5 * HOUR).code == 0

    options = ("--home", tmp_path / "home", "--at", format_time(at(5 * HOUR)))
    lines = run_command("exporter", "--once", *options).out.splitlines()

    of_orders = '{dataset_name="orders",environment="local"'
    next_build = at(4 * HOUR).timestamp()
    assert {
        f"ml_feature_freshness_seconds{of_orders}}} 7200.0",
        f'ml_dataset_freshness_status{of_orders},status="LATE"}} 1.0',
        f'ml_dataset_age_limit_seconds{of_orders},status="LATE"}} 5400.0',
        f'ml_dataset_age_limit_seconds{of_orders},status="STALE"}} 10800.0',
        f"ml_dataset_next_build_timestamp_seconds{of_orders}}} {next_build}",
    } <= {line.replace(f"{next_build / 1e9}e+09", str(next_build)) for line in lines}


def test_where_nothing_is_known_it_is_late_after_half_an_hour_and_stale_after_an_hour(ask):
    told = [by_name(ask([a_write("t", 0)], n, "--json"))["t"] for n in (29, 30, 59, 60)]

    assert [one["status"] for one in told] == ["FRESH", "LATE", "LATE", "STALE"]
    assert told[0]["policy"] == {"source": "default"}
    assert "next_build" not in told[0]


def test_runs_that_failed_or_go_on_have_written_nothing(ask):
    events = [
        a_write("t", 0),
        a_write("t", 20, state="FAIL"),
        a_write("t", 21, state="ABORT"),
        a_write("t", 22, state="START"),
        a_write("never", 5, state="FAIL"),
    ]
    found = by_name(ask(events, 25, "--json"))

    assert found.keys() == {"t"}
    assert found["t"]["build_time"] == format_time(at(0))


def test_what_a_producer_says_of_the_last_update_counts_for_what_nobody_was_seen_to_write(ask):
    updated = {"rowCount": 5, "lastUpdated": format_time(at(40))}
    table = {
        "namespace": NS,
        "name": "source",
        "facets": {"dataQualityMetrics": a_facet("dataQualityMetrics", updated)},
    }
    found = by_name(ask([a_foreign_event("reader", 50, inputs=[table])], 75, "--json"))

    assert found["source"]["build_time"] == format_time(at(40))
    assert found["source"]["status"] == "LATE"


def test_a_schedule_is_kept_by_the_clocks_of_its_zone(ask):
    toml = '[policies.freshness."orders"]\nexpects = "30 2 * * * Europe/Berlin"\n'
    # Built at 02:40 in Berlin on the day before the clocks jump to 03:00.
    night = "2026-03-28T01:40:00Z"
    event = a_foreign_event("etl", outputs=["orders"], eventTime=night)

    def minute_of(time):
        return (parse_time(time).instant - MORNING).total_seconds() / 60

    def told(time):
        return by_name(ask([event], minute_of(time), "--json", toml=toml))["orders"]

    first = told("2026-03-29T00:59:00Z")
    assert first["next_build"] == "2026-03-29T01:00:00Z"  # 02:30 is skipped
    assert first["policy"]["source"] == "cron"
    assert first["policy"]["expects"] == "30 2 * * * Europe/Berlin"
    assert first["policy"]["key"] == 'policies.freshness."orders"'
    times = ("29T01:29", "29T01:30", "30T00:59", "30T01:00")
    statuses = [told(f"2026-03-{time}:00Z")["status"] for time in times]
    assert statuses == ["FRESH", "LATE", "LATE", "STALE"]
    assert "cron 30 2 * * *" in ask([], minute_of("2026-03-29T12:00:00Z"), toml=toml).out


@pytest.mark.parametrize(
    ("key", "source"),
    [("orders", "declared"), ("ns:orders", "declared"), ("other:orders", "default")],
)
def test_ages_are_declared_for_a_dataset_by_its_name_or_with_its_namespace(ask, key, source):
    toml = f'[policies.freshness."{key}"]\nwarn_seconds = 6000\n'
    found = by_name(ask([a_write("orders", 0)], 100, "--json", toml=toml))["orders"]

    assert found["policy"]["source"] == source
    assert found["status"] == ("LATE" if source == "declared" else "STALE")


def test_a_dataset_that_is_expected_and_was_never_written_is_unknown(ask):
    toml = '[policies.freshness."source"]\nexpects = "0 * * * *"\n'
    found = by_name(ask([a_foreign_event(inputs=["source"])], 9, "--json", toml=toml))

    assert found["source"]["status"] == "UNKNOWN"
    assert found["source"]["policy"]["source"] == "cron"


def test_a_model_is_judged_only_where_somebody_expects_something_of_it(ask):
    trainings = [e for n in range(5) for e in a_training(n * DAY, version=f"v{n}", started=None)]
    assert by_name(ask(trainings, 9 * DAY, "--json")) == {}

    toml = '[policies.freshness."models.default"]\nwarn_seconds = 60\n'
    assert by_name(ask([], 9 * DAY, "--json", toml=toml))["models.default"]["status"] == "STALE"


SLA = """\
name: station_demand_15m
version: v1
source_tables: [station_activity_15m]
ttl: 30d
freshness_sla: {sla}
feature_schema:
  - {{name: demand, dtype: float}}
"""


@pytest.mark.parametrize(
    ("sla", "minutes"), [("30m", 30), ("2h", 120), ("1d", DAY), ("90s", 1.5), ('"15m"', 15)]
)
def test_the_sla_of_a_feature_view_counts_for_its_datasets(ask, tmp_path, sla, minutes):
    views = tmp_path / "registry" / "feature_views"
    views.mkdir(parents=True)
    (views / "demand.yaml").write_text(SLA.format(sla=sla))
    (views / "sources.yml").write_text("tables: [station_activity_15m]\n")
    names = (
        "features.station_demand_15m.offline",
        "data/online_snapshots/station_demand_15m_latest.parquet",
    )
    toml = '[policies]\nfeature_views = ["registry"]\n'
    events = [a_write(name, 0, job=name) for name in (*names, "station_demand")]

    for minute, status in ((minutes - 0.01, "FRESH"), (minutes, "LATE"), (minutes * 2, "STALE")):
        found = by_name(ask(events, minute, "--json", toml=toml))
        assert {found[name]["status"] for name in names} == {status}
    policy = found[names[0]]["policy"]
    assert policy["source"] == "freshness_sla"
    assert policy["key"].endswith("registry/feature_views/demand.yaml")
    assert found["station_demand"]["policy"]["source"] == "default"


def test_the_age_of_predictions_is_that_of_what_is_read_live_for_them(ask):
    table = "duckdb:table"
    loads = [a_write(table, n * HOUR, job="load") for n in range(4)]
    serving = a_stream(10, job="serve", reads=[table], writes=["answers"])
    onwards = a_stream(11, job="join", reads=["answers", "static"], writes=["joined"])
    newest = 3 * HOUR
    events = [*loads, serving, onwards, a_write("static", 5, job="once")]

    found = by_name(ask(events, newest + 90, "--json"))

    of_answers = found["answers"]
    assert of_answers["status"] == "LATE"
    assert of_answers["basis"] == "effective"
    assert of_answers["effective_age_seconds"] == 90 * 60
    assert of_answers["live_source"] == f"dataset:{NS}:{table}"
    assert of_answers["policy"]["of"] == f"dataset:{NS}:{table}"
    assert of_answers["policy"]["source"] == "rhythm"
    assert "build_time" not in of_answers
    # What nothing is known of is held to the half hour: it is worse than what is only late.
    assert found["joined"]["live_source"] == f"dataset:{NS}:static"
    assert found["joined"]["status"] == "STALE"
    assert "live data" in ask([], newest + 90).out

    toml = '[policies.freshness."answers"]\nerror_seconds = 900\n'
    own = by_name(ask([], newest + 14, "--json", toml=toml))["answers"]
    assert (own["status"], own["policy"]["source"]) == ("LATE", "declared")
    ended = a_stream(newest + 20, job="serve", reads=[table], writes=["answers"], state="COMPLETE")
    over = by_name(ask([ended], newest + 25, "--json"))["answers"]
    assert over["basis"] == "build"
    assert over["build_time"] == format_time(at(newest + 20))


def test_of_several_links_the_worst_by_what_is_expected_of_it_decides_or_the_oldest(ask):
    daily = [a_write("daily", n * DAY, job="d") for n in range(4)]
    often = [a_write("often", 3 * DAY + n, job="o") for n in range(4)]
    both = a_stream(5, job="serve", reads=["daily", "often"], writes=["answers"])
    minute = 3 * DAY + 2 * HOUR

    by_links = by_name(ask([*daily, *often, both], minute, "--json"))["answers"]
    assert (by_links["live_source"], by_links["status"]) == (f"dataset:{NS}:often", "STALE")
    assert by_links["policy"]["gap_seconds"] == 60

    toml = '[policies.freshness."answers"]\nwarn_seconds = 7200\n'
    own = by_name(ask([], minute, "--json", toml=toml))["answers"]
    assert (own["live_source"], own["status"]) == (f"dataset:{NS}:daily", "LATE")
    assert own["effective_age_seconds"] == 7200


def test_a_table_that_only_builds_are_seen_of_is_as_old_as_the_newest_data_in_them(ask):
    builds = [event for n in range(4) for event in a_build(n * HOUR, version=f"v{n}")]
    live = a_stream(5, job="serve", reads=["main.trips"], writes=["answers"])

    found = by_name(ask([*builds, live], 3 * HOUR + 20, "--json"))

    # A build at this minute has data up to ten minutes before.
    assert found["answers"]["effective_time"] == format_time(at(3 * HOUR - 10))
    assert found["answers"]["status"] == "FRESH"
    assert found["answers"]["policy"]["gap_seconds"] == 3600
    assert "main.trips" not in found


def test_a_circle_of_live_jobs_ends(ask):
    events = [
        a_stream(0, job="there", reads=["a"], writes=["b"]),
        a_stream(0, job="back", reads=["b", "t"], writes=["a"]),
        a_write("t", 0),
    ]
    found = by_name(ask(events, 5, "--json"))

    assert {found[name]["effective_age_seconds"] for name in ("a", "b")} == {300}


def test_what_a_deployment_answers_is_not_judged_by_when_it_was_started(ask):
    loose = {"namespace": NS, "name": SLOT.predictions}
    members = {**orjson.loads(a_start(100).body), "eventType": "COMPLETE", "outputs": [loose]}
    members["eventTime"] = at(130).isoformat()
    del members["run"]["facets"]["lineageBridge_event"]  # told by somebody else
    end = as_event(members)
    found = by_name(ask([*a_platform(), end], 9 * DAY, "--json"))

    assert SLOT.predictions not in found


def test_versions_that_streams_and_dataset_events_name_are_builds(ask):
    def version(n):
        facets = {"version": a_facet("version", {"datasetVersion": f"{n}"})}
        return {"namespace": NS, "name": "lake.events", "facets": facets}

    events = [a_stream(n * HOUR, job="ingest", writes=[version(n)]) for n in range(4)]
    events += [a_dataset_event(f"mirror@{n}", n * HOUR) for n in range(4)]
    found = by_name(ask(events, 4 * HOUR, "--json"))

    for name in ("lake.events", "mirror"):
        assert (found[name]["version"], found[name]["status"]) == ("3", "FRESH")
        expected = {"source": "rhythm", "builds": 4, "gap_seconds": 3600.0}
        assert found[name]["policy"] == expected


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[policies.freshness.x]\nexpect = "0 2 * * *"', "`policies.freshness.x.expect` in"),
        ('[policies.freshness.x]\nexpects = "0 2 * *"', "policies.freshness.x.expects` in"),
        ('[policies.freshness.x]\nexpects = "0 2 * * * Mars/Base"', "no time zone"),
        ('[policies.freshness.x]\nexpects = "0 0 30 2 *"', "day-of-month"),
        ("[policies.freshness.x]\nexpects = 5", "policies.freshness.x.expects"),
        ("[policies.freshness.x]\nwarn_seconds = 0", "policies.freshness.x.warn_seconds"),
        ("[policies.freshness.x]\nerror_seconds = inf", "policies.freshness.x.error_seconds"),
        ("[policies.freshness.x]\nwarn_seconds = 2\nerror_seconds = 1", "nothing would be LATE"),
        ("[policies]\nfeature_views = 5", "policies.feature_views"),
        ('[policies]\nfeature_views = ["gone.yaml"]', "gone.yaml"),
        ('[policies]\nfeature_views = ["no_sla.yaml"]', "no_sla.yaml` has no key `freshness_sla`"),
        ('[policies]\nfeature_views = ["broken.yaml"]', "broken.yaml` is no YAML"),
        ('[policies]\nfeature_views = ["odd.yaml"]', "`freshness_sla` of the feature view `v` in"),
        ('[policies]\nfeature_views = ["nameless.yaml"]', "`name` of a feature view in"),
        ('[policies]\nfeature_views = ["twice.yaml"]', "keep one of them"),
    ],
)
def test_what_is_wrong_in_the_settings_is_refused_by_key_and_file(ask, tmp_path, toml, said):
    (tmp_path / "no_sla.yaml").write_text("name: v\n")
    (tmp_path / "broken.yaml").write_text("name: [\n")
    (tmp_path / "odd.yaml").write_text("name: v\nfreshness_sla: soon\n")
    (tmp_path / "nameless.yaml").write_text("freshness_sla: 5m\n")
    (tmp_path / "twice.yaml").write_text(
        "[{name: v, freshness_sla: 5m}, {name: v, freshness_sla: 6m}]\n"
    )
    result = ask([a_write("t", 0)], 5, toml=toml)

    assert result.code == 2
    assert said in result.err
    assert str(tmp_path) in result.err
    assert "Traceback" not in result.err
