from __future__ import annotations

import pytest
from serving import MINUTE_US, ZERO_US, Service, a_window, minute_at

from lineage_bridge.facets.serving_health import Note
from lineage_bridge.facets.serving_policy import ServingPolicy


def test_steady_traffic_without_errors_is_healthy_and_changes_once():
    service = Service()

    assert service.minutes(0, 59) == "healthy"
    assert service.changes == [(0, "healthy")]
    assert service.facet.reasons == ()


def test_three_of_three_failed_is_unhealthy():
    assert Service().see(a_window(0, 3, failures=3)) == "unhealthy"


def test_two_of_two_failed_is_not_enough_and_is_noted():
    service = Service()

    assert service.see(a_window(0, 2, failures=2)) == "healthy"
    note = Note(code="insufficient_requests", endpoint="/predict", value=2)
    assert note in service.facet.notes


def test_one_failure_in_ten_is_healthy_and_a_hundred_in_a_thousand_are_degraded():
    assert Service().see(a_window(0, 10, failures=1)) == "healthy"
    assert Service().see(a_window(0, 1000, failures=100)) == "degraded"


def test_all_requests_failing_is_unhealthy_and_says_how_sure_it_is():
    service = Service()
    service.minutes(0, 9)
    service.minutes(10, 12, failures=20)

    reason = service.reason("failure_ratio")
    assert service.status == reason.level == "unhealthy"
    assert reason.threshold == 0.25
    assert 0.25 < reason.lower < reason.value <= 1
    assert reason.since == minute_at(10)


def test_one_request_in_twenty_minutes_all_failing_is_unhealthy():
    service = Service()
    for minute in range(0, 200, 20):
        service.see(a_window(minute, 1, failures=1))

    assert service.status == "unhealthy"
    assert service.codes == ["failure_ratio"]


def test_a_timeout_counts_as_a_timeout():
    service = Service()
    service.minutes(0, 4, timeouts=10)

    assert service.codes == ["timeout_ratio"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("non_finite", "prediction_non_finite_ratio"),
        ("nulls", "prediction_null_ratio"),
        ("out_of_range", "prediction_out_of_range_ratio"),
        ("fallbacks", "prediction_fallback_ratio"),
        ("rejected", "rejection_ratio"),
    ],
)
def test_each_sort_of_bad_answer_is_a_reason(kind, code):
    service = Service()

    assert service.minutes(0, 4, requests=40, **{kind: 8}) == "degraded"
    assert service.codes == [code]
    assert service.minutes(5, 30, requests=40, **{kind: 39}) == "unhealthy"


def test_all_predictions_being_nan_is_unhealthy():
    assert Service().minutes(0, 4, non_finite=20) == "unhealthy"


def test_exactly_the_limit_is_healthy():
    assert Service().minutes(0, 60, requests=100, failures=5) == "healthy"


def test_a_dead_endpoint_is_named_while_another_is_fine():
    service = Service()
    for minute in range(5):
        service.see(a_window(minute, failures=20), health=a_window(minute))

    assert service.status == "unhealthy"
    assert service.reason("failure_ratio").endpoint == "/predict"
    assert {e.endpoint: e.status for e in service.facet.endpoints} == {
        "/predict": "unhealthy",
        "/health": "healthy",
    }


def test_replicas_add_up():
    service = Service()
    for minute in range(5):
        service.see(a_window(minute, 100, failures=100), a_window(minute, 100))

    ratio = service.facet.endpoints[0].ratios[0]
    assert (ratio.count, ratio.of, ratio.value) == (500, 1000, 0.5)
    assert service.status == "unhealthy"


# Clearing


def test_fifty_nine_bad_minutes_and_one_good_are_unhealthy_and_five_good_ones_healthy():
    service = Service()
    service.minutes(0, 58, failures=20)

    assert service.minutes(59, 59) == "unhealthy"
    assert service.minutes(60, 62) == "unhealthy"
    assert service.minutes(63, 63) == "healthy"


def test_silence_never_clears_a_fault():
    service = Service()
    service.minutes(0, 9, failures=20)

    later = service.later(300)
    assert later.status == "unhealthy"
    assert [r.code for r in later.reasons] == ["failure_ratio", "silent"]


