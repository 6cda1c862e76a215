"""The questions `graph`, `path`, `health` and `freshness`, for now or `--at` an earlier time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from lineage_bridge.cli.context import (
    Instant,
    bring_up_to_date,
    echo_json,
    json_option,
    open_journal,
    p6_option,
    say,
    with_settings,
)
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    import sqlite3

    from lineage_bridge.answers import DatasetFreshness, Snapshot
    from lineage_bridge.answers.status import NodeStatus
    from lineage_bridge.graph.find import Parents, RunParts
    from lineage_bridge.graph.model import End, Graph

at_option = click.option(
    "--at",
    type=Instant(),
    help="Answer for this time, by event time: a time or a date (UTC where it names no zone), or "
    "how long ago, such as -1h.  [default: now]",
)
known_at_option = click.option(
    "--known-at", type=Instant(), help="Only from what had arrived by this time."
)


class _Question:
    """The graph at the time of a question, and a way to load more of its facets.

    Attributes:
        graph: with the facets that were asked for.
        feedback: the loops that the settings declare.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        at: datetime | None,
        known_at: datetime | None,
        keys: Sequence[str] | None,
        settings: Settings,
    ) -> None:
        from lineage_bridge.graph.load import load
        from lineage_bridge.graph.travel.declared import with_feedback

        self._connection = connection
        self._at = at
        self._known_at = known_at
        self.feedback = settings.loops
        loaded = load(connection, at=at, known_at=known_at, keys=keys)
        self.graph = with_feedback(loaded, self.feedback)
        gc.freeze()  # the graph lives as long as the process: looking for garbage in it is a waste

    def find(self, text: str) -> End:
        """Find what somebody means by a text."""
        from lineage_bridge.graph.find import find

        return find(self.graph, text, self.parents)

    def parents(self) -> Parents:
        """Read the names that jobs have under their parents."""
        from lineage_bridge.graph.find import read_parents

        return read_parents(self._connection, self.graph)

    def with_facets(self, part: Graph) -> Graph:
        """Return a part of the graph with all its facets."""
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
    """Load the graph; of its facets only those with a key in `keys`, None for all."""
    with open_journal(settings, readonly=True) as journal:
        bring_up_to_date(journal, settings)
        with journal.reading() as connection:
            yield _Question(connection, at, known_at, keys, settings)


@contextmanager
def judged(
    settings: Settings,
    at: datetime | None,
    known_at: datetime | None,
    keys: Collection[str] | None = None,
) -> Iterator[tuple[Snapshot, Callable[[], Parents]]]:
    """Load the snapshot of a time, by default of now; and a way to read the parents of its jobs.

    Args:
        settings: of the home.
        at: the time.
        known_at: only what had arrived by then.
        keys: of the facets that the question needs; None: those of health and freshness.
    """
    from lineage_bridge.answers import Snapshot
    from lineage_bridge.answers.snapshot import STATUS_KEYS
    from lineage_bridge.assess.policies import Policies
    from lineage_bridge.graph.find import read_parents

    instant = at or datetime.now(UTC)
    with open_journal(settings, readonly=True) as journal:
        bring_up_to_date(journal, settings)
        with journal.reading() as connection:
            policies = Policies.of(settings)
            snapshot = Snapshot.load(
                connection, policies, instant, known_at=known_at, keys=keys or STATUS_KEYS
            )
            yield snapshot, lambda: read_parents(connection, snapshot.graph)


