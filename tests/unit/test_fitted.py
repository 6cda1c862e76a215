"""Tables on a narrow terminal: nothing that somebody copies is broken."""

from __future__ import annotations

import pytest
from builders import a_journal, an_event
from rich.console import Console

from lineage_bridge.cli import report
from lineage_bridge.graph.find import find
from lineage_bridge.graph.fitted import Column, Fitted
from lineage_bridge.graph.load import load
from lineage_bridge.graph.paths import find_path
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.graph.render import graph_tables, path_table

SOURCE = "main.raw_station_metrics_1min"
TARGET = "predictions.mobility-serving-layer.production.dep-nyc-prod-slow"


def shown(width, *parts):
    console = Console(width=width, force_terminal=False, color_system=None, highlight=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    lines = [line.rstrip() for line in capture.get().split("\n")]
    assert all(len(line) <= width for line in lines)
    return "\n".join(lines).rstrip("\n")


def a_table(**more):
    table = Fitted("When", Column("", label="Kind"), Column("Why", wraps=True), **more)
    table.add_row("2026-04-01T00:35:05Z", "[b]job[/b]", "so many words " * 5)
    table.add_row("2026-04-01T00:35:06Z", "dataset", "")
    return table


def test_where_it_fits_a_table_is_a_table_and_only_prose_wraps():
    assert shown(65, a_table()).split("\n") == [
        "When                           Why",
        "2026-04-01T00:35:05Z  job      so many words so many words so",
        "                               many words so many words so many",
        "                               words",
        "2026-04-01T00:35:06Z  dataset",
    ]


def test_where_it_does_not_each_row_is_a_record_without_what_is_empty():
    assert shown(50, a_table()).split("\n") == [
        "When  2026-04-01T00:35:05Z",
        "Kind  job",
        "Why   so many words so many words so many words so",
        "      many words so many words",
        "",
        "When  2026-04-01T00:35:06Z",
        "Kind  dataset",
    ]


@pytest.mark.parametrize("width", [60, 200])
def test_a_title_is_as_wide_as_the_terminal_and_a_caption_goes_below(width):
    table = Fitted("A", title="Backfill into /srv/somewhere/deep/down/lineage-bridge")
    table.add_row("1")
    table.caption = "and more"

    assert shown(width, table).split("\n") == [
        "Backfill into /srv/somewhere/deep/down/lineage-bridge",
        "A",
        "1",
        "and more",
    ]


@pytest.fixture
def graph(tmp_path):
    events = [
        an_event("build.mobility.training_dataset", 1, inputs=[SOURCE], outputs=["f@2026-04-01"]),
        an_event("serve.mobility", 2, inputs=["f@2026-04-01"], outputs=[TARGET]),
    ]
    with a_journal(tmp_path / "home", events) as journal:
        reduce(journal)
        with journal.reading() as connection:
            return load(connection)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_name_and_no_time_of_a_graph_or_a_path_is_broken(graph, width):
    path = find_path(graph, find(graph, SOURCE), find(graph, TARGET))
    for text in (shown(width, *graph_tables(graph)), shown(width, path_table(path))):
        assert SOURCE in text
        assert TARGET in text
        assert "2026-04-07T08:01:00Z" in text


def a_deployment():
    reason = {
        "code": "latency_p99_ms",
        "value": 1432.42,
        "threshold": 1000,
        "lower": 0.75,
        "since": "2026-04-07T09:25:00.123456Z",
    }
    return {
        "environment": "production",
        "deployment": "dep-nyc-prod-slow",
        "status": "unhealthy",
        "reasons": [reason],
        "model": {"name": "models.lightgbm_slow", "version": "v1"},
        "dataset": {"name": "features.m.training_dataset", "version": "2026-04-01T00:35:05Z"},
        "totals": {"requests": 1400},
    }


@pytest.mark.parametrize("width", [80, 130])
def test_health_breaks_no_name_and_shows_no_fraction_of_a_second(width):
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        shape = {"at": "2026-04-07T10:30:00.5Z", "deployments": [a_deployment()]}
        report.print_health(console, shape)
    text = capture.get()

    assert text.startswith("Deployments at 2026-04-07T10:30:00Z\n")
    assert "production/dep-nyc-prod-slow" in text
    assert "m.training_dataset@2026-04-01T00:35:05Z" in text
    assert "2026-04-07T09:25:00Z" in text


@pytest.mark.parametrize("width", [80, 130])
def test_freshness_breaks_no_name_and_shows_no_fraction_of_a_second(width):
    item = {
        "name": "features.mobility.training_dataset",
        "version": "2026-04-01T00:35:05Z",
        "status": "STALE",
        "build_time": "2026-04-01T00:35:05.123Z",
        "build_age_seconds": 86_400,
        "data_time": "2026-03-31T23:00:00Z",
        "data_age_seconds": 90_000,
        "basis": "data",
    }
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        report.print_freshness(console, {"at": "2026-04-02T00:35:05Z", "datasets": [item]})
    text = capture.get()

    assert "features.mobility.training_dataset" in text
    assert text.count("2026-04-01T00:35:05Z") == 2
    assert "2026-03-31T23:00:00Z" in text
