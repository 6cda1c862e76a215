"""`lineage-bridge journal`: look after the journal."""

from __future__ import annotations

import click

from lineage_bridge.cli.context import echo_json, json_option, open_journal, with_settings
from lineage_bridge.settings import Settings


@click.group()
def journal() -> None:
    """Look after the journal: the durable list of events that everything is derived from."""


@journal.command()
@with_settings
@json_option
def status(settings: Settings, *, as_json: bool) -> None:
    """Say what the journal holds."""
    with open_journal(settings, readonly=True) as opened:
        shape = {"path": str(opened.path), "events": opened.last_seq()}
    if as_json:
        echo_json(shape)
    else:
        click.echo(f"{shape['path']}: {shape['events']} events")
