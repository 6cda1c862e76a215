"""`lineage-bridge exporter`: the home's facts as Prometheus metrics, alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from lineage_bridge.cli.context import Instant, open_journal, with_settings

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings


@click.command()
@with_settings
@click.option("--once", is_flag=True, help="Print the metrics and end.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind to.")
@click.option(
    "--port",
    default=9464,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="0 takes any free one.",
)
@click.option("--at", type=Instant(), help="Show the platform as it was at that time.")
def exporter(settings: Settings, *, once: bool, host: str, port: int, at: datetime | None) -> None:
    """Serve metrics for Prometheus at /metrics, until Ctrl-C.

    docs/metrics.md names each with its type, labels, unit and source.
    """
    with open_journal(settings) as journal:
        if once:
            click.echo(_exposition(journal, settings, at), nl=False)
        else:
            _serve(journal, settings, host, port, at)


def _exposition(journal: Journal, settings: Settings, at: datetime | None) -> str:
    from prometheus_client import generate_latest

    from lineage_bridge.exporter.collector import MetricsCollector, registry_of

    collector = MetricsCollector(journal, settings, at=at)
    return generate_latest(registry_of(collector)).decode()


def _serve(journal: Journal, settings: Settings, host: str, port: int, at: datetime | None) -> None:
    import signal
    import threading

    from lineage_bridge.exporter.server import ExporterServer

    with ExporterServer(journal, settings, host, port, at=at) as server:
        click.echo(f"Metrics at {server.url}/metrics (Ctrl-C ends)", err=True)
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        ended.wait()
