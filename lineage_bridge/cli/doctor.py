"""`lineage-bridge doctor`: what is missing, what it costs, and what mends it."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from lineage_bridge.cli.context import (
    bring_up_to_date,
    echo_json,
    in_namespace_of_home,
    json_option,
    open_journal,
    with_settings,
)
from lineage_bridge.settings import Settings


@click.command()
@with_settings
@json_option
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Say what could not be linked or read, which edge that costs, and the line that mends it.

    Exits 1 if an edge is missing or a file was rejected.
    """
    from lineage_bridge.answers.snapshot import NODE_KEYS
    from lineage_bridge.cli.views import judged
    from lineage_bridge.follow.status import shared_graph
    from lineage_bridge.ingest.doctor import diagnose
    from lineage_bridge.show.artifacts import print_diagnosis
    from lineage_bridge.show.shapes import diagnosis_json
    from lineage_bridge.show.tables import console
    from lineage_bridge.show.trouble.notes import notes_of

    with open_journal(settings, readonly=True) as journal:
        bring_up_to_date(journal, settings, "graph", "identities")
        found = diagnose(journal, in_namespace_of_home(settings))
        found = replace(found, notes=[*found.notes, *shared_graph(journal)])
    with judged(settings, None, None, NODE_KEYS) as (snapshot, _):
        found = replace(found, notes=[*found.notes, *notes_of(snapshot.statuses.amiss())])
    if as_json:
        echo_json(diagnosis_json(found))
    else:
        print_diagnosis(console(), found)
    if not found.is_clean:
        sys.exit(1)
