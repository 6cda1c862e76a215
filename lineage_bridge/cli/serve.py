"""`collector` and `up`: the commands that run until they are stopped."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import click

from lineage_bridge.cli.context import in_namespace_of_home, open_journal, say, with_settings
from lineage_bridge.cli.sharing import following, forwarding
from lineage_bridge.errors import SettingsError
from lineage_bridge.exporter.compat import COMPATS, Compat
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.journal.follower import Follower

COLLECTOR_PORT = 5000
PORTS_TRIED = 20
MOST_SOURCES = 3  # that one line names

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Bind to it.")
insecure_option = click.option(
    "--insecure", is_flag=True, help="Let other machines in though no key is set."
)
exporter_port_option = click.option(
    "--exporter-port",
    type=click.IntRange(0, 65535),
    help="Serve the metrics on a port of their own instead.",
)

compat_option = click.option(
    "--compat",
    type=click.Choice(COMPATS),
    multiple=True,
    help="Show metrics under the names of this system too; may be given again.",
)


def port_option(flag: str, default: int, what: str) -> Callable[..., Callable[..., None]]:
    """Make a port option; the default gives way to the next free port, a given port does not."""
    return click.option(
        flag,
        type=click.IntRange(0, 65535),
        help=f"{what}  [default: {default}, or the next free one]",
    )


def choose_port(host: str, asked: int | None, default: int) -> int:
    """Choose the port to bind.

    Raises:
        SettingsError: the one that was asked for is taken, or none is free.
    """
    if asked is not None:
        if asked and not _is_free(host, asked):
            raise SettingsError(f"Port {asked} on {host} is taken. Name another, or 0 for any.")
        return asked
    for port in range(default, default + PORTS_TRIED):
        if _is_free(host, port):
            return port
    last = default + PORTS_TRIED - 1
    raise SettingsError(f"Ports {default} to {last} on {host} are all taken. Name a free one.")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            if exc.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise SettingsError(f"Cannot listen on `{host}`: {exc}. Name another --host.") from exc
        except (TypeError, ValueError) as exc:
            raise SettingsError(f"`{host}` is no host. Name another --host.") from exc
    return True


def check_exposure(host: str, settings: Settings, *, insecure: bool) -> None:
    """Let a server be reached from other machines only if it asks for keys, or on purpose.

    Raises:
        SettingsError: it would be open to everyone in the network.
    """
    from lineage_bridge.http.access import is_loopback

    if is_loopback(host) or settings.collector.read_keys or settings.collector.write_keys:
        return
    open_to_all = f"Whoever reaches {host} may read and change everything, because no key is set."
    if not insecure:
        raise SettingsError(
            f"{open_to_all} Set LINEAGE_BRIDGE_WRITE_KEYS and LINEAGE_BRIDGE_READ_KEYS, or say "
            "`--insecure` if that is meant."
        )
    say(f"Warning: {open_to_all}", err=True)


@dataclass(frozen=True, slots=True)
class Served:
    """The URLs of what is served."""

    collector: str
    metrics: str


@contextmanager
def serving(
    journal: Journal,
    settings: Settings,
    *,
    host: str,
    port: int,
    has_exporter: bool = True,
    exporter_port: int | None = None,
    compat: Collection[Compat] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Served]:
    """Serve the collector with the index page, and the metrics, until the block ends.

    Args:
        journal: open for writing.
        settings: of the home.
        host: the address to bind to.
        port: of everything.
        has_exporter: whether the home's metrics are shown, and not only the collector's own.
        exporter_port: shows the home's metrics there instead.
        compat: the systems under whose names metrics are shown too.
        now: the instant to show.
    """
    from lineage_bridge.answers import Snapshots
    from lineage_bridge.assess.policies import Policies
    from lineage_bridge.collector.server import CollectorServer
    from lineage_bridge.http import HttpConfig
    from lineage_bridge.page import page_parts

    snapshots = Snapshots(journal, Policies.of(settings))  # one graph in memory for all
    with ExitStack() as stack:
        metrics, metrics_url = [], "/metrics"
        if exporter_port is not None:
            from lineage_bridge.exporter.server import ExporterServer

            exporter = stack.enter_context(
                ExporterServer(
                    *(journal, settings, host, exporter_port, now),
                    compat=compat,
                    snapshots=snapshots,
                )
            )
            metrics_url = f"{exporter.url}/metrics"
        elif has_exporter:
            from lineage_bridge.exporter.metrics_collector import MetricsCollector

            metrics.append(
                MetricsCollector(journal, settings, now=now, compat=compat, snapshots=snapshots)
            )
        collector = stack.enter_context(
            CollectorServer(
                journal,
                host=host,
                port=port,
                http=HttpConfig.of(settings.collector),
                parts=page_parts(journal, snapshots, now, metrics_url=metrics_url),
                metrics=metrics,
                admin_port=settings.collector.admin_port,
                make_follower=partial(_follower, journal.home, has_exporter=has_exporter),
            )
        )
        yield Served(collector.url, urljoin(collector.url, metrics_url))


def _named_sources(journal: Journal, settings: Settings) -> str:
    from lineage_bridge.ingest.sources import list_sources

    with journal.reading() as connection:
        found = list(dict.fromkeys(one.path for one in list_sources(connection, settings)))
    more = f" and {len(found) - MOST_SOURCES:,} more" if len(found) > MOST_SOURCES else ""
    return f"{', '.join(found[:MOST_SOURCES])}{more}" or (
        "nothing yet; `lineage-bridge sources add FOLDER` names a folder"
    )


def _follower(home: Path, *, has_exporter: bool) -> Follower:
    """Make a process that follows the journal; the graph and the arrivals only for an exporter.

    Raises:
        JournalError: it could not do its work.
    """
    from lineage_bridge.journal.follower import check_leases
    from lineage_bridge.serve.follower_process import FollowerProcess

    names = ["collector", "graph", "arrivals"] if has_exporter else ["collector"]
    check_leases(home, names)
    module = "lineage_bridge.cli.derive"
    return FollowerProcess([sys.executable, "-m", module, str(home.absolute()), *names])


def wait_for_interrupt() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    listen_for_interrupt().wait()


def listen_for_interrupt() -> threading.Event:
    """Make Ctrl-C and a polite kill set an event, from now on, and do nothing else.

    A handler in Python runs when the main thread comes to it, which may be never while that waits
    for a lock, and in the middle of whatever it does. So the signal itself writes to a pipe.
    """
    import signal

    stop = threading.Event()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        os.read(heard, 1)
        stop.set()

    threading.Thread(target=wait, name="interrupt", daemon=True).start()
    return stop


@click.command()
@with_settings
@host_option
@port_option("--port", COLLECTOR_PORT, "The collector's port.")
@insecure_option
def collector(settings: Settings, host: str, port: int | None, *, insecure: bool) -> None:
    """Serve Marquez's API over the home's journal: POST /api/v1/lineage and every question."""
    check_exposure(host, settings, insecure=insecure)
    chosen = choose_port(host, port, COLLECTOR_PORT)
    settings = in_namespace_of_home(settings)
    with (
        open_journal(settings) as journal,
        serving(journal, settings, host=host, port=chosen, has_exporter=False) as served,
    ):
        say(f"Collector: {served.collector}/api/v1/lineage  (Ctrl-C ends it)")
        wait_for_interrupt()


@click.command()
@with_settings
@host_option
@port_option("--port", COLLECTOR_PORT, "The port of collector, page and metrics.")
@exporter_port_option
@compat_option
@click.option(
    "--follow/--no-follow",
    default=None,
    help="Take in what others sent to that Marquez.  [default: follow]",
)
@click.option(
    "--watch/--no-watch", default=True, help="Read the sources as they change.  [default: watch]"
)
@insecure_option
def up(
    settings: Settings,
    host: str,
    port: int | None,
    exporter_port: int | None,
    compat: tuple[Compat, ...],
    *,
    follow: bool | None,
    watch: bool,
    insecure: bool,
) -> None:
    """Run everything on one port: collector, index page, metrics; watch, and share with Marquez.

    What changes in the folders that `backfill` or `sources add` named is read within seconds. With
    MARQUEZ_URL set, what is ours goes on to that Marquez, and what others sent there comes in, for
    ever and without loss. Exits 1 if there are dead letters at the end, which Marquez did not take.
    """
    check_exposure(host, settings, insecure=insecure)
    chosen = choose_port(host, port, COLLECTOR_PORT)
    settings = in_namespace_of_home(settings)
    with ExitStack() as stack:
        journal = stack.enter_context(open_journal(settings))
        served = stack.enter_context(
            serving(
                *(journal, settings),
                host=host,
                port=chosen,
                exporter_port=exporter_port,
                compat=compat,
            )
        )
        stop = listen_for_interrupt()
        say(f"Index page: {served.collector}/")
        say(f"Collector:  {served.collector}/api/v1/lineage")
        say(f"Metrics:    {served.metrics}")
        dead = 0
        if settings.marquez_url:
            forwarder = stack.enter_context(forwarding(journal, settings))
            say(f"Forwarding: {forwarder.status().url}")
        if settings.marquez_url and (settings.follow if follow is None else follow):
            follower = stack.enter_context(following(journal, settings))
            say(f"Following:  {follower.name}")
        if watch:
            from lineage_bridge.cli.watch import watching

            stack.enter_context(watching(journal, settings))
            say(f"Watching:   {_named_sources(journal, settings)}")
        say("Ctrl-C ends it.")
        stop.wait()
        if settings.marquez_url:
            dead = forwarder.status().dead
    if dead:
        say(f"{dead} dead letters: `lineage-bridge journal dead` lists them.", err=True)
        sys.exit(1)