def _views(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (json_option, known_at_option, at_option, with_settings):
        command = decorate(command)
    return command


@click.command()
@click.option("--node", help="Only what is around this node, written as for `path`.")
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
    from lineage_bridge.graph.find import RunParts
    from lineage_bridge.graph.travel.declared import undrawn
    from lineage_bridge.graph.walk import walk

    with _ask(settings, at, known_at, keys=() if node else None) as asked:
        shown = asked.graph
        if node:
            shown = asked.with_facets(walk(shown, asked.find(node), depth, direction))
        parts = RunParts(run.id for run in asked.graph.runs)
        loops = undrawn(shown, asked.feedback)
        _print_graph(shown, "json" if as_json else form, parts, loops)


def _print_graph(
    shown: Graph, form: str, parts: RunParts, loops: Sequence[tuple[str, str]]
) -> None:
    from lineage_bridge.show.lineage import diagrams
    from lineage_bridge.show.shapes import graph_json

    if form == "json":
        echo_json(graph_json(shown, loops))
    elif form == "mermaid":
        click.echo(diagrams.mermaid(shown))
    elif form == "dot":
        click.echo(diagrams.dot(shown))
    else:
        from lineage_bridge.show.lineage.tables import graph_tables
        from lineage_bridge.show.tables import print_tables

        print_tables(graph_tables(shown, parts))


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

    A node is written as any command or the API prints it: an id (`dataset:<namespace>:<name>`), a
    name that is unique, with `@<version>` or `@<run id>` where one is meant; a run id, or a part of
    it that is unique; a deployment (`<environment>/<deployment>`), which means its predictions. A
    column means its dataset. Exits 1 if there is no path.
    """
    from lineage_bridge.graph.find import RunParts
    from lineage_bridge.graph.paths import find_path, reach_upstream
    from lineage_bridge.show.lineage.tables import path_table
    from lineage_bridge.show.shapes import path_json
    from lineage_bridge.show.tables import print_tables

    with _ask(settings, at, known_at, keys=()) as asked:
        whole = asked.graph
        start, end = asked.find(source), asked.find(target)
        found = find_path(whole, start, end)
        shown = found or reach_upstream(whole, end)
        if as_json:
            shape = {"from": str(start), "to": str(end), "found": found is not None}
            echo_json({**shape, **path_json(shown)})
        else:
            if found is None:
                say(f"No path leads from {start} to {end}. As far up as it is known:")
            parts = RunParts(run.id for run in whole.runs)
            print_tables([path_table(shown, parts)])
    if found is None:
        sys.exit(1)


@click.command()
@click.argument("deployment", required=False)
@p6_option
@_views
def health(
    settings: Settings,
    deployment: str | None,
    form: str,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say how each DEPLOYMENT (or all) is, with the reasons, worst first.

    Without DEPLOYMENT, every other node that is not ok is listed below: jobs that failed or are
    overdue, datasets that are stale or failed a check, and what inherits from them.

    DEPLOYMENT is a name, `<environment>/<deployment>`, `<service>/<environment>/<deployment>`, or
    its predictions, its job or one of its runs as other commands print them. Exits 1 if one is
    degraded or unhealthy, a job failed, or a dataset failed a check of severity error.
    """
    from lineage_bridge.answers.snapshot import NODE_KEYS

    with judged(settings, at, known_at, NODE_KEYS) as (snapshot, parents):
        found, instant = snapshot.health, snapshot.at
        if deployment is not None:
            found, nodes = snapshot.health_of(deployment, parents), None
        else:
            nodes = snapshot.statuses.amiss()
    if as_json or form == "json":
        from lineage_bridge.show.shapes import health_json

        echo_json(health_json(found, instant, nodes))
    elif form == "p6":
        from lineage_bridge.show.p6 import health_states

        echo_json(health_states(found))
    else:
        from lineage_bridge.show.health import health_summary, health_table
        from lineage_bridge.show.tables import print_tables

        print_tables([health_table(found, instant)])
        say(health_summary(found))
        _print_others(nodes or [], {one.deployment.predictions for one in found})
    broken = any(fault.is_broken for node in nodes or () for fault in node.faults)
    if broken or any(one.health.status in {"degraded", "unhealthy"} for one in found):
        sys.exit(1)


def _print_others(nodes: Sequence[NodeStatus], told: Container[str]) -> None:
    """Print the nodes that are not ok, without deployments that were told of for that alone."""
    from lineage_bridge.show.tables import print_tables
    from lineage_bridge.show.trouble.nodes import nodes_summary, nodes_table

    others = [one for one in nodes if one.faults and one.end.node not in told]
    if others:
        say("")
        print_tables([nodes_table(others)])
        say(nodes_summary(others, sum(not one.faults for one in nodes)))


@click.command()
@click.argument("dataset", required=False)
@click.option("--all", "every_version", is_flag=True, help="Every version, not only the newest.")
@p6_option
@_views
def freshness(
    settings: Settings,
    dataset: str | None,
    form: str,
    at: datetime | None,
    known_at: datetime | None,
    *,
    every_version: bool,
    as_json: bool,
) -> None:
    """Say how old each DATASET (or all) is, and whether that is late, by which policy.

    Its age is that of its build, of the newest data in it, or of what it reads live, whichever is
    worst. DATASET is written as for `path`; a job means what it writes. Exits 1 if one is STALE.
    """
    from lineage_bridge.graph.find import find_datasets

    with judged(settings, at, known_at) as (snapshot, parents):
        found = snapshot.freshness_of_all() if every_version else snapshot.freshness
        if dataset is not None:
            asked = find_datasets(snapshot.graph, dataset, parents)
            found = tuple(one for one in found if one.node.id in asked)
        instant = snapshot.at
    if as_json or form == "json":
        from lineage_bridge.show.shapes import freshness_json

        echo_json(freshness_json(found, instant))
    elif form == "p6":
        _print_p6_freshness(found, snapshot.graph, is_one=dataset is not None and not every_version)
    else:
        from lineage_bridge.show.freshness import freshness_summary, freshness_table
        from lineage_bridge.show.tables import print_tables

        print_tables([freshness_table(found, instant)])
        say(freshness_summary(found))
    if any(one.finding.status == "STALE" for one in found):
        sys.exit(1)


def _print_p6_freshness(found: Sequence[DatasetFreshness], graph: Graph, *, is_one: bool) -> None:
    from lineage_bridge.show.p6 import freshness_results
    from lineage_bridge.show.units import counted

    names = (node.name for node in graph.nodes.values() if node.kind == "dataset")
    results = freshness_results(found, names)
    echo_json(results[0] if is_one and len(results) == 1 else results)
    left_out = len(found) - len(results)
    if left_out:
        say(f"{counted(left_out, 'dataset')} of unknown age: P6 has no result for that.", err=True)
