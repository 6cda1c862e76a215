from __future__ import annotations

import gzip
import socket
from pathlib import Path

import httpx
import pytest
from builders import a_journal, at
from click.testing import CliRunner
from platform_events import a_platform
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from lineage_bridge.cli.exporter import exporter
from lineage_bridge.errors import JournalError, ServerError
from lineage_bridge.exporter.server import ExporterServer
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings


def a_server(journal: Journal, port: int = 0) -> ExporterServer:
    return ExporterServer(journal, Settings(), port=port, now=lambda: at(50))


def test_it_serves_metrics_on_loopback(tmp_path: Path) -> None:
    with a_journal(tmp_path, a_platform()) as journal, a_server(journal) as server:
        answer = httpx.get(f"{server.url}/metrics")

    assert server.url.startswith("http://127.0.0.1:")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'ml_prediction_total{environment="production",model_name="models.default"} 94.0' in (
        answer.text.splitlines()
    )


def test_it_speaks_openmetrics_to_who_asks_for_it(tmp_path: Path) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    with a_journal(tmp_path, a_platform()) as journal, a_server(journal) as server:
        answer = httpx.get(f"{server.url}/metrics", headers=accept)

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert "ml_prediction" in names


def test_it_compresses_for_who_asks_for_it(tmp_path: Path) -> None:
    with a_journal(tmp_path, a_platform()) as journal, a_server(journal) as server:
        wanted = {"Accept-Encoding": "gzip"}
        with httpx.stream("GET", f"{server.url}/metrics", headers=wanted) as answer:
            raw = b"".join(answer.iter_raw())

    assert gzip.decompress(raw).startswith(b"# HELP ml_")


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nothing", 404), ("/metrics/", 404)])
def test_other_paths(tmp_path: Path, path: str, status: int) -> None:
    with Journal(tmp_path) as journal, a_server(journal) as server:
        assert httpx.get(server.url + path).status_code == status


def test_it_is_ready_while_its_journal_is_there(tmp_path: Path) -> None:
    for is_there in (True, False):
        with Journal(tmp_path) as journal, a_server(journal) as server:
            if not is_there:
                journal.path.rename(tmp_path / "gone.db")
            answer = httpx.get(f"{server.url}/readyz")
        assert answer.status_code == (200 if is_there else 503)


def test_a_scrape_that_cannot_read_the_journal_says_so(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal, a_server(journal) as server:
        with journal.transaction() as tx:
            tx.connection.execute("DROP TABLE events")
        answer = httpx.get(f"{server.url}/metrics")

    assert answer.status_code == 503
    assert "the journal" in answer.text


def test_a_taken_port_is_an_error_that_names_it(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"127.0.0.1:{port}"):
            a_server(journal, port)


def test_stopping_a_server_that_never_started_frees_its_port(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        server = a_server(journal)
        port = int(server.url.rsplit(":", 1)[1])
        server.stop()
        with a_server(journal, port) as again:
            assert httpx.get(again.url).status_code == 200


def test_once_makes_no_home_where_none_is(tmp_path: Path) -> None:
    result = CliRunner().invoke(exporter, ["--once", "--home", str(tmp_path / "none")])

    assert isinstance(result.exception, JournalError)
    assert not (tmp_path / "none").exists()


def test_once_prints_the_exposition(tmp_path: Path) -> None:
    a_journal(tmp_path, a_platform()).close()

    result = CliRunner().invoke(
        exporter, ["--once", "--home", str(tmp_path), "--at", "2026-04-07T08:50:00Z"]
    )

    assert result.exit_code == 0, result.output
    assert 'ml_dataset_rows{dataset_name="features.mobility.trips"' in result.output
    assert result.output.endswith("\n")
