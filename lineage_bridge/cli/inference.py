"""`lineage-bridge inference`: what is in inference logs, in files or as the home knows them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from lineage_bridge.cli.context import Instant, echo_json, json_option, say, with_settings
from lineage_bridge.settings import Settings


@click.command()
@click.argument("asked", nargs=-1, metavar="[DEPLOYMENT|FILE...]")
@click.option(
    "--labels",
    "labels",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What was true, by request id: CSV, JSON lines or parquet; may be given again.",
)
@click.option(
    "--at",
    type=Instant(),
    help="Answer for this time; of files, rows of a later one are from the future.  [default: now]",
)
@with_settings
@json_option
def inference(
    settings: Settings,
    asked: tuple[str, ...],
    labels: tuple[Path, ...],
    at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say how much was answered and how well: by a DEPLOYMENT, by each, or by what is in a FILE.

    What a home knows of a deployment it has from the logs that `backfill` read. A FILE is parquet
    or JSON lines (also .gz), and is read now: how it is understood, and what is rejected. Where its
    fields have other names than the usual ones, lineage-bridge.toml names them:
    `[inference_logs."predictions-*.jsonl"]`. Exits 2 if a file cannot be read.
    """
    if not asked and labels:
        raise click.UsageError("--labels are of a FILE: name one.")
    if len(asked) > 1 or labels or any(_is_file(text) for text in asked):
        _of_files(settings, [Path(text) for text in asked], labels, at, as_json=as_json)
    else:
        _of_deployments(settings, asked, at, as_json=as_json)


def _is_file(text: str) -> bool:
    """Tell whether somebody means a file: there is one, or it is written like one."""
    path = Path(text)
    is_path = text.startswith(("/", "./", "../"))
    return is_path or path.exists() or any(end in _FILES for end in path.suffixes)


_FILES = frozenset({".parquet", ".jsonl", ".ndjson", ".json", ".log", ".csv", ".gz"})


def _of_deployments(
    settings: Settings, asked: Sequence[str], at: datetime | None, *, as_json: bool
) -> None:
    from lineage_bridge.answers.quality import KEYS
    from lineage_bridge.answers.snapshot import STATUS_KEYS
    from lineage_bridge.cli.views import judged

    with judged(settings, at, None, (*STATUS_KEYS, *KEYS)) as (snapshot, parents):
        found = snapshot.quality_of(asked[0], parents) if asked else snapshot.quality
        instant = snapshot.at
    if as_json:
        from lineage_bridge.show.data.quality import quality_json

        echo_json(quality_json(found, instant))
        return
    from lineage_bridge.show.data.quality import quality_tables
    from lineage_bridge.show.tables import print_tables

    print_tables(quality_tables(found, instant))
    if not any(one.versions for one in found):
        say("No inference log is known of it. `lineage-bridge backfill --logs DIR` reads some.")


def _of_files(
    settings: Settings,
    files: Sequence[Path],
    labels: Sequence[Path],
    at: datetime | None,
    *,
    as_json: bool,
) -> None:
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
