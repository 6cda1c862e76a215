"""`lineage-bridge demo`: everything on the example artifacts, at the artifacts' own time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_bridge.cli.context import say
from lineage_bridge.cli.serve import (
    COLLECTOR_PORT,
    check_exposure,
    choose_port,
    exporter_port_option,
    host_option,
    insecure_option,
    port_option,
    serving,
    wait_for_interrupt,
)
from lineage_bridge.commands import PROGRAM, at_home, command
from lineage_bridge.errors import SettingsError
from lineage_bridge.naming import Slot
from lineage_bridge.settings import FILE_NAME
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.graph.model import Graph
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings
    from lineage_bridge.show.tables import Table

# In the middle of the examples' morning: some deployments are fine, some are in trouble.
DEMO_TIME = datetime(2026, 4, 7, 10, 30, tzinfo=UTC)
SOURCE = "duckdb://mobility:main.raw_station_metrics_1min"
PREDICTIONS = Slot("mobility-serving-layer", "production", "dep-nyc-prod-slow").predictions
# The folders of each family: one deployment, which drifts, has a folder of its own.
FOLDERS = {
    "p2": ["p2"],
    "p4": ["p4"],
    "p5": ["p5", "drift/p5"],
    "p6": ["p6"],
    "logs": ["drift/logs"],
}


@click.command()
@click.option("--once", is_flag=True, help="Stop after the tables.")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    default=Path(".lineage-bridge/demo"),
    show_default=True,
    help="The demo's own data folder; it is emptied first.",
)
@host_option
@port_option("--port", COLLECTOR_PORT, "The collector's port.")
@exporter_port_option
@insecure_option
def demo(
    home: Path,
    host: str,
    port: int | None,
    exporter_port: int | None,
    *,
    once: bool,
    insecure: bool,
) -> None:
    """Show the whole thing on real artifacts: read them, judge them, serve what came of it."""
    from lineage_bridge.cli.context import settings_of
    from lineage_bridge.journal import Journal

    examples = _examples()
    _empty(home)
    at_home(home)
    settings = settings_of(home=home, config=examples / FILE_NAME)
    if not once:
        check_exposure(host, settings, insecure=insecure)
    with Journal(home) as journal:
        _show(journal, settings, examples)
        say("", f"Ask it:     {command('doctor')}")
        if once:
            return
        chosen = choose_port(host, port, COLLECTOR_PORT)
        with serving(
            journal,
            settings,
            host=host,
            port=chosen,
            exporter_port=exporter_port,
            now=lambda: DEMO_TIME,
        ) as served:
            say(f"Index page: {served.collector}/")
            say(f"Collector:  {served.collector}/api/v1/namespaces")
            say(f"Metrics:    {served.metrics}")
            say("Ctrl-C ends it.")
            wait_for_interrupt()


# How the names of the files and folders of a home begin.
OF_A_HOME = ("journal.db", "models", "locks", "spool")


def _examples() -> Path:
    """Find the examples: a wheel has them in the package, a clone has them beside it."""
    package = Path(__file__).parents[1]
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / FILE_NAME).is_file():
            return folder
    raise SettingsError(
        f"The examples are missing: they are neither in `{package}` nor beside it. "
        "Install lineage-bridge again, from its wheel or a clone of its repository."
    )


def _empty(home: Path) -> None:
    """Delete the demo's home, but never a folder that holds anything else."""
    if not home.exists():
        return
    foreign = [p.name for p in home.iterdir() if not p.name.startswith(OF_A_HOME)]
    if foreign:
        raise SettingsError(
            f"`{home}` holds more than a journal ({', '.join(sorted(foreign)[:3])}): the demo will "
            "not empty it. Name another folder with --home."
        )
    shutil.rmtree(home)


def _show(journal: Journal, settings: Settings, examples: Path) -> None:
    from lineage_bridge.answers import Snapshot
    from lineage_bridge.assess.policies import Policies
    from lineage_bridge.graph.reduce import reduce
    from lineage_bridge.ingest.backfill import backfill
    from lineage_bridge.ingest.observing import observe
    from lineage_bridge.show.artifacts import print_backfill, print_observed
    from lineage_bridge.show.data.checks import checked_version, failed_table
    from lineage_bridge.show.data.deployment_drift import all_table
    from lineage_bridge.show.health import health_summary, health_table
    from lineage_bridge.show.tables import console, print_tables

    roots = {family: [examples / name for name in names] for family, names in FOLDERS.items()}
    done = backfill(journal, settings, roots)
    observed = observe(journal, settings, now=DEMO_TIME)
    print_backfill(console(), done, settings.home)
    print_observed(console(), observed)
    reduce(journal)
    with journal.reading() as connection:
        snapshot = Snapshot.load(connection, Policies.of(settings), DEMO_TIME)
    click.echo()
    all_health = f"`{PROGRAM} health --json --at {format_time(DEMO_TIME)}` has all"
    health = health_table(snapshot.health, snapshot.at, whole=all_health)
    checked = failed_table(map(checked_version, snapshot.checks_of_all()))
    drifting = all_table([one for one in snapshot.drift if one.facet is not None], snapshot.at)
    print_tables([*_path(snapshot.graph), checked, drifting, health])
    say(health_summary(snapshot.health))


def _path(graph: Graph) -> Iterator[Table]:
    from lineage_bridge.graph.find import RunParts, find
    from lineage_bridge.graph.paths import find_path
    from lineage_bridge.show.lineage.tables import path_table

    found = find_path(graph, find(graph, SOURCE), find(graph, PREDICTIONS))
    if found is not None:
        title = "Which table fed the model that answers now"
        parts = RunParts(run.id for run in graph.runs)
        whole = f"`{PROGRAM} path --json {SOURCE} {PREDICTIONS}` has all"
        yield path_table(found, parts, title=title, whole=whole)
