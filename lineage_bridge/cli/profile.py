"""`lineage-bridge profile`: what is in files of data, column by column."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lineage_bridge.cli.context import echo_json, json_option, open_journal, say, with_settings
from lineage_bridge.errors import ArtifactError, JournalError
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.observe.kept_profiles import AskedKeys, Profiled

Command = TypeVar("Command", bound=Callable[..., Any])


def with_row_keys(command: Command) -> Command:
    """Add `--entity` and `--time`, the columns that say of what and of when a row is."""
    entity = click.option(
        "--entity", metavar="COLUMN", help="The column that says of what a row is."
    )
    time = click.option(
        "--time",
        metavar="COLUMN",
        help="The column that says of when a row is.  [default: the only one with times]",
    )
    return entity(time(command))


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@with_row_keys
@with_settings
@json_option
def profile(
    settings: Settings,
    files: tuple[Path, ...],
    entity: str | None,
    time: str | None,
    *,
    as_json: bool,
) -> None:
    """Say what is in each FILE: rows, nulls, ranges, labels, distributions.

    A FILE is parquet, or an inference log as JSON lines (also .gz). It is read once: its profile is
    kept in the home. Exits 2 if a file cannot be read.
    """
    from lineage_bridge.observe.kept_profiles import AskedKeys

    found, failed = read_profiles(settings, files, AskedKeys(entity, time, settings.inference_logs))
    if as_json:
        from lineage_bridge.show.data.shapes import profiles_json

        echo_json(profiles_json(found))
    elif found:
        from lineage_bridge.show.data.profiles import profile_table
        from lineage_bridge.show.tables import print_tables

        print_tables(map(profile_table, found))
    if failed:
        from lineage_bridge.show.messages import error_text

        for error in failed:
            say(f"Error: {error_text(error)}", err=True)
        sys.exit(2)


def read_profiles(
    settings: Settings, files: Sequence[Path], asked: AskedKeys
) -> tuple[list[Profiled], list[ArtifactError]]:
    """Find the profiles of files in the home, read what is not there, and keep it.

    A home that cannot be written costs time and no answer: the file is read again next time.
    """
    from lineage_bridge.observe.kept_profiles import Profiled

    found: list[Profiled] = []
    failed: list[ArtifactError] = []
    with home_for_reading(settings) as journal:
        for file in files:
            try:
                found.append(Profiled.of(file, asked, journal))
            except ArtifactError as exc:
                failed.append(exc)
    keep_profiles(settings, [one for one in found if not one.is_kept])
    return found, failed


@contextmanager
def home_for_reading(settings: Settings) -> Iterator[Journal | None]:
    """Open the journal of the home for reading, if there is one."""
    from lineage_bridge.journal import Journal

    if not (settings.home / "journal.db").is_file():
        yield None
        return
    with Journal(settings.home, readonly=True) as journal:
        yield journal


def keep_profiles(settings: Settings, made: Sequence[Profiled]) -> None:
    """Keep profiles that were made; a home that cannot be written costs time next time."""
    from lineage_bridge.observe.kept_profiles import keep

    if not made:
        return
    try:
        with open_journal(settings) as journal:
            for one in made:
                keep(journal, one)
    except JournalError as exc:
        say(f"What was read is not kept, and is read again next time: {exc}", err=True)
