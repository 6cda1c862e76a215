"""`lineage-bridge impact`: who is hit by what is wrong with something."""

from __future__ import annotations

from datetime import datetime

import click

from lineage_bridge.cli.context import echo_json, json_option, say, with_settings
from lineage_bridge.cli.views import at_option, judged, known_at_option
from lineage_bridge.settings import Settings


@click.command()
@click.argument("node")
@with_settings
@at_option
@known_at_option
@json_option
def impact(
    settings: Settings,
    node: str,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say who is hit by NODE: the deployments below it, and how much they are asked.

    NODE is written as for `path`. With `@<version>` or `@<run id>` only what was made of that one
    counts; without, any. Requests are those of the last 15 minutes; what is asked of a shadow
    deployment counts 0.
    """
    from lineage_bridge.answers.snapshot import NODE_KEYS
    from lineage_bridge.graph.find import find
    from lineage_bridge.show.tables import print_tables
    from lineage_bridge.show.trouble.hits import impact_json, impact_summary, impact_table

    with judged(settings, at, known_at, NODE_KEYS) as (snapshot, parents):
        found = snapshot.impact(find(snapshot.graph, node, parents))
    if as_json:
        echo_json(impact_json(found))
        return
    if found.hits:
        print_tables([impact_table(found)])
    say(impact_summary(found))
