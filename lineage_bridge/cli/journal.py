"""`lineage-bridge journal`: look after the journal and what is forwarded from it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineage_bridge.cli.context import (
    deriving_progress,
    echo_json,
    give_way,
    json_option,
    open_journal,
    rename_deployments,
    say,
    with_settings,
)
from lineage_bridge.cli.forward import dead, dismiss, forward, retry
from lineage_bridge.cli.models import models_of
from lineage_bridge.cli.prune import prune

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings


@click.group()
def journal() -> None:
    """Look after the journal: the durable list of events that everything is derived from."""


journal.add_command(prune)
for command in (forward, dead, retry, dismiss):
    journal.add_command(command)


@journal.command()
@with_settings
@json_option
def status(settings: Settings, *, as_json: bool) -> None:
    """Say what the journal holds, and what of it is where.

    Events by origin, their first and last time, how far the models and each Marquez are. A
    Marquez that is parked takes nothing until a setting changes.
    """
    from lineage_bridge.show.journal import status_lines

    with open_journal(settings, readonly=True) as opened:
        shape = _status(opened, settings.marquez_url)
    if as_json:
        echo_json(shape)
        return
    say(*status_lines(shape))


def _status(opened: Journal, url: str | None) -> dict[str, Any]:
    from lineage_bridge.follow.status import list_sources
    from lineage_bridge.journal.models import list_models
    from lineage_bridge.share.targets import list_targets
    from lineage_bridge.show.formats import present
    from lineage_bridge.times import format_time, from_micros

    with opened.reading() as connection:
        origins = dict(
            connection.execute(
                "SELECT origin, count(*) FROM events GROUP BY origin ORDER BY origin"
            )
        )
        first, last = connection.execute("SELECT min(time_us), max(time_us) FROM events").fetchone()
        models = list_models(connection)
    shape: dict[str, Any] = {
        "path": str(opened.path),
        "bytes": opened.bytes_on_disk(),
        "events": sum(origins.values()),
        "origins": origins,
    }
    if first is not None:
        shape |= {"first": format_time(from_micros(first)), "last": format_time(from_micros(last))}
    shape["models"] = [{"name": n, "version": v, "reached": seq} for n, v, seq in models]
    shape["forward"] = [present(**asdict(target)) for target in list_targets(opened, url)]
    shape["follow"] = [present(**asdict(source)) for source in list_sources(opened)]
    return shape


@journal.command()
@with_settings
@json_option
def verify(settings: Settings, *, as_json: bool) -> None:
    """Check the file and every event in it.

    Is the file sound, is every event there once, and is it what its id says? Exits 1 if not.
    """
    from lineage_bridge.care.verify import DERIVED
    from lineage_bridge.care.verify import verify as verify_journal
    from lineage_bridge.journal.trouble import WAY_OUT

    count, problems = verify_journal(settings.home)
    if as_json:
        echo_json({"events": count, "problems": problems})
    else:
        say(*problems)
        say(f"{count} events checked, {len(problems)} problems.")
        if not all(problem.startswith(DERIVED) for problem in problems):
            say(WAY_OUT)
    sys.exit(1 if problems else 0)


@journal.command()
@with_settings
@json_option
def rebuild(settings: Settings, *, as_json: bool) -> None:
    """Drop what is derived from the journal, and derive it again."""
    from lineage_bridge.care.rebuild import rebuild as rebuild_models

    give_way()
    with open_journal(settings) as opened, deriving_progress() as told:
        reached = rebuild_models(opened, models_of(), progress=told)
    if as_json:
        echo_json([{"name": name, "reached": seq} for name, seq in reached.items()])
        return
    for name, seq in reached.items():
        say(f"Model {name}: rebuilt up to event {seq}")


@journal.command("export")
@click.argument("file", metavar="FILE|-")
@click.option("--salvage", is_flag=True, help="Write what can still be read of a damaged journal.")
@with_settings
def export_(settings: Settings, *, file: str, salvage: bool) -> None:
    """Write all events to FILE, one a line.

    They are in the order of arrival; gzip if FILE ends in .gz. With --salvage the journal's file
    may be damaged in any way; it stays as it is. Says which events are lost or altered, and exits 1
    if any is.
    """
    if salvage:
        _salvage(settings, file)
        return
    from lineage_bridge.care.archive import export_events

    with open_journal(settings, readonly=True) as opened:
        written = export_events(opened, file)
    say(f"{written} events written.", err=True)


def _salvage(settings: Settings, file: str) -> None:
    from lineage_bridge.care.salvage.rescue import rescue
    from lineage_bridge.journal import spool
    from lineage_bridge.show.journal import rescued_lines

    rescued = rescue(settings.home, file)
    say(*rescued_lines(rescued), err=True)
    if spool.waits(settings.home):
        say(f"Events of pipelines wait in `{spool.NAME}`: move it into the new home.", err=True)
    sys.exit(0 if rescued.is_complete else 1)


@journal.command("import")
@click.argument("file", metavar="FILE|-")
@click.option(
    "--rejected",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to put lines that are no events.  [default: a new file in the home]",
)
@with_settings
@json_option
def import_(settings: Settings, *, file: str, rejected: Path | None, as_json: bool) -> None:
    """Append the events of FILE, one a line, plain or gzip.

    Events that the journal has already are left out. Lines that are no events are set aside in a
    file of their own, and why in another. Exits 1 if there were any, or if FILE could not be read
    to its end.
    """
    from lineage_bridge.care.restore import import_events
    from lineage_bridge.show.journal import imported_json, imported_lines

    with open_journal(settings) as opened:
        imported = import_events(opened, file, rejected)
        rename_deployments(opened)
    if as_json:
        echo_json(imported_json(imported))
    else:
        say(*imported_lines(imported))
    sys.exit(0 if imported.is_whole else 1)
