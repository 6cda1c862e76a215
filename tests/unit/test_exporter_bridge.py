from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from builders import a_journal, an_event, at

from lineage_bridge.exporter import bridge, bridge_metrics
from lineage_bridge.exporter.metric import Metric
from lineage_bridge.exporter.metrics_collector import MetricsCollector
from lineage_bridge.exporter.probe import KEPT_SECONDS, MarquezProbe
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

URL = "http://marquez:5000"


class AMarquez:
    """Counts how often it was asked, and answers as told."""

    def __init__(self, status: int | None = 200) -> None:
        self.status = status
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(self.status, json={"namespaces": []})


def a_probe(marquez: AMarquez, moments: list[float]) -> MarquezProbe:
    return MarquezProbe(
        URL,
        api_key="key",
        monotonic=lambda: moments[-1],
        transport=httpx.MockTransport(marquez),
    )


def values(collector: MetricsCollector) -> dict[str, list[float]]:
    return {family.name: [s.value for s in family.samples] for family in collector.collect()}


@pytest.mark.parametrize(("status", "up"), [(200, 1), (503, 0), (404, 0), (None, 0)])
def test_marquez_is_up_if_it_answers(tmp_path: Path, status: int | None, up: int) -> None:
    probe = a_probe(AMarquez(status), [0.0])
    with Journal(tmp_path) as journal:
        collector = MetricsCollector(journal, Settings(marquez_url=URL), probe=probe)
        found = values(collector)

    assert found["lineage_bridge_marquez_up"] == [up]


def test_with_marquez_down_all_other_values_stay(tmp_path: Path) -> None:
    marquez, moments = AMarquez(), [0.0]
    with a_journal(tmp_path, [an_event("etl", 0, outputs=["t@1"])]) as journal:
        collector = MetricsCollector(
            journal,
            Settings(marquez_url=URL),
            now=lambda: at(5),
            probe=a_probe(marquez, moments),
            stopwatch=lambda: 0.0,
        )
        before = values(collector)
        marquez.status = None
        moments.append(KEPT_SECONDS)
        after = values(collector)

    assert before.pop("lineage_bridge_marquez_up") == [1]
    assert after.pop("lineage_bridge_marquez_up") == [0]
    assert before == after


def test_marquez_is_not_asked_at_every_scrape() -> None:
    marquez, moments = AMarquez(), [0.0]
    probe = a_probe(marquez, moments)
    for moment in (0.0, KEPT_SECONDS - 1, KEPT_SECONDS, KEPT_SECONDS + 1):
        moments.append(moment)
        assert probe.is_up()

    assert len(marquez.asked) == 2


def test_marquez_is_asked_with_the_key() -> None:
    marquez = AMarquez()
    a_probe(marquez, [0.0]).is_up()

    assert str(marquez.asked[0].url) == f"{URL}/api/v1/namespaces?limit=1"
    assert marquez.asked[0].headers["Authorization"] == "Bearer key"


def test_without_a_marquez_nothing_is_said_of_one(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        found = values(MetricsCollector(journal, Settings()))

    assert not {name for name in found if "marquez" in name or "forward" in name}


def test_what_was_never_forwarded_is_pending(tmp_path: Path) -> None:
    with a_journal(tmp_path, [an_event("etl", 0), an_event("etl", 1)]) as journal:
        readings = list(bridge.forward_readings(journal, "http://user:secret@marquez:5000"))

    found: dict[tuple[Metric, tuple[str, ...]], float] = {r[:2]: r.value for r in readings}
    assert found[bridge_metrics.FORWARD_EVENTS, (URL, "pending")] == 2
    assert found[bridge_metrics.FORWARD_EVENTS, (URL, "dead")] == 0
    assert found[bridge_metrics.FORWARD_PARKED, (URL,)] == 0


def test_quarantine_is_counted_by_family(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        with journal.transaction() as tx:
            tx.connection.execute("CREATE TABLE quarantine (path, line, family, field, reason)")
            tx.connection.executemany(
                "INSERT INTO quarantine VALUES (?, 0, ?, NULL, 'torn')",
                [("a", "p5"), ("b", "p5"), ("c", "p2")],
            )
        readings = list(bridge.journal_readings(journal))

    found = [r[1:3] for r in readings if r.metric is bridge_metrics.QUARANTINED]
    assert found == [(("p2",), 1), (("p5",), 2)]
