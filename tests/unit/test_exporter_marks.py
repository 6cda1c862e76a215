from __future__ import annotations

import tempfile
from pathlib import Path

from builders import a_journal, at
from hypothesis import given
from hypothesis import strategies as st
from platform_events import a_look, a_start

from lineage_bridge.exporter.marks import Marks
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.metrics_collector import MetricsCollector
from lineage_bridge.exporter.platform_metrics import (
    DEPLOYMENT_REQUESTS,
    PREDICTIONS,
    TRAINING_DURATION,
)
from lineage_bridge.exporter.runs import histogram
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

MODELS = st.sampled_from(["models.a", "models.b"])
TOTALS = st.dictionaries(MODELS, st.integers(0, 50))
DURATIONS = st.lists(st.floats(0.1, 10_000), max_size=4)
# Each step is a scrape, by the same exporter or by one that was started anew.
STEPS = st.lists(st.tuples(st.booleans(), TOTALS, DURATIONS), max_size=8)

MINUTE = 50


def the_requests(collector: MetricsCollector) -> list[float]:
    wanted = DEPLOYMENT_REQUESTS.name.removesuffix("_total")
    families = [family for family in collector.collect() if family.name == wanted]
    return [sample.value for family in families for sample in family.samples]


def a_collector(journal: Journal) -> MetricsCollector:
    return MetricsCollector(journal, Settings(), now=lambda: at(MINUTE))


@given(STEPS)
def test_no_counter_ever_goes_down(
    steps: list[tuple[bool, dict[str, int], list[float]]],
) -> None:
    last: dict[tuple[object, ...], float] = {}
    with tempfile.TemporaryDirectory() as home, Journal(Path(home)) as journal:
        marks = Marks(journal)
        for is_restarted, totals, durations in steps:
            marks = Marks(journal) if is_restarted else marks
            readings = [PREDICTIONS.read(m, "local", value=v) for m, v in totals.items()]
            readings += histogram(TRAINING_DURATION, ("models.a", "local"), [sorted(durations)])
            for shown in marks.raised(readings):
                sample = (shown.metric.name, *shown[1:2], *shown[3:])
                assert shown.value >= last.get(sample, 0.0)
                last[sample] = shown.value


@given(DURATIONS, DURATIONS)
def test_a_histogram_of_marks_is_still_one(first: list[float], second: list[float]) -> None:
    marks = Marks(None)
    labels = ("models.a", "local")
    shown: list[Reading] = []
    for durations in (first, second):
        shown = marks.raised(histogram(TRAINING_DURATION, labels, [sorted(durations)]))

    buckets = [reading.value for reading in shown if reading.part == "_bucket"]
    counts = [reading.value for reading in shown if reading.part == "_count"]
    assert buckets == sorted(buckets)
    assert counts == buckets[-1:]


def test_a_total_that_shrinks_is_held_also_by_the_next_exporter(tmp_path: Path) -> None:
    looks = [a_look(45, counts={"requests": 100}), a_look(46, counts={"requests": 40})]
    with a_journal(tmp_path, [a_start(30), looks[0]]) as journal:
        collector = a_collector(journal)
        assert the_requests(collector) == [100]

        journal.append(looks[1:], "artifact")

        assert the_requests(collector) == [100]
        assert the_requests(a_collector(journal)) == [100]


def test_a_scrape_that_raises_nothing_writes_nothing(tmp_path: Path) -> None:
    with a_journal(tmp_path, [a_start(30), a_look(45, counts={"requests": 1})]) as journal:
        collector = a_collector(journal)
        the_requests(collector)
        with journal.reading() as connection:
            (before,) = connection.execute("PRAGMA data_version").fetchone()
        the_requests(collector)
        with journal.reading() as connection:
            (after,) = connection.execute("PRAGMA data_version").fetchone()

    assert before == after
