"""`lineage-bridge status`: what is broken, who is hit, since when, and why."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from lineage_bridge.cli.context import echo_json, json_option, say, with_settings
from lineage_bridge.cli.views import at_option, judged, known_at_option
from lineage_bridge.settings import Settings


@click.command()
@click.option(
    "--all", "every", is_flag=True, help="Also warnings that hit nobody, and the retired."
)
@with_settings
@at_option
@known_at_option
@json_option
def status(
    settings: Settings,
    at: datetime | None,
    known_at: datetime | None,
    *,
    every: bool,
    as_json: bool,
) -> None:
    """Say what is broken now: how many requests are hit, since when, and the likeliest cause.

    One line first, then a block for each origin, and not for each symptom: the cause, whom it hits,
    what they show, and what to run next; the worst first. Exits 1 if something is broken; what is
    only degraded is no reason to get up.
    """
    from lineage_bridge.answers.snapshot import NODE_KEYS
    from lineage_bridge.assess.status.faults import BAD
    from lineage_bridge.graph.find import short_names
    from lineage_bridge.show.trouble.overview import overview_json, overview_lines

    with judged(settings, at, known_at, NODE_KEYS) as (snapshot, _):
        found, names = snapshot.trouble, short_names(snapshot.graph)
    if as_json:
        echo_json(overview_json(found, every=every))
    else:
        for line in overview_lines(found, names, every=every):
            say(line)
    if found.level == BAD:
        sys.exit(1)
