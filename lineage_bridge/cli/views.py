"""The questions: `graph`, `path`, `health`, `freshness`, each for now or `--at` an earlier time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from lineage_bridge import facets
from lineage_bridge.cli.context import (
    Instant,
    deriving_progress,
    echo_json,
    json_option,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    import sqlite3

    from lineage_bridge.graph.model import Graph
    from lineage_bridge.journal import Journal

at_option = click.option(
    "--at", type=Instant(), help="Answer for this time (RFC 3339), by event time.  [default: now]"
)
known_at_option = click.option(
    "--known-at", type=Instant(), help="Only from what had arrived by this time."
)


class _Question:
    """A question to the graph: of which time, and how to get at more of it.

    Attributes:
        graph: with the facets that were asked for.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        at: datetime | None,
        known_at: datetime | None,
        keys: Sequence[str] | None,
    ) -> None:
        from lineage_bridge.graph.load import load

        self._connection = connection
        self._at = at
        self._known_at = known_at
        self.graph = load(connection, at=at, known_at=known_at, keys=keys)
        gc.freeze()  # the graph lives as long as the process: not worth looking through again

    def with_facets(self, part: Graph) -> Graph:
        """A part of the graph with all its facets."""
        from lineage_bridge.graph.load import add_facets

        return add_facets(self._connection, part, at=self._at, known_at=self._known_at)


@contextmanager
def _ask(
    settings: Settings,
    at: datetime | None,
    known_at: datetime | None,
    *,
    keys: Sequence[str] | None,
) -> Iterator[_Question]:
    """Load the graph; of its facets only those of `keys`, None for all."""
    with open_journal(settings, readonly=True) as journal:
        _bring_up_to_date(journal, settings)
        with journal.reading() as connection:
            yield _Question(connection, at, known_at, keys)


def _bring_up_to_date(journal: Journal, settings: Settings) -> None:
    from lineage_bridge.graph.reduce import GRAPH
    from lineage_bridge.journal import catch_up, spool
    from lineage_bridge.journal.models import is_current

    with journal.reading() as connection:
        current = is_current(connection, GRAPH)
    if not current or spool.waits(settings.home):
        with open_journal(settings) as writable, deriving_progress() as told:
            catch_up(writable, GRAPH, told)


def _views(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (json_option, known_at_option, at_option, with_settings):
        command = decorate(command)
    return command


@click.command()
@click.option("--node", help="Only what is around this node: an id, or a name that is unique.")
@click.option("--depth", type=click.IntRange(min=0), default=3, show_default=True, help="Steps.")
@click.option(
    "--direction",
    type=click.Choice(["both", "up", "down"]),
    default="both",
    show_default=True,
    help="Which way to walk from --node.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "mermaid", "dot"]),
    default="table",
    show_default=True,
    help="For people, programs, or a diagram.",
)
@_views
def graph(
    settings: Settings,
    node: str | None,
    depth: int,
    direction: Any,
    form: str,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Show the lineage graph, or the part of it around a node."""
    from lineage_bridge.graph.find import find
    from lineage_bridge.graph.walk import walk

    with _ask(settings, at, known_at, keys=() if node else None) as asked:
        shown = asked.graph
        if node:
            shown = asked.with_facets(walk(shown, find(shown, node), depth, direction))
        _print_graph(shown, "json" if as_json else form)


def _print_graph(shown: Graph, form: str) -> None:
    from lineage_bridge.show import diagrams
    from lineage_bridge.show.graph_json import graph_json

    if form == "json":
        echo_json(graph_json(shown))
    elif form == "mermaid":
        click.echo(diagrams.mermaid(shown))
    elif form == "dot":
        click.echo(diagrams.dot(shown))
    else:
        from lineage_bridge.show.lineage import graph_tables
        from lineage_bridge.show.tables import print_tables

        print_tables(graph_tables(shown))


@click.command()
@click.argument("source")
@click.argument("target")
@_views
def path(
    settings: Settings,
    source: str,
    target: str,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Show how data came from SOURCE to TARGET, version by version.

    Nodes are ids (`dataset:<namespace>:<name>`) or names that are unique, with `@<version>` or
    `@<run id>` where one is meant. Exits 1 if there is no path.
    """
    from lineage_bridge.graph.find import find
    from lineage_bridge.graph.paths import find_path, reach_upstream
    from lineage_bridge.show.graph_json import path_json
    from lineage_bridge.show.lineage import path_table
    from lineage_bridge.show.tables import print_tables

    with _ask(settings, at, known_at, keys=()) as asked:
        whole = asked.graph
        start, end = find(whole, source), find(whole, target)
        found = find_path(whole, start, end)
        shown = found or reach_upstream(whole, end)
        if as_json:
            shape = {"from": str(start), "to": str(end), "found": found is not None}
            echo_json({**shape, **path_json(shown)})
        else:
            if found is None:
                say(f"No path leads from {start} to {end}. As far up as it is known:")
            print_tables([path_table(shown)])
    if found is None:
        sys.exit(1)


@click.command()
@click.argument("deployment", required=False)
@_views
def health(
    settings: Settings,
    deployment: str | None,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say how each DEPLOYMENT (or all) is, with the reasons, worst first.

    Exits 1 if one is degraded or unhealthy.
    """
    from lineage_bridge.errors import NodeNotFoundError
    from lineage_bridge.graph.health import health_json
    from lineage_bridge.ingest.policies import serving_policies
    from lineage_bridge.show.health import health_summary, health_table
    from lineage_bridge.show.tables import print_tables

    instant = at or datetime.now(UTC)
    keys = (facets.DEPLOYMENT, facets.SERVING_HEALTH)
    with _ask(settings, instant, known_at, keys=keys) as asked:
        policy_of = serving_policies(settings) if settings.policies.serving else None
        shape = health_json(asked.graph, instant, policy_of=policy_of)
    if deployment is not None:
        known = [d["deployment"] for d in shape["deployments"]]
        shape["deployments"] = [d for d in shape["deployments"] if d["deployment"] == deployment]
        if not shape["deployments"]:
            raise NodeNotFoundError(deployment, known, kind="deployment")
    if as_json:
        echo_json(shape)
    else:
        print_tables([health_table(shape)])
        say(health_summary(shape))
    if any(d["status"] in {"degraded", "unhealthy"} for d in shape["deployments"]):
        sys.exit(1)


@click.command()
@click.option("--all", "every_version", is_flag=True, help="Every version, not only the newest.")
@_views
def freshness(
    settings: Settings,
    at: datetime | None,
    known_at: datetime | None,
    *,
    every_version: bool,
    as_json: bool,
) -> None:
    """Say how old each dataset is, by its build and by the newest data in it.

    Exits 1 if one is STALE.
    """
    from lineage_bridge.graph.freshness import freshness_json
    from lineage_bridge.show.freshness import freshness_summary, freshness_table
    from lineage_bridge.show.tables import print_tables

    instant = at or datetime.now(UTC)
    with _ask(settings, instant, known_at, keys=(facets.FRESHNESS,)) as asked:
        shape = freshness_json(asked.graph, instant, every_version=every_version)
    if as_json:
        echo_json(shape)
    else:
        print_tables([freshness_table(shape)])
        say(freshness_summary(shape))
    if any(d["status"] == "STALE" for d in shape["datasets"]):
        sys.exit(1)
