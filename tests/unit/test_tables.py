"""Tables stay tables: what is important is there at every width, and nothing does anything."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from builders import a_journal, an_event
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from lineage_bridge.answers import DatasetFreshness, DeploymentHealth, Versioned
from lineage_bridge.assess.expectations import Stated, expectation_of
from lineage_bridge.assess.freshness import FreshnessPolicy, assess_freshness
from lineage_bridge.assess.liveness import Health
from lineage_bridge.facets.serving_health import Endpoint, Reason
from lineage_bridge.graph.deployments import Deployment
from lineage_bridge.graph.find import find
from lineage_bridge.graph.load import load
from lineage_bridge.graph.model import Node
from lineage_bridge.graph.paths import find_path
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.naming import Slot
from lineage_bridge.show.freshness import freshness_summary, freshness_table
from lineage_bridge.show.health import health_summary, health_table
from lineage_bridge.show.layout import ESSENTIAL, Column
from lineage_bridge.show.lineage.tables import graph_tables, link_text, path_table
from lineage_bridge.show.statuses import status_of
from lineage_bridge.show.tables import Table, console
from lineage_bridge.show.text import is_seen, printable
from lineage_bridge.times import parse_time

SOURCE = "main.raw_station_metrics_1min"
TARGET = "predictions.dep-nyc-prod-slow.production.mobility-serving-layer"


def shown(width, *parts):
    out = Console(width=width, force_terminal=False, color_system=None, highlight=False)
    with out.capture() as capture:
        for part in parts:
            out.print(part)
    lines = capture.get().rstrip("\n").split("\n")
    assert all(cell_len(line) <= width for line in lines)
    return lines


def a_table(**more):
    table = Table(
        Column("deployment", fold="anywhere", narrowest=12),
        Column("status"),
        Column("why", fold="blanks", narrowest=20),
        Column("model", 3, fold="anywhere", narrowest=10),
        Column("requests", 2, right=True),
        **more,
    )
    table.add(
        "production/dep-nyc",
        status_of("unhealthy"),
        ["failures 80 % of requests (limit 5 %)", "stopped for 1 h"],
        "lightgbm_slow@v1",
        "1,024",
    )
    table.add("batch/b", status_of("healthy"), "", "[b]m[/b]", "7")
    return table


def test_where_it_fits_nothing_folds():
    rows = [re.split(r"  +", line) for line in shown(120, a_table(title="Deployments"))]
    assert rows == [
        ["Deployments"],
        ["deployment", "status", "why", "model", "requests"],
        [
            *("production/dep-nyc", "X unhealthy", "failures 80 % of requests (limit 5 %)"),
            *("lightgbm_slow@v1", "1,024"),
        ],
        ["", "stopped for 1 h"],
        ["batch/b", "+ healthy", "[b]m[/b]", "7"],
    ]


def test_prose_folds_first_at_its_blanks_and_says_where_the_next_line_begins():
    assert shown(84, a_table()) == [
        "deployment          status       why                      model             requests",
        "production/dep-nyc  X unhealthy  failures 80 % of         lightgbm_slow@v1     1,024",
        "                                   requests (limit 5 %)",
        "                                 stopped for 1 h",
        "batch/b             + healthy                             [b]m[/b]                 7",
    ]


def test_then_names_fold_behind_a_separator_near_their_end_the_widest_first():
    assert shown(72, a_table()) == [
        "deployment    status       why                   model          requests",
        "production/   X unhealthy  failures 80 % of      lightgbm_         1,024",
        "dep-nyc                      requests (limit     slow@v1",
        "                             5 %)",
        "                           stopped for 1 h",
        "batch/b       + healthy                          [b]m[/b]              7",
    ]


def test_then_the_least_important_column_goes_and_a_line_says_so():
    assert shown(64, a_table())[-1] == "Not shown at this width: requests; --json has all."
    lines = shown(50, a_table(whole="`health --json` has all"))
    assert lines[0].split() == ["deployment", "status", "why"]
    assert " ".join(lines[-2:]).replace("  ", " ") == (
        "Not shown at this width: model, requests; `health --json` has all."
    )


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_where_there_is_hardly_any_room_it_is_a_table_still(width):
    lines = shown(width, a_table(title="T", caption="C"))

    assert lines[1].startswith("deployment"[: max(1, min(10, width // 6))])
    assert lines[-1] == "C"


@pytest.mark.parametrize("width", [60, 200])
def test_a_title_is_as_wide_as_the_terminal_and_a_caption_goes_below(width):
    table = Table(Column("A"), title="Backfill into /srv/somewhere/deep/down/lineage-bridge")
    table.add("1")
    table.caption = "and more"

    assert shown(width, table) == [
        "Backfill into /srv/somewhere/deep/down/lineage-bridge",
        "A",
        "1",
        "and more",
    ]


texts = st.text(max_size=90) | st.text("ab\x1b\n\r\t \u202e\u200b日", max_size=90)
statuses = st.sampled_from(["healthy", "unhealthy", "STALE", "RUNNING"]).map(status_of)
cells = st.tuples(
    texts,
    statuses,
    texts | st.lists(texts, max_size=3),
    texts,
    st.integers(0, 10**9).map("{:,}".format),
    texts,
)


@given(st.lists(cells, max_size=4), st.integers(80, 200))
def test_at_any_width_it_is_a_table_of_what_matters_and_cells_do_nothing(rows, width):
    columns = (
        Column("name", fold="anywhere", narrowest=20),
        Column("status"),
        Column("why", fold="blanks", narrowest=30),
        Column("model", 3, fold="anywhere", narrowest=20),
        Column("requests", 2, right=True),
        Column("trained on", 1, fold="anywhere", narrowest=40),
    )
    table = Table(*columns)
    for row in rows:
        table.add(*row)
    header, *lines = shown(width, table)

    assert all(map(is_seen, "".join([header, *lines])))
    essential = [column.header for column in columns if column.importance == ESSENTIAL]
    hidden = _hidden(lines)
    assert all(re.search(rf"(^|  ){name}(  |$)", header) for name in essential)
    assert [c.header in hidden for c in columns] == [c.header not in header for c in columns]
    first = re.sub(r"\s", "", "".join(line[: header.index("status")] for line in lines))
    for name, status, *_, requests, _ in rows:
        assert re.sub(r"\s", "", printable(name))[:9] in first
        assert any(f"{status.symbol} {status.word}" in line for line in lines)
        assert "requests" in hidden or any(requests in line for line in lines)


def _hidden(lines):
    told = next((line for line in lines if line.startswith("Not shown at this width: ")), "")
    return told.removeprefix("Not shown at this width: ").split(";")[0].split(", ")


wild = st.builds(
    Column,
    st.sampled_from(["a", "header", "日本"]),
    st.integers(0, ESSENTIAL),
    st.sampled_from(["never", "blanks", "anywhere"]),
    st.integers(0, 250),
    st.booleans(),
)


@given(st.data(), st.lists(wild, min_size=1, max_size=6), st.integers(2, 200))
def test_however_columns_are_made_no_line_is_wider_than_the_terminal(data, columns, width):
    table = Table(*columns)
    for row in data.draw(st.lists(st.tuples(*[texts] * len(columns)), max_size=3)):
        table.add(*row)

    lines = shown(width, table)
    assert all(map(is_seen, "".join(lines)))


def test_elsewhere_than_on_a_terminal_nothing_is_coloured_and_names_have_room(monkeypatch, capsys):
    for columns, width in (("", 240), ("120", 120), ("0", 240), ("wide", 240), ("80", 80)):
        monkeypatch.setenv("COLUMNS", columns)
        assert console().width == width
        console().print(a_table())
    assert "\x1b" not in capsys.readouterr().out


def test_a_terminal_gets_colours_and_its_own_width(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = console()
    with out.capture() as capture:
        out.print(a_table())

    assert out.width == 90
    assert "\x1b[1;31mX unhealthy\x1b[0m" in capture.get()


@pytest.fixture
def graph(tmp_path):
    link = {"role": "output", "dataset": "dataset:ns:f", "method": "suffix", "confidence": 0.9}
    events = [
        an_event(
            "build.mobility.training_dataset",
            1,
            inputs=[SOURCE],
            outputs=["f@2026-04-01"],
            links=[link],
        ),
        an_event("serve.mobility", 2, inputs=["f@2026-04-01"], outputs=[TARGET]),
    ]
    with a_journal(tmp_path / "home", events) as journal:
        reduce(journal)
        with journal.reading() as connection:
            return load(connection)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_graph_and_a_path_are_tables_of_names_and_versions(graph, width):
    path = find_path(graph, find(graph, SOURCE), find(graph, TARGET))
    headers = [shown(width, table)[1].split("  ")[0] for table in graph_tables(graph)]
    assert headers == ["dataset", "job", "from"]
    lines = shown(width, path_table(path))
    assert lines[0].split()[0] == "when"
    for text in (SOURCE, "2026-04-07T08:01:00Z", "f", "2026-04-01"):
        assert any(text in line for line in lines)


def test_how_a_dataset_was_identified_is_told_in_words(graph):
    path = find_path(graph, find(graph, SOURCE), find(graph, "f"))
    assert "name without its time stamp, 90 % sure" in "\n".join(shown(200, path_table(path)))
    assert link_text("run_id", 1.0) == "run id"
    assert link_text("stem", 0.95) == "file name, 95 % sure"
    assert link_text("of a stranger", None) == "of a stranger"
    assert link_text(None, 0.5) == ""


SINCE = parse_time("2026-04-07T09:25:00.123456Z")[0]
WHEN = parse_time("2026-04-07T10:30:00.5Z")[0]


def a_deployment(name, status="unhealthy", service="mobility", endpoints=("/predict",)):
    reason = Reason(
        code="latency_p99_ms",
        level="unhealthy",
        endpoint="/predict",
        value=1432.42,
        threshold=1000,
        lower=0.75,
        since=SINCE,
    )
    asked = tuple(
        Endpoint(
            endpoint=one, status=status, reasons=(), windows=1, requests=1, newest_window_end=SINCE
        )
        for one in endpoints
    )
    reasons = () if status == "healthy" else (reason,)
    return DeploymentHealth(
        Deployment(Slot(service, "production", name), "ns", "dataset:ns:p"),
        Health(status, reasons, asked),
        None,
        Versioned("models.lightgbm_slow", "v1"),
        Versioned("features.m.training_dataset", "2026-04-01T00:35:05Z"),
    )


FLEET = [
    a_deployment("dep-nyc-prod-001", "healthy"),
    a_deployment("dep-nyc-prod-gaps", "degraded"),
    a_deployment("dep-nyc-prod-slow"),
]


def test_at_80_columns_health_shows_deployment_status_and_why():
    lines = shown(80, health_table(FLEET, WHEN))

    assert lines[:2] == [
        "Deployments at 2026-04-07T10:30:00Z",
        "deployment                    status       why",
    ]
    assert lines[2].startswith("production/dep-nyc-prod-slow  X unhealthy  p99 latency 1,432 ms")
    assert any(line.strip().endswith("since 2026-04-07T09:25:00Z") for line in lines)
    assert lines[-1] == "Not shown at this width: model, trained on, requests; --json has all."


@pytest.mark.parametrize("width", [80, 120, 200])
def test_health_is_worst_first_and_counted(width):
    text = "\n".join(shown(width, health_table(FLEET, WHEN)))

    assert text.index("prod-slow") < text.index("prod-gaps") < text.index("prod-001")
    assert health_summary(FLEET) == "3 deployments: 1 unhealthy, 1 degraded, 1 healthy"


def test_at_200_columns_health_shows_all():
    text = "\n".join(shown(200, health_table(FLEET, WHEN)))

    assert "m.training_dataset@2026-04-01T00:35:05Z" in text
    assert "Not shown" not in text
    assert "p99 latency 1,432 ms (limit 1,000 ms; at least 75 % of requests are slower)," in text


def test_services_and_endpoints_are_named_where_there_are_several():
    other = a_deployment("d", service="taxi", endpoints=["/a", "/b"])
    text = "\n".join(shown(200, health_table([a_deployment("d"), other], WHEN)))

    assert re.search(r"production/d +taxi", text)
    assert text.count("are slower) on /predict, since") == 1
    assert text.count("are slower), since") == 1


BUILT = parse_time("2026-04-01T00:35:05.123Z")[0]
NEWEST = parse_time("2026-03-31T23:35:05.7Z")[0]
DAY_LATER = parse_time("2026-04-02T00:35:05.7Z")[0]


def a_dataset(name="features.mobility.training_dataset", limit=1800.0, **times):
    finding = assess_freshness(
        at=DAY_LATER, policy=FreshnessPolicy(limit, limit), **({"build_time": BUILT} | times)
    )
    node = Node(f"dataset:ns:{name}", "dataset", "ns", name)
    expected = expectation_of(Stated("declared", None, limit, limit), None, None)
    return DatasetFreshness(node, "2026-04-01T00:35:05Z", finding, expected, node)


@pytest.mark.parametrize("width", [80, 120])
def test_freshness_shows_versions_statuses_and_ages(width):
    found = [a_dataset(limit=1e9, data_time=NEWEST), a_dataset(data_time=NEWEST)]
    lines = shown(width, freshness_table(found, DAY_LATER))

    assert lines[0] == "Freshness at 2026-04-02T00:35:05Z"
    assert re.search(r"2026-04-01T00:35:05Z  X stale  1 d 1 h", lines[2])
    assert freshness_summary(found) == "2 datasets: 1 stale, 1 fresh"


def test_at_200_columns_freshness_has_times_without_fractions_and_what_decided():
    ahead = DAY_LATER + timedelta(hours=1, microseconds=5)
    found = a_dataset(build_time=None, file_time=ahead, data_time=NEWEST)
    lines = shown(200, freshness_table([found], DAY_LATER))

    assert lines[2].split("  ")[-1] == "2026-04-02T01:35:05Z"
    assert "in the future" in lines[2]
    assert "file's time" in lines[2]
