"""`lineage-bridge exporter`: serve the home's facts as Prometheus metrics, and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import click

from lineage_bridge.cli.context import (
    Instant,
    in_namespace_of_home,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.cli.serve import (
    check_exposure,
    choose_port,
    compat_option,
    host_option,
    insecure_option,
    port_option,
    wait_for_interrupt,
)

if TYPE_CHECKING:
    from lineage_bridge.exporter.compat import Compat
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings


EXPORTER_PORT = 9464


@click.command()
@with_settings
@click.option("--once", is_flag=True, help="Print the metrics and end.")
@host_option
@port_option("--port", EXPORTER_PORT, "The exporter's port.")
@insecure_option
@compat_option
@click.option("--at", type=Instant(), help="Show the platform as it was at that time.")
def exporter(
    settings: Settings,
    *,
    once: bool,
    host: str,
    port: int | None,
    insecure: bool,
    compat: tuple[Compat, ...],
    at: datetime | None,
) -> None:
    """Serve metrics for Prometheus at /metrics, until Ctrl-C.

    docs/metrics.md names each with its type, labels, unit and source.
    """
    if once:
        with open_journal(settings, readonly=True):
            pass  # a home that is not there is an error here; a server may wait for its first event
    else:
        check_exposure(host, settings, insecure=insecure)
    settings = in_namespace_of_home(settings)
    with open_journal(settings) as journal:
        if once:
            click.echo(_exposition(journal, settings, at, compat), nl=False)
        else:
            chosen = choose_port(host, port, EXPORTER_PORT)
            _serve(journal, settings, host, chosen, at, compat)


def _exposition(
    journal: Journal, settings: Settings, at: datetime | None, compat: Collection[Compat]
) -> str:
    from prometheus_client import generate_latest

    from lineage_bridge.exporter.metrics_collector import MetricsCollector, registry_of
    from lineage_bridge.show.formats import exposition_text

    collector = MetricsCollector(journal, settings, at=at, compat=compat)
    return exposition_text(generate_latest(registry_of(collector)).decode())


def _serve(
    journal: Journal,
    settings: Settings,
    host: str,
    port: int,
    at: datetime | None,
    compat: Collection[Compat],
) -> None:
    from lineage_bridge.exporter.server import ExporterServer

    with ExporterServer(journal, settings, host, port, at=at, compat=compat) as server:
        say(f"Metrics: {server.url}/metrics  (Ctrl-C ends it)")
        wait_for_interrupt()
