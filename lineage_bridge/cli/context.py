"""What every command has: `--home`, `--config`, `--json`, the settings and an open journal."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lineage_bridge.times import parse_time

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

NICENESS = 10
is_own_process = False  # a program that calls `main` keeps its priority

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="The data folder.  [env: LINEAGE_BRIDGE_HOME; default: .lineage-bridge]",
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings file.  [default: lineage-bridge.toml here, then in the home]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_settings(command: Command) -> Command:
    """Add `--home` and `--config`; the command gets `settings` instead of them."""

    @home_option
    @config_option
    @functools.wraps(command)
    def wrapped(home: Path | None, config: Path | None, **options: Any) -> Any:
        return command(settings=settings_of(home=home, config=config), **options)

    return wrapped  # type: ignore[return-value] # the decorators change the signature on purpose


def settings_of(**flags: Any) -> Settings:
    """The settings, with these flags on top.

    Raises:
        SettingsError: see `settings.load_settings`.
    """
    from lineage_bridge.settings import load_settings

    return load_settings(flags, os.environ, working_folder=Path.cwd())


def in_namespace_of_home(settings: Settings) -> Settings:
    """A home keeps the namespace of its first backfill: it counts where none is set."""
    from lineage_bridge.ingest.memory import namespace_of
    from lineage_bridge.journal import Journal

    if "namespace" in settings.model_fields_set or not (settings.home / "journal.db").is_file():
        return settings
    with Journal(settings.home, readonly=True) as journal, journal.reading() as connection:
        held = namespace_of(connection)
    return settings.model_copy(update={"namespace": held}) if held else settings


@contextmanager
def open_journal(settings: Settings, *, readonly: bool = False) -> Iterator[Journal]:
    """The journal of the settings' home, closed at the end.

    What an earlier process left behind is brought to its end first.
    """
    from lineage_bridge.journal import Journal, spool
    from lineage_bridge.journal.prune import finish_pruning

    with takeover_progress() as told:
        opened = Journal(settings.home, readonly=readonly, progress=told)
    with opened as journal:
        if not readonly:
            finish_pruning(journal)
            spool.take_in(journal)
        yield journal


@contextmanager
def takeover_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress line on standard error while a home of an older version is taken over."""
    is_said = False
    with _bar("Taking the home over") as told_bar:

        def told(what: str, done: int, total: int) -> None:
            nonlocal is_said
            if not is_said:
                say("This home is of an older version; it is taken over, once.", err=True)
                is_said = True
            told_bar(f"Taking the home over: {what}", done, total)

        yield told


@contextmanager
def deriving_progress() -> Iterator[Callable[[int, int], None]]:
    """A progress line on standard error while what is derived follows the journal."""
    with _bar("Deriving") as told:
        yield lambda done, total: told("Deriving from the journal", done, total)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar, where standard error is a terminal, from the first time that it is told anything."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        task = bars.add_task(name, total=None, visible=False)
        yield lambda what, done, total: bars.update(
            task, description=what, completed=done, total=total, visible=True
        )


class Instant(click.ParamType[datetime]):
    """An RFC 3339 time with a zone, as an aware datetime in UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant, zoned = parse_time(value)
        except ValueError as exc:
            self.fail(f"{value!r}: {exc}", param, ctx)
        if not zoned:
            self.fail(f"{value!r} has no zone; write it with Z or an offset", param, ctx)
        return instant


def give_way() -> None:
    """Let who appends and who asks go first on a busy machine: this is work for the background."""
    if is_own_process and hasattr(os, "nice"):
        os.nice(NICENESS)


def say(*lines: str, err: bool = False) -> None:
    """Print lines; what they quote of others stays within its line."""
    from lineage_bridge.show.text import printable

    for line in lines:
        click.echo(printable(line), err=err)


def echo_json(document: Any) -> None:
    """Print JSON: indented, keys in the order of the published shape."""
    from lineage_bridge.show.formats import json_text

    click.echo(json_text(document))
