"""`lineage-bridge blame`: why something is as it is, the likeliest cause first."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from lineage_bridge.cli.context import echo_json, json_option, say, with_settings
from lineage_bridge.cli.views import at_option, judged, known_at_option
from lineage_bridge.settings import Settings


@click.command()
@click.argument("symptom")
@with_settings
@at_option
@known_at_option
@json_option
def blame(
    settings: Settings,
    symptom: str,
    at: datetime | None,
    known_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say what is the cause of SYMPTOM: the faults and changes that explain it best, in order.

    SYMPTOM is a deployment, or any node, version or run, written as for `path`. Each cause has its
    score, the parts that multiply to it, the way from it, and what was found with its numbers.
    What only passes a fault on stands below its cause. Exits 1 if there is a cause.
    """
    from lineage_bridge.answers.snapshot import NODE_KEYS
    from lineage_bridge.graph.find import find
    from lineage_bridge.show.trouble.causes import blame_json, blame_lines

    with judged(settings, at, known_at, NODE_KEYS) as (snapshot, parents):
        found = snapshot.blame(find(snapshot.graph, symptom, parents))
    if as_json:
        echo_json(blame_json(found))
    else:
        say(*blame_lines(found))
    if found.causes:
        sys.exit(1)