def test_a_few_good_requests_after_a_long_silence_do_not_clear_a_fault():
    service = Service()
    service.minutes(0, 9, failures=20)

    assert service.see(a_window(120, 2)) == "unhealthy"


def test_seldom_traffic_clears_when_its_last_ten_requests_were_good():
    service = Service()
    for minute in range(0, 100, 20):
        service.see(a_window(minute, 1, failures=1))
    assert service.status == "unhealthy"

    for minute in range(100, 400, 20):
        service.see(a_window(minute, 1))
    assert service.status == "healthy"


def test_what_comes_back_soon_is_cleared_with_more_patience():
    service = Service()
    service.minutes(0, 9, failures=10)
    service.minutes(10, 15)
    assert service.status == "healthy"

    service.minutes(16, 18, failures=10)
    assert service.status != "healthy"
    service.minutes(19, 40)
    assert service.status != "healthy"  # five good minutes are not enough this time
    service.minutes(41, 70)
    assert service.status == "healthy"


def test_a_service_that_gets_less_bad_is_degraded_and_no_longer_unhealthy():
    service = Service()
    service.minutes(0, 19, requests=100, failures=60)
    assert service.status == "unhealthy"

    assert service.minutes(20, 60, requests=100, failures=12) == "degraded"


def test_since_stays_while_a_fault_lasts():
    service = Service()
    service.minutes(0, 9)
    service.minutes(10, 90, failures=4)

    assert service.reason("failure_ratio").since == minute_at(10)


# Latency


def test_percentiles_prove_how_many_were_slow():
    from lineage_bridge.assess.bounds import possibly_slow, proven_slow

    assert proven_slow(300, 20, 600, 700, 500) == 16
    assert proven_slow(300, 600, 600, 700, 500) == 151
    assert proven_slow(4, 20, 20, 600, 500) == 1
    assert proven_slow(0, 600, 600, 600, 500) == 0
    assert possibly_slow(300, 20, 30, 40, 500) == 3
    assert possibly_slow(300, 20, 30, 600, 500) == 15
    assert possibly_slow(300, 20, 600, 600, 500) == 150


def test_thirty_percent_slow_of_many_requests_is_degraded_within_five_minutes():
    service = Service()
    service.minutes(0, 19, requests=300)

    assert service.minutes(20, 24, requests=300, p95=700, p99=900) == "degraded"
    reason = service.reason("latency_p95_ms")
    assert (reason.value, reason.threshold) == (700, 500)
    assert reason.since == minute_at(20)


def test_one_slow_request_is_no_fault():
    service = Service()
    service.minutes(0, 19, requests=6)
    service.see(a_window(20, 6, p95=5000, p99=5000))

    assert service.status == "healthy"


def test_slow_is_unhealthy_only_when_most_requests_surely_were():
    service = Service()
    service.minutes(0, 19)
    assert service.minutes(20, 40, p95=5000, p99=5000) == "degraded"
    assert service.minutes(41, 60, p50=1500, p95=5000, p99=5000) == "unhealthy"
    assert service.minutes(61, 90) == "healthy"


def test_all_of_many_requests_being_slow_is_unhealthy():
    service = Service()
    service.minutes(0, 19, requests=3000)

    assert service.minutes(20, 24, 3000, p50=1500, p95=1600, p99=1700) == "unhealthy"


# Gaps


def test_a_gap_is_judged_when_it_closes_and_forgotten_when_it_leaves_the_look_back():
    service = Service()
    service.minutes(0, 19)
    service.see(a_window(28))

    assert service.status == "degraded"
    assert service.codes == ["window_gap_seconds", "windows_missing"]
    assert service.reason("windows_missing").value == 8
    assert service.reason("window_gap_seconds").value == 540
    assert service.reason("window_gap_seconds").since == minute_at(20)
    assert service.minutes(29, 41) == "degraded"
    assert service.minutes(42, 42) == "healthy"


def test_spacing_of_two_minutes_is_no_gap_and_three_missing_windows_are_tolerated():
    service = Service()
    service.minutes(0, 9)
    service.minutes(11, 19)
    assert service.facet.reasons == ()

    assert service.minutes(23, 23) == "healthy"
    assert service.minutes(26, 26) == "degraded"  # two more: five in the look-back


