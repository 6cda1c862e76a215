"""Serving health under any traffic: it does not flap, and storing its state changes nothing."""

from __future__ import annotations

import math
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import BAD, Service, a_window

from lineage_bridge.assess.bounds import possibly_slow, proven_slow, wilson_bounds
from lineage_bridge.assess.reasons import Reason, worst_of
from lineage_bridge.assess.serving import DeploymentState

HOURS = 6
FLAPPING_MINUTES = 15


@st.composite
def windows(draw):
    """A minute's window of one of two endpoints, fine or bad in any way; or no window."""
    requests = draw(st.integers(0, 40))
    p50 = draw(st.sampled_from([20.0, 20.0, 20.0, 800.0, 1500.0]))
    p95 = draw(st.sampled_from([p50, 600.0 if p50 < 600 else p50, 2000.0]))
    bad = {name: draw(st.integers(0, requests)) for name in draw(st.sets(st.sampled_from(BAD)))}
    times = {"p50": p50, "p95": p95, "p99": max(p95, draw(st.sampled_from([60.0, 1200.0])))}
    return draw(st.sampled_from(["/a", "/b"])), requests, times, bad


traffic = st.lists(st.one_of(st.none(), windows()), min_size=1, max_size=60)


def lines_of(minutes):
    for minute, drawn in enumerate(minutes):
        if drawn is not None:
            endpoint, requests, times, bad = drawn
            window = a_window(minute, requests, **times, **bad)
            yield endpoint, window, window.end_us + 5_000_000


@given(traffic)
def test_a_state_that_was_stored_goes_on_as_if_it_had_not(minutes):
    kept, stored = Service(), Service()
    for endpoint, window, at_us in lines_of(minutes):
        kept.state.observe([(endpoint, window)], at_us, kept.policy)
        blob = msgspec.json.encode(stored.state)
        stored.state = msgspec.json.decode(blob, type=DeploymentState)
        stored.state.observe([(endpoint, window)], at_us, stored.policy)
        kept.at_us = stored.at_us = at_us

        assert stored.facet == kept.facet


@given(traffic)
def test_the_short_way_sees_what_the_long_way_sees(minutes):
    # What a change is seen by leaves out the numbers; it must say what the reasons say.
    service = Service()
    for endpoint, window, at_us in lines_of(minutes):
        service.state.observe([(endpoint, window)], at_us, service.policy)
        life_us = service.state.last_life_us
        for name, state in service.state.endpoints.items():
            reasons: list[Reason] = state.reasons(name, life_us, service.policy)
            levels = tuple(sorted((reason.code, reason.level) for reason in reasons))
            assert state.signature == (worst_of(reason.level for reason in reasons), levels)


@given(traffic)
def test_a_facet_is_finite_and_holds_no_null(minutes):
    service = Service()
    for endpoint, window, at_us in lines_of(minutes):
        service.state.observe([(endpoint, window)], at_us, service.policy)
        service.at_us = at_us
        check_plain(service.facet.as_json())
        assert len(service.state.endpoints[endpoint].lookback.minutes) <= 25


def check_plain(value):
    if isinstance(value, dict):
        for item in value.values():
            check_plain(item)
    elif isinstance(value, list):
        for item in value:
            check_plain(item)
    else:
        assert value is not None
        assert not isinstance(value, float) or math.isfinite(value)


def changes_in_any_quarter(service, minutes):
    for window in minutes:
        service.see(window)
    times = [minute for minute, _ in service.changes[1:]]
    return max((sum(t <= u < t + FLAPPING_MINUTES for u in times) for t in times), default=0)


def percentile(latencies, q):
    return sorted(latencies)[math.ceil(q * len(latencies)) - 1]


@pytest.mark.parametrize("share", [0.03, 0.05, 0.06, 0.08])
@pytest.mark.parametrize("requests", [4, 20, 60, 300])
@pytest.mark.parametrize("kind", ["failures", "slow"])
def test_at_the_limit_there_are_at_most_two_changes_in_any_quarter_of_an_hour(
    kind, requests, share
):
    rng = random.Random(f"{kind}{requests}{share}")
    for _ in range(2):
        minutes = []
        for minute in range(HOURS * 60):
            bad = sum(rng.random() < share for _ in range(requests))
            if kind == "failures":
                minutes.append(a_window(minute, requests, failures=bad))
            else:
                times = [900.0] * bad + [30.0] * (requests - bad)
                p50, p95, p99 = (percentile(times, q) for q in (0.5, 0.95, 0.99))
                minutes.append(a_window(minute, requests, p50=p50, p95=p95, p99=p99))

        assert changes_in_any_quarter(Service(), minutes) <= 2


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_bounds_of_a_share_hold_it(bad, of):
    bad = min(bad, of)
    lower, upper = wilson_bounds(bad, of)

    assert 0 <= lower <= bad / of + 1e-12
    assert bad / of - 1e-12 <= upper <= 1


@settings(max_examples=200)
@given(st.lists(st.floats(1, 3000), min_size=1, max_size=400), st.sampled_from([500.0, 1000.0]))
def test_what_percentiles_prove_is_true_of_the_requests(latencies, limit):
    times = [percentile(latencies, q) for q in (0.5, 0.95, 0.99)]
    slow = sum(latency > limit for latency in latencies)

    assert proven_slow(len(latencies), *times, limit) <= slow
    assert slow <= possibly_slow(len(latencies), *times, limit)
