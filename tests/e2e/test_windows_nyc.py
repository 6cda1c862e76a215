"""The real fleet: what is found, how soon, and that nothing is lost or counted twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from windows import findings, ingest, starts_of

from lineage_bridge.assess.liveness import Start, health_at
from lineage_bridge.facets import read_facet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.observe.serving import observer
from lineage_bridge.times import parse_time


@pytest.fixture(scope="module")
def fleet(nyc):
    return nyc / "p5"


@pytest.fixture(scope="module")
def home(fleet, tmp_path_factory):
    home = tmp_path_factory.mktemp("fleet")
    with Journal(home) as journal:
        ingest(journal, fleet, starts=starts_of(fleet))
    return home


@pytest.fixture(scope="module")
def found(home):
    with Journal(home) as journal:
        return findings(journal)


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2026, 4, 7, int(hour), int(minute), tzinfo=UTC)


def of(found, deployment):
    return [facts for facts in found if facts["deployment"] == deployment]


def changes(found, deployment):
    """(time, status, codes) whenever they are others than before."""
    told = []
    for facts in of(found, deployment):
        said = (facts["status"], sorted({reason["code"] for reason in facts["reasons"]}))
        if not told or told[-1][1:] != said:
            told.append((facts["time"], *said))
    return told


# deployment, status, reason, first bad minute, minutes from its start until it was found
FOUND = [
    ("dep-nyc-prod-slow", "degraded", "latency_p95_ms", "09:01", 1.5),
    ("dep-nyc-prod-errors", "degraded", "failure_ratio", "09:15", 2.5),
    ("dep-nyc-prod-rejects", "degraded", "rejection_ratio", "09:20", 4.5),
    ("dep-nyc-canary-nan", "degraded", "prediction_non_finite_ratio", "10:10", 2.5),
    ("dep-nyc-prod-burst", "degraded", "failure_ratio", "10:15", 1.5),
    ("dep-nyc-prod-burst", "unhealthy", "failure_ratio", "10:15", 2.5),
]


@pytest.mark.parametrize(("deployment", "status", "code", "begin", "minutes"), FOUND)
def test_each_fault_is_found_in_time(found, deployment, status, code, begin, minutes):
    when = next(
        time for time, said, codes in changes(found, deployment) if said == status and code in codes
    )

    delay = when - at(begin)
    assert timedelta(minutes=minutes - 1) < delay <= timedelta(minutes=minutes)
    assert of(found, deployment)[-1]["reasons"] == [] or of(found, deployment)[-1]["reasons"][0][
        "since"
    ].startswith("2026-04-07T")


def test_a_fault_that_passed_is_cleared(found):
    (when, status, _) = changes(found, "dep-nyc-prod-burst")[-1]

    assert status == "healthy"
    assert when - at("10:27") == timedelta(minutes=5.5)


def test_a_gap_is_found_when_it_closes(found):
    told = changes(found, "dep-nyc-prod-gaps")

    assert [(status, codes) for _, status, codes in told] == [
        ("healthy", []),
        ("degraded", ["windows_missing"]),
        ("degraded", ["window_gap_seconds", "windows_missing"]),
    ]
    assert at("10:05") <= told[1][0] < at("10:06")


@pytest.mark.parametrize(
    "deployment",
    [
        *("dep-nyc-prod-001", "dep-nyc-stg-edge", "dep-nyc-prod-minorgaps", "dep-nyc-prod-stale"),
        *("dep-nyc-prod-roll", "dep-nyc-prod-multi", "local", "dep-nyc-shadow-orphan"),
        *("dep-nyc-batch-nodrift", "dep-nyc-batch-bug", "dep-nyc-batch-double"),
    ],
)
def test_all_others_are_healthy_while_they_run(found, deployment):
    assert [status for _, status, _ in changes(found, deployment)] == ["healthy"]


def test_no_deployment_flaps(found):
    for deployment in {facts["deployment"] for facts in found}:
        assert len(changes(found, deployment)) <= 4


@pytest.mark.parametrize(
    ("deployment", "clock", "status", "codes"),
    [
        ("dep-nyc-prod-stale", "08:51", "healthy", []),
        ("dep-nyc-prod-stale", "08:52", "unknown", ["stopped"]),
        ("dep-nyc-batch-bug", "08:00", "idle", ["finished"]),
        ("dep-nyc-prod-idle", "10:40", "idle", ["no_requests_yet"]),
        ("dep-nyc-prod-idle", "10:41", "unknown", ["no_requests_yet"]),
    ],
)
def test_time_alone_makes_stopped_finished_and_idle(found, fleet, deployment, clock, status, codes):
    when = at(clock)
    past = [facts for facts in of(found, deployment) if facts["time"] <= when]
    starts = [
        Start(start.started, start.model, start.version)
        for start in starts_of(fleet)
        if start.slot.deployment == deployment
    ]

    facet = read_facet(ServingHealthFacet, orjson.dumps(past[-1])) if past else None
    health = health_at(facet, when, starts=starts, policy=None)

    assert (health.status, [reason.code for reason in health.reasons]) == (status, codes)


@pytest.mark.slow
def test_a_word_every_quarter_of_an_hour_says_how_a_deployment_is_at_any_minute(
    found, fleet, tmp_path, monkeypatch
):
    monkeypatch.setattr(observer, "HEARTBEAT_US", 0)  # an event for every instant that is judged
    with Journal(tmp_path) as journal:
        ingest(journal, fleet, starts=starts_of(fleet))
        dense = findings(journal)
    assert len(dense) > 8 * len(found)

    for deployment in {facts["deployment"] for facts in found}:
        for half_minute in range(2 * 60 * 5):
            when = at("07:00") + timedelta(minutes=half_minute / 2)
            assert said(found, deployment, when) == said(dense, deployment, when)


def said(found, deployment, when):
    past = [facts for facts in of(found, deployment) if facts["time"] <= when]
    facet = read_facet(ServingHealthFacet, orjson.dumps(past[-1])) if past else None
    health = health_at(facet, when, starts=(), policy=None)
    return health.status, sorted(reason.code for reason in health.reasons)


def test_totals_are_the_sum_over_all_distinct_lines(found, fleet):
    lines = {
        line
        for path in fleet.rglob("metrics_*.jsonl")
        for line in path.read_bytes().splitlines()
        if line.strip()
    }
    expected: dict[str, dict[str, int]] = {}
    for window in map(json.loads, lines):
        sums = expected.setdefault(window["deployment_id"], dict.fromkeys(TOTALS, 0) | {"n": 0})
        sums["n"] += 1
        for name, field in TOTALS.items():
            sums[name] += window[field]

    assert len(lines) == 713
    last = {facts["deployment"]: facts["totals"] for facts in found}
    assert {name: dict(t) | {"n": t["windows"]} for name, t in last.items()} == {
        name: sums | {"windows": sums["n"]} for name, sums in expected.items()
    }


TOTALS = {
    "requests": "request_count",
    "successes": "success_count",
    "failures": "failure_count",
    "rejected": "rejected_count",
    "timeouts": "timeout_count",
    "predictions": "prediction_count",
}


def test_each_activation_is_judged_by_itself(found):
    roll = of(found, "dep-nyc-prod-roll")
    served = list(dict.fromkeys((f["modelVersion"], f["activationStartedAt"]) for f in roll))

    assert [version for version, _ in served] == ["v1", "v5", "v1"]
    assert {t["modelVersion"]: t["requests"] for t in roll[-1]["totalsByVersion"]} == {
        "v1": 203,
        "v5": 103,
    }


def test_findings_come_in_the_order_of_time_and_every_quarter_of_an_hour(found):
    steady = [facts["time"] for facts in of(found, "dep-nyc-prod-001")]

    assert len(steady) == 7  # 90 minutes: the first, five heartbeats, and the end
    for deployment in {facts["deployment"] for facts in found}:
        times = [facts["time"] for facts in of(found, deployment)]
        assert times == sorted(set(times))


def test_nothing_is_known_before_it_could_have_been_known(found):
    for facts in found:
        assert parse_time(facts["evaluatedAt"])[0] == facts["time"]
        assert facts["lastHeartbeat"] <= facts["evaluatedAt"]
