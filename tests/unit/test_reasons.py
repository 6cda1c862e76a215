"""Statuses and reasons in words: each that the rules can give, and whatever a stranger writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import Service

from lineage_bridge.assess import freshness as aging
from lineage_bridge.assess import reasons as serving_words
from lineage_bridge.assess.faults import rules_of
from lineage_bridge.facets.serving_health import Reason
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.show.reasons import reason_text
from lineage_bridge.show.statuses import status_of, summary


def told_of(**fields):
    return reason_text(Reason(level="degraded", since=datetime(2026, 4, 7, tzinfo=UTC), **fields))


SERVING = [
    serving_words.UNHEALTHY,
    serving_words.DEGRADED,
    serving_words.UNKNOWN,
    serving_words.IDLE,
    serving_words.HEALTHY,
]
FRESHNESS = [aging.STALE, aging.LATE, aging.UNKNOWN, aging.FRESH]
RUNS = ["FAILED", "ABORTED", "RUNNING", "COMPLETED"]


@pytest.mark.parametrize("worst_first", [SERVING, FRESHNESS, RUNS])
def test_each_status_has_a_look_and_a_place(worst_first):
    looks = [status_of(name) for name in worst_first]

    assert [look.word for look in looks] == [name.lower() for name in worst_first]
    assert [look.rank for look in looks] == sorted({look.rank for look in looks})
    assert len({look.symbol for look in looks}) == len(looks), "told apart without a colour"
    assert all(look.symbol.isascii() and len(look.symbol) == 1 for look in looks)
    assert all(look.style and look.tone for look in looks)


def test_a_status_of_a_stranger_is_shown_and_no_better_than_unknown():
    assert status_of("odd\n").word == r"odd\n"
    assert status_of("odd").rank == status_of("unknown").rank


def test_a_summary_counts_the_worst_first():
    names = ["healthy"] * 10 + ["unhealthy"] * 2 + ["idle"] + ["degraded"] * 4

    told = "17 deployments: 2 unhealthy, 4 degraded, 1 idle, 10 healthy"
    assert summary("deployment", names) == told
    assert summary("dataset", ["STALE"]) == "1 dataset: 1 stale"
    assert summary("dataset", []) == "0 datasets"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            {"code": "failure_ratio", "value": 0.8, "threshold": 0.05, "lower": 0.7599},
            "failures 80 % of requests (limit 5 %; surely over 75 %)",
        ),
        (
            {"code": "latency_p99_ms", "value": 1432.42, "threshold": 1000, "lower": 0.75},
            "p99 latency 1,432 ms (limit 1,000 ms; at least 75 % of requests are slower)",
        ),
        (
            {"code": "window_gap_seconds", "value": 540.0, "threshold": 300.0},
            "9 min from window to window (limit 5 min)",
        ),
        (
            {"code": "windows_missing", "value": 8.0, "threshold": 3.0},
            "8 windows missing (limit 3)",
        ),
        ({"code": "stopped", "value": 3600.0, "threshold": 120.0}, "stopped for 1 h"),
        ({"code": "no_evidence"}, "no start and no window was ever seen"),
        ({"code": "silent"}, "silent"),
        ({"code": "new_ratio", "value": 0.2, "threshold": 0.1}, "new_ratio 20 % (limit 10 %)"),
        ({"code": "new", "value": 7}, "new 7"),
        ({"code": "{}\n{0}"}, r"{}\n{0}"),
        ({"code": "\x1b{0}", "value": 5}, r"\x1b{0} 5"),
    ],
)
def test_a_reason_is_told_in_words_and_in_its_unit(reason, text):
    assert told_of(**reason) == text


def test_every_code_of_the_rules_has_words():
    codes = {rule.code for rule in rules_of(ServingPolicy())}
    waiting = {"silent", "stopped", "finished", "no_traffic", "no_requests_yet"}
    for code in codes | waiting | {"windows_missing", "window_gap_seconds"}:
        told = told_of(code=code, value=0.5, threshold=0.1)
        assert "_" not in told
        assert not told.startswith(f"{code} 0.5")


def test_what_a_service_does_is_told():
    service = Service()
    service.minutes(0, 9, failures=10)

    told = [reason_text(reason) for reason in service.facet.reasons]
    assert told == ["failures 50 % of requests (limit 25 %; surely over 43 %)"]


numbers = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.text(), numbers, numbers, numbers)
def test_whatever_a_stranger_writes_is_shown_in_one_line(code, value, threshold, lower):
    assert told_of(code=code, value=value, threshold=threshold, lower=lower).isprintable()
