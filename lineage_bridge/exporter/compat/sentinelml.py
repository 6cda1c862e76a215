"""Readings of SentinelML's metrics: requests and errors of deployments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lineage_bridge.exporter.compat import sentinelml_metrics as old
from lineage_bridge.exporter.deployments import with_windows
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.serving_health import Endpoint, ServingHealthFacet, Totals

_ERRORS: Final = frozenset({"failure_ratio", "timeout_ratio", "rejection_ratio"})


def total_readings(view: View) -> Iterator[Reading]:
    """Read the counters, of each deployment's whole history."""
    for deployment, facet in with_windows(view):
        labels = view.slot_labels(deployment)
        if facet.totals is not None:
            yield from _totals(facet.totals, labels)
        requests: dict[str, int] = defaultdict(int)
        for part in facet.totals_by_version or ():
            requests[part.model_version] += part.requests or 0
        for version, count in requests.items():
            yield old.API_REQUESTS_BY_VERSION.read(version, *labels, value=count)


def _totals(totals: Totals, labels: tuple[str, ...]) -> Iterator[Reading]:
    failed, refused = totals.failures or 0, totals.rejected or 0
    timeouts = min(totals.timeouts or 0, failed)  # they are failures too
    kinds = {
        "inference_error": failed - timeouts,
        "timeout": timeouts,
        "validation_error": refused,
    }
    yield old.API_REQUESTS.read(*labels, value=totals.requests or 0)
    yield old.API_ERRORS.read(*labels, value=failed + refused)
    for kind, count in kinds.items():
        yield old.API_ERRORS_BY_KIND.read(kind, *labels, value=count)


def rate_readings(view: View) -> Iterator[Reading]:
    """Read the rates: what was counted in the look-backs, over the time since they began.

    So a rate falls while nothing comes. SentinelML's were averages since the process had started.
    """
    for deployment, facet in with_windows(view):
        labels = view.slot_labels(deployment)
        requests, errors = _rates(facet, view.snapshot.at)
        yield old.API_REQUEST_RATE.read(*labels, value=requests)
        yield old.API_ERROR_RATE.read(*labels, value=errors)


def _rates(facet: ServingHealthFacet, at: datetime) -> tuple[float, float]:
    requests = errors = 0.0
    for endpoint in facet.endpoints or ():
        seconds = _seconds_since_begin(endpoint, at)
        if seconds > 0:
            requests += endpoint.requests / seconds
            errors += sum(r.count for r in endpoint.ratios or () if r.code in _ERRORS) / seconds
    return requests, errors


def _seconds_since_begin(endpoint: Endpoint, at: datetime) -> float:
    looked = timedelta(seconds=endpoint.lookback_seconds or 0)
    return (at - endpoint.newest_window_end + looked).total_seconds()
