"""`lineage-bridge sources`: the folders that a home reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from lineage_bridge.cli.context import (
    echo_json,
    json_option,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.cli.roots import ROOT
from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.adapters.roots import Root
    from lineage_bridge.ingest.sources import Source

family_option = click.option("--family", metavar="NAME", help="Only this one's.  [default: all]")


@click.group()
def sources() -> None:
    """The folders that this home reads: `watch` and `up` notice what changes in them.

    A folder that `backfill` named is one. lineage-bridge.toml may name some too, for every family
    or for one: `sources = { all = ["artifacts"], p5 = ["/var/serving"] }`.
    """


@sources.command("list")
@with_settings
@json_option
def list_(settings: Settings, *, as_json: bool) -> None:
    """List the sources of this home."""
    from lineage_bridge.show.tables import print_tables
    from lineage_bridge.show.watching import sources_json, sources_table

    found = _list(settings)
    if as_json:
        echo_json(sources_json(found))
    elif found:
        print_tables([sources_table(found)])
    else:
        say("There are none. `lineage-bridge sources add FOLDER` names one; so does `backfill`.")


@sources.command("add")
@click.argument("folders", nargs=-1, required=True, type=ROOT)
@family_option
@with_settings
def add(settings: Settings, folders: tuple[Root, ...], family: str | None) -> None:
    """Name FOLDERS (files, or servers by their URLs) that this home reads from now on."""
    from lineage_bridge.ingest.sources import ALL, check_family, named, remember

    chosen = family or ALL
    check_family(chosen)
    with open_journal(settings) as journal:
        count = remember(journal, named(folders, chosen), datetime.now(UTC))
    say(f"{count} added. `lineage-bridge watch` or `up` reads them, and `backfill` once.")


@sources.command("remove")
@click.argument("folder")
@family_option
@with_settings
def remove(settings: Settings, folder: str, family: str | None) -> None:
    """Read FOLDER (or the server of that URL) no more. What was read from it stays."""
    from lineage_bridge.adapters.roots import root_of
    from lineage_bridge.ingest.sources import forget, named

    (source,) = named([root_of(folder)])
    held = [one for one in _list(settings) if one.path == source.path]
    held = [one for one in held if family in {None, one.family}]
    if not held:
        raise SettingsError(f"`{folder}` is no source. `lineage-bridge sources list` lists them.")
    if all(one.is_declared for one in held):
        raise SettingsError(f"`{folder}` is named in `{settings.config_path}`; remove it there.")
    with open_journal(settings) as journal:
        count = forget(journal, source.path, family)
    say(f"{count} removed. What was read from it stays.")


def _list(settings: Settings) -> list[Source]:
    from lineage_bridge.ingest.sources import list_sources
    from lineage_bridge.journal import Journal

    if not (settings.home / "journal.db").is_file():
        import sqlite3

        with sqlite3.connect(":memory:") as connection:
            return list_sources(connection, settings)
    with Journal(settings.home, readonly=True) as journal, journal.reading() as connection:
        return list_sources(connection, settings)
