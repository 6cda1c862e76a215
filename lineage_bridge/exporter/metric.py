"""A metric, and one reading of it.

A metric is a definition: what `docs/metrics.md` documents. A reading is one sample on its way to a
scrape, with the label values in the order of the metric's label names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True, eq=False)  # each is one of its kind
class Metric:
    """A metric's definition.

    Attributes:
        name: as it is exposed, the `_total` of a counter included.
        kind: its Prometheus type.
        help: one sentence, without a full stop, as `# HELP` shows it.
        labels: label names, in order.
        buckets: upper bounds of a histogram in its unit, ascending, without infinity.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def read(self, *labels: str, value: float) -> Reading:
        """Make one reading of it."""
        return Reading(self, labels, float(value))


class Reading(NamedTuple):
    """One sample.

    Attributes:
        metric: what was read.
        labels: values in the order of `metric.labels`.
        value: in the metric's unit.
        part: of a histogram, `_bucket`, `_sum` or `_count`; else empty.
        bound: the `le` of a bucket.
    """

    metric: Metric
    labels: tuple[str, ...]
    value: float
    part: str = ""
    bound: str = ""
