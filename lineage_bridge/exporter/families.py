"""Readings -> metric families, as prometheus_client writes them; limited, and each series once.

However many nodes there are, a metric never has more than `MAX_SERIES` series: a Prometheus that
chokes on its smallest target is of no use. The first in the order of their label values stay, so
that the same ones are there at the next scrape; how many are missing is a metric itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.metrics_core import Metric as Family

from lineage_bridge.exporter.bridge_metrics import BRIDGE, SERIES_DROPPED
from lineage_bridge.exporter.compat.sentinelml_metrics import SENTINELML
from lineage_bridge.exporter.findings.metrics import FOUND
from lineage_bridge.exporter.metric import Metric, Reading
from lineage_bridge.exporter.platform_metrics import PLATFORM

METRICS = (*PLATFORM, *FOUND, *BRIDGE, *SENTINELML)
MAX_SERIES = 2000

_Series = dict[tuple[str, ...], dict[tuple[str, str], float]]  # labels -> part and bound -> value


def families(readings: Iterable[Reading], *, max_series: int = MAX_SERIES) -> list[Family]:
    """Make one family for each metric that has a reading, in the order of `METRICS`.

    Where two readings have the same labels, the first one counts.
    """
    by_metric: dict[Metric, _Series] = {}
    dropped: dict[Metric, int] = {}
    for reading in readings:
        series = by_metric.setdefault(reading.metric, {})
        samples = series.setdefault(_storable(reading.labels), {})
        if (reading.part, reading.bound) in samples:
            dropped[reading.metric] = dropped.get(reading.metric, 0) + 1
        else:
            samples[reading.part, reading.bound] = reading.value
    for metric, series in by_metric.items():
        excess = len(series) - max_series
        if excess > 0:
            dropped[metric] = dropped.get(metric, 0) + excess
    by_metric.setdefault(SERIES_DROPPED, {}).update(_dropped(dropped))
    return [
        _family(metric, sorted(by_metric[metric].items())[:max_series])
        for metric in METRICS
        if by_metric.get(metric)
    ]


def described() -> Iterator[Family]:
    """Describe every metric without its series, which is all that a registry needs."""
    return (Family(_base_name(metric), metric.help, metric.kind) for metric in METRICS)


def _dropped(dropped: dict[Metric, int]) -> _Series:
    return {(metric.name,): {("", ""): float(count)} for metric, count in dropped.items()}


def _family(
    metric: Metric, series: Sequence[tuple[tuple[str, ...], dict[tuple[str, str], float]]]
) -> Family:
    family = Family(_base_name(metric), metric.help, metric.kind)
    for values, samples in series:
        labels = dict(zip(metric.labels, values, strict=True))
        for (part, bound), value in samples.items():
            own = {**labels, "le": bound} if bound else labels
            family.add_sample(f"{metric.name}{part}", own, value)
    return family


def _base_name(metric: Metric) -> str:
    return metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name


def _storable(labels: tuple[str, ...]) -> tuple[str, ...]:
    # Half of a surrogate pair is no UTF-8; the exposition would fail as a whole.
    if all(map(str.isascii, labels)):
        return labels
    return tuple(text.encode("utf-8", "replace").decode() for text in labels)
