"""A service for tests: minutes of traffic in, findings out. Minutes count from one morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lineage_bridge.assess.assertions import Assertion
from lineage_bridge.assess.liveness import Health, Start, health_at
from lineage_bridge.assess.lookback import MINUTE_US, SECOND_US, WindowFacts
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facet import Totals, serving_assertions, serving_facet
from lineage_bridge.facets.serving_health import Reason, ServingHealthFacet
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.times import from_micros, to_micros

ZERO = datetime(2026, 4, 7, 8, 0, tzinfo=UTC)
ZERO_US = to_micros(ZERO)
DELAY_US = 5 * SECOND_US  # from the end of a window to its line

BAD = ("failures", "timeouts", "non_finite", "nulls", "out_of_range", "fallbacks", "rejected")


def minute_at(minute: float) -> datetime:
    return ZERO + timedelta(minutes=minute)


def a_window(
    minute: float,
    requests: int = 20,
    *,
    p50: float = 20.0,
    p95: float = 40.0,
    p99: float = 60.0,
    length: float = 1.0,
    predictions: int | None = None,
    flush: bool = False,
    **bad: int,
) -> WindowFacts:
    counts = tuple(bad.get(name, 0) for name in BAD)
    assert set(bad) <= set(BAD)
    start_us = ZERO_US + int(minute * MINUTE_US)
    done = max(0, requests - bad.get("failures", 0) - bad.get("rejected", 0))
    return WindowFacts(
        start_us,
        start_us + int(length * MINUTE_US),
        requests,
        done if predictions is None else predictions,
        counts,
        p50,
        p95,
        p99,
        flush,
    )


class Service:
    """One deployment that started once; every call is a minute's window, judged when written."""

    def __init__(self, policy: ServingPolicy | None = None, *, environment: str = "production"):
        self.policy = policy or ServingPolicy()
        self.environment = environment
        self.state = DeploymentState("model", "v1", ZERO_US)
        self.state.start(None, ZERO_US)
        self.at_us = ZERO_US
        self.changes: list[tuple[int, str]] = []  # minute of the window, status

    def see(self, *windows: WindowFacts, at_us: int | None = None, **others: WindowFacts) -> str:
        """Windows of `/predict`, or of the endpoint that a keyword names, of one instant."""
        lines = [("/predict", w) for w in windows] + [(f"/{k}", w) for k, w in others.items()]
        newest = max(w for _, w in lines)
        self.at_us = newest.end_us + DELAY_US if at_us is None else at_us
        if newest.flush and at_us is None:
            self.at_us = newest.end_us - SECOND_US
        if self.state.observe(lines, self.at_us, self.policy):
            minute = (newest.start_us - ZERO_US) // MINUTE_US
            self.changes.append((minute, self.status))
        return self.status

    def minutes(self, first: int, last: int, requests: int = 20, **facts: Any) -> str:
        """Equal windows for the minutes first to last, both included."""
        for minute in range(first, last + 1):
            self.see(a_window(minute, requests, **facts))
        return self.status

    @property
    def facet(self) -> ServingHealthFacet:
        """The facet as of the newest window."""
        return serving_facet(
            self.state,
            self.at_us,
            self.policy,
            environment=self.environment,
            by_version=[Totals("model", "v1", windows=1)],
        )

    @property
    def assertions(self) -> dict[str, Assertion]:
        """The assertions of the facet's finding, by code."""
        said = list(serving_assertions(self.state, self.facet.reasons or ()))
        found = {assertion.assertion: assertion for assertion in said}
        assert len(found) == len(said)  # a page shows each once
        return found

    @property
    def status(self) -> str:
        return self.facet.status

    @property
    def codes(self) -> list[str]:
        return [reason.code for reason in self.facet.reasons or ()]

    def reason(self, code: str) -> Reason:
        return next(r for r in self.facet.reasons or () if r.code == code)

    def later(self, minute: float, *starts: Start) -> Health:
        """Judged again at a minute from the facet alone."""
        return health_at(self.facet, minute_at(minute), starts=starts, policy=None)

    @property
    def now(self) -> datetime:
        return from_micros(self.at_us)
