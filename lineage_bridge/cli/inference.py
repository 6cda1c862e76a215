"""`lineage-bridge inference`: what is in inference logs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from lineage_bridge.cli.context import Instant, echo_json, json_option, say, with_settings
from lineage_bridge.settings import Settings


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option(
    "--labels",
    "labels",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What was true, by request id: CSV, JSON lines or parquet; may be given again.",
)
@click.option(
    "--at", type=Instant(), help="Rows of a later time are from the future.  [default: now]"
)
@with_settings
@json_option
def inference(
    settings: Settings,
    files: tuple[Path, ...],
    labels: tuple[Path, ...],
    at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say what is in inference logs: what was understood, what was rejected, who answered how well.

    A FILE is parquet or JSON lines (also .gz). Where its fields have other names than the usual
    ones, lineage-bridge.toml names them: `[inference_logs."predictions-*.jsonl"]`. Exits 2 if a
    file cannot be read.
    """
    from lineage_bridge.inference.summary import summarize

    found = summarize(files, settings.inference_logs, at or datetime.now(UTC), labels)
    if as_json:
        from lineage_bridge.show.data.shapes import inference_json

        echo_json(inference_json(found))
    elif found.files:
        from lineage_bridge.show.data.inference import inference_tables, rejected_lines
        from lineage_bridge.show.tables import print_tables

        print_tables(inference_tables(found))
        say(*rejected_lines(found))
    if found.failed:
        from lineage_bridge.show.messages import error_text

        for error in found.failed:
            say(f"Error: {error_text(error)}", err=True)
        sys.exit(2)
