from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from lineage_bridge.exporter.families import MAX_SERIES, METRICS
from lineage_bridge.exporter.metric import Metric

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|(.*?)\|(.*?)\|(.*)\|$", re.MULTILINE)

# What a name's end says of the unit, in the words of the page.
UNITS = {
    "_timestamp_seconds": "seconds since the epoch",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_ratio": "ratio 0 to 1",
    "_info": "1",
    "_status": "0 or 1",
}


class Documented(NamedTuple):
    kind: str
    labels: tuple[str, ...]
    unit: str
    source: str


def documented() -> dict[str, Documented]:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {
        name: Documented(kind, tuple(re.findall(r"`(\w+)`", labels)), unit.strip(), source.strip())
        for name, kind, labels, unit, source in rows
    }


def test_the_page_lists_every_metric_in_the_order_of_the_exposition() -> None:
    assert list(documented()) == [metric.name for metric in METRICS]


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_type_labels_unit_and_source_are_documented(metric: Metric) -> None:
    row = documented()[metric.name]

    assert (row.kind, row.labels) == (metric.kind, metric.labels)
    expected = next((unit for end, unit in UNITS.items() if metric.name.endswith(end)), row.unit)
    assert row.unit == expected != ""
    assert row.source


def test_the_bound_on_series_is_documented() -> None:
    assert f"at most {MAX_SERIES:,} series" in PAGE.read_text(encoding="utf-8")