def test_traffic_in_bursts_shows_no_gap():
    service = Service()
    for hour in range(6):
        service.minutes(hour * 60, hour * 60 + 2, requests=200)

    assert service.codes == []


def test_few_requests_show_no_gap():
    service = Service()
    service.minutes(0, 19, requests=1)

    assert service.see(a_window(27, 1)) == "healthy"


def test_a_window_that_comes_late_fills_a_gap():
    service = Service()
    service.minutes(0, 19)
    service.see(a_window(28))
    assert service.status == "degraded"

    windows = [a_window(minute) for minute in range(20, 28)]
    service.see(*windows, at_us=ZERO_US + 30 * MINUTE_US)
    assert service.status == "healthy"


def test_windows_of_other_lengths_are_no_gaps():
    service = Service()
    for minute in range(0, 60, 5):
        service.see(a_window(minute, length=5))

    assert service.status == "healthy"


# Life


def test_requests_to_no_endpoint_are_idle():
    service = Service()

    assert service.minutes(0, 3, requests=0, p50=0, p95=0, p99=0) == "idle"
    assert service.codes == ["no_traffic"]


def test_an_endpoint_that_is_not_asked_is_idle_while_another_is():
    service = Service()
    service.see(a_window(0), other=a_window(0))
    service.minutes(1, 30)

    assert service.status == "idle"
    assert service.reason("no_traffic").endpoint == "/other"


def test_a_lost_minute_is_noted():
    # The line of minute 0 is written by a request in minute 1, so minute 1 must have a window.
    service = Service()
    service.see(a_window(0))
    service.see(a_window(2))

    assert Note(code="window_lost", endpoint="/predict", value=1) in service.facet.notes


def test_a_restart_explains_a_lost_minute():
    service = Service()
    service.see(a_window(0))
    service.state.start(None, service.at_us + 1)
    service.see(a_window(2))

    assert service.facet.notes == ()


# State


def test_the_state_holds_at_most_25_minutes_whatever_the_traffic():
    service = Service()
    for minute in range(2000):
        service.see(a_window(minute, 1 if minute % 37 else 0))
        assert len(service.state.endpoints["/predict"].lookback.minutes) <= 25


def test_limits_come_from_the_policy():
    strict = ServingPolicy(latency_p95_ms=30)

    assert Service().minutes(0, 9) == "healthy"
    assert Service(strict).minutes(0, 9) == "degraded"


CODES = {
    "failure_ratio",
    "timeout_ratio",
    "rejection_ratio",
    "prediction_non_finite_ratio",
    "prediction_null_ratio",
    "prediction_out_of_range_ratio",
    "prediction_fallback_ratio",
    "latency_p95_ms",
    "latency_p99_ms",
    "windows_missing",
    "window_gap_seconds",
}


def test_each_code_is_asserted_once_whether_it_held_or_not():
    service = Service()
    service.minutes(0, 9)
    assert {code for code, one in service.assertions.items() if one.success} == CODES

    service.minutes(10, 19, failures=4, non_finite=14)
    failed = {code: one for code, one in service.assertions.items() if not one.success}

    assert service.assertions.keys() == CODES
    assert failed.keys() == set(service.codes)
    assert failed["failure_ratio"].severity == "warn"
    assert failed["failure_ratio"].expected == "<= 0.05"
    assert float(failed["failure_ratio"].actual) == pytest.approx(0.2)
    assert failed["prediction_non_finite_ratio"].severity == "error"


def test_an_endpoint_that_is_well_hides_no_other():
    service = Service()
    service.see(a_window(0, 40), score=a_window(0, 40, failures=40))

    assert not service.assertions["failure_ratio"].success


def test_what_nothing_was_counted_of_is_not_asserted():
    silent, failing = Service(), Service()
    silent.see(a_window(0, 0))
    failing.see(a_window(0, 40, failures=40))

    gaps = {"windows_missing", "window_gap_seconds"}
    assert silent.assertions.keys() == gaps
    of_predictions = {code for code in CODES if code.startswith("prediction_")}
    assert failing.assertions.keys() == CODES - of_predictions
