from __future__ import annotations

import msgspec
import pytest
from serving import Service, a_window, minute_at

from lineage_bridge.assess.liveness import Start, health_at, is_retired
from lineage_bridge.facets.serving_policy import AppliedPolicy, ServingPolicy


def that_stands(facet):
    policy = AppliedPolicy(stands_seconds=900)
    return msgspec.structs.replace(facet, policy=policy)


def codes(health):
    return [reason.code for reason in health.reasons]


def test_a_start_without_requests_is_idle_and_after_ten_minutes_unknown():
    start = Start(minute_at(0), "m", "v1")

    assert health_at(None, minute_at(10), starts=[start], policy=None).status == "idle"
    later = health_at(None, minute_at(10.1), starts=[start], policy=None)
    assert (later.status, codes(later), later.model_version) == (
        "unknown",
        ["no_requests_yet"],
        "v1",
    )


def test_before_anything_is_known_nothing_is():
    start = Start(minute_at(5), "m", "v1")

    assert codes(health_at(None, minute_at(4), starts=[start], policy=None)) == ["no_evidence"]


def test_a_deployment_whose_instances_all_flushed_is_stopped_two_minutes_later():
    service = Service()
    service.minutes(0, 9)
    service.see(a_window(10, flush=True))

    assert service.later(12).status == "healthy"
    stopped = service.later(13)
    assert (stopped.status, codes(stopped)) == ("unknown", ["stopped"])
    assert stopped.reasons[0].since == service.now


def test_a_restart_within_two_minutes_is_no_stop():
    service = Service()
    service.minutes(0, 9)
    service.see(a_window(10, flush=True))

    assert service.later(14, Start(minute_at(12), "model", "v1")).status == "healthy"


def test_batch_deployments_finish():
    service = Service(environment="batch")
    service.minutes(0, 9)
    service.see(a_window(10, flush=True))

    finished = service.later(20)
    assert (finished.status, codes(finished)) == ("idle", ["finished"])


def test_one_of_two_replicas_flushing_stops_nothing():
    service = Service()
    service.state.instances, service.state.running = [], 0
    service.state.start("pod-a", 0)
    service.state.start("pod-b", 0)
    service.minutes(0, 9)
    service.see(a_window(10, flush=True))
    assert service.later(15).status == "healthy"

    service.see(a_window(11, flush=True))
    assert codes(service.later(15)) == ["stopped"]


def test_an_instance_that_crashed_and_started_again_can_be_stopped():
    service = Service()
    service.minutes(0, 4)
    service.state.start(None, service.at_us)
    service.minutes(5, 9)
    service.see(a_window(10, flush=True))

    assert codes(service.later(15)) == ["stopped"]


def test_without_a_sign_of_life_for_ten_minutes_nothing_is_known():
    service = Service()
    service.minutes(0, 9)

    assert service.later(20).status == "healthy"
    silent = service.later(20.2)
    assert (silent.status, codes(silent)) == ("unknown", ["silent"])
    assert silent.endpoints[0].status == "unknown"


@pytest.mark.parametrize("flush", [True, False])
def test_where_traffic_is_expected_stopped_and_silent_are_unhealthy(flush):
    service = Service(ServingPolicy(expects_traffic=True))
    service.minutes(0, 9)
    service.see(a_window(10, flush=flush))

    assert service.later(30).status == "unhealthy"


def test_what_stopped_or_finished_is_retired_and_what_is_silent_a_day_later():
    def after(minute, *, flush, **options):
        service = Service(**options)
        service.minutes(0, 9)
        service.see(a_window(10, flush=flush))
        return is_retired(service.later(minute))

    assert not after(12, flush=True)
    assert after(13, flush=True)
    assert after(13, flush=True, environment="batch")
    assert not after(60 * 24, flush=False)
    assert after(60 * 24 + 12, flush=False)
    expecting = ServingPolicy(expects_traffic=True)
    assert not after(60 * 48, flush=True, policy=expecting)
    assert not after(60 * 48, flush=False, policy=expecting)


def test_a_start_is_a_sign_of_life():
    service = Service()
    service.minutes(0, 9)

    assert service.later(25, Start(minute_at(20), "model", "v1")).status == "idle"
    assert service.later(31, Start(minute_at(20), "model", "v1")).status == "unknown"


def test_another_model_version_that_started_has_had_no_requests_yet():
    service = Service()
    service.minutes(0, 9, failures=20)

    health = service.later(11, Start(minute_at(10.5), "model", "v2"))
    assert (health.status, codes(health), health.model_version) == (
        "idle",
        ["no_requests_yet"],
        "v2",
    )


def test_starts_after_the_asked_time_are_not_known_yet():
    service = Service()
    service.minutes(0, 9)

    assert service.later(10.5, Start(minute_at(11), "model", "v2")).status == "healthy"


def test_one_endpoint_becomes_idle_by_time_alone():
    service = Service()
    service.see(a_window(0), other=a_window(0))
    service.minutes(1, 9)

    health = service.later(11.5)
    assert health.status == "idle"
    assert {e.endpoint: e.status for e in health.endpoints} == {
        "/other": "idle",
        "/predict": "healthy",
    }


def test_the_policy_travels_with_the_facet():
    policy = ServingPolicy(silent_seconds=60, expects_traffic=True)

    service = Service(policy)
    service.minutes(0, 9)
    assert service.later(12).status == "unhealthy"


def test_until_the_next_word_is_due_the_last_one_stands():
    service = Service()
    service.minutes(0, 9, failures=20)
    heartbeat = that_stands(service.facet)

    assert codes(health_at(heartbeat, minute_at(27), starts=(), policy=None)) == ["failure_ratio"]
    assert codes(health_at(heartbeat, minute_at(27.2), starts=(), policy=None)) == [
        "failure_ratio",
        "silent",
    ]


def test_a_stop_is_seen_though_the_last_word_stands():
    service = Service()
    service.see(a_window(0, flush=True))
    heartbeat = that_stands(service.facet)

    assert codes(health_at(heartbeat, minute_at(3), starts=(), policy=None)) == ["stopped"]


def test_that_the_last_instance_flushed_is_something_to_say_and_that_one_is_alive_again():
    service = Service()
    service.minutes(0, 9)

    def said(window):
        at_us = window.end_us + 5_000_000 - 10_000_000 * window.flush
        return service.state.observe([("/predict", window)], at_us, service.policy)

    assert said(a_window(10, flush=True))
    assert said(a_window(11))
    assert not said(a_window(12))
