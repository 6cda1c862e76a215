"""`lineage-bridge changes`: what changed, when, from what to what, and who says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineage_bridge.cli.context import Instant, echo_json, json_option, say, with_settings
from lineage_bridge.cli.views import at_option, judged, known_at_option
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime


@click.command()
@click.argument("node", required=False)
@click.option(
    "--since",
    type=Instant(),
    help="Only what changed since: a time or a date (UTC where it names no zone), or how long "
    "ago, such as -7d.",
)
@with_settings
@at_option
@known_at_option
@json_option
def changes(
    settings: Settings,
    node: str | None,
    since: datetime | None,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say what changed, oldest first: of NODE and of all that it was made of, or of everything.

    Code, dependencies, configuration and feature definitions are told by histories; another model,
    image, dataset version, parameter or column than before follows from what happened. NODE is
    written as for `path`. A change is no fault: it exits 0 whatever it finds.
    """
    from lineage_bridge.answers.changes import KEYS

    with judged(settings, at, known_at, KEYS) as (snapshot, parents):
        found, instant = snapshot.changes(node, parents, since=since), snapshot.at
    if as_json:
        from lineage_bridge.show.lineage.changes import changes_json

        echo_json(changes_json(found, instant, since))
    else:
        from lineage_bridge.graph.find import RunParts
        from lineage_bridge.show.lineage.changes import changes_table
        from lineage_bridge.show.tables import print_tables
        from lineage_bridge.show.units import counted

        parts = RunParts(run.id for run in snapshot.graph.runs)
        print_tables([changes_table(found, instant, parts)])
        say(counted(len(found), "change"))
