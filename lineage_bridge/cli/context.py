"""The parts that commands share: `--home`, `--config`, `--json`, settings and an open journal."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lineage_bridge.cli.progress import progress
from lineage_bridge.commands import at_home, pasteable
from lineage_bridge.times import asked_time

if TYPE_CHECKING:
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

NICENESS = 10
MOUNTS = Path("/proc/self/mountinfo")
is_own_process = False  # True for the command itself; a program that calls `main` stays as it is

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
p6_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "p6"]),
    default="table",
    show_default=True,
    help="For people, programs, or programs that read what P6 wrote.",
)


def with_settings(command: Command) -> Command:
    """Add `--home` and `--config`; the command gets `settings` instead of them."""

    @home_option
    @config_option
    @functools.wraps(command)
    def wrapped(home: Path | None, config: Path | None, **options: Any) -> Any:
        at_home(home)
        return command(settings=settings_of(home=home, config=config), **options)

    return wrapped  # type: ignore[return-value] # the decorators change the signature on purpose


def settings_of(**flags: Any) -> Settings:
    """Load the settings; these flags override them.

    Raises:
        SettingsError: see `settings.load_settings`.
    """
    from lineage_bridge.settings import load_settings

    return load_settings(flags, os.environ, working_folder=Path.cwd())


def in_namespace_of_home(settings: Settings) -> Settings:
    """Use the namespace of the home's first backfill where the settings name none.

    A home that only imported events takes theirs, if they have one in common.
    """
    from lineage_bridge.ingest.memory import namespace_of
    from lineage_bridge.journal import Journal
    from lineage_bridge.link.identities import only_namespace

    if "namespace" in settings.model_fields_set or not (settings.home / "journal.db").is_file():
        return settings
    with Journal(settings.home, readonly=True) as journal:
        with journal.reading() as connection:
            held = namespace_of(connection)
        if held is None:
            bring_up_to_date(journal, settings, "identities")
            with journal.reading() as connection:
                held = only_namespace(connection)
    return settings.model_copy(update={"namespace": held}) if held else settings


@contextmanager
def open_journal(settings: Settings, *, readonly: bool = False) -> Iterator[Journal]:
    """Open the journal of the settings' home, and close it at the end.

    What an earlier process left is done first: unfinished pruning, and appending spooled events.
    Deployments that an earlier version named get their names of today.
    """
    from lineage_bridge.journal import Journal, spool

    _warn_of_network(settings.home.absolute())
    with takeover_progress() as told:
        opened = Journal(settings.home, readonly=readonly, progress=told)
    with opened as journal:
        if not readonly:
            from lineage_bridge.care.removal import finish_pruning

            finish_pruning(journal)
            spool.take_in(journal)
            rename_deployments(journal)
        yield journal


@functools.cache  # once, however often a command opens its home
def _warn_of_network(home: Path) -> None:
    network = network_under(home)
    if network is not None:
        say(
            f"The home `{home}` is on a network ({network}). It must be on a disk of the one "
            "host that uses it, or events may be lost; see docs/journal.md.",
            err=True,
        )


def network_under(path: Path) -> str | None:
    """Return the network file system that a path is on, as far as the system tells."""
    from lineage_bridge.journal.trouble import network_of

    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # no Linux
        return None
    return network_of(path, mounts)


def rename_deployments(journal: Journal) -> None:
    """Give deployments their names of today, where events came that have former ones."""
    from lineage_bridge.care.rename import is_due, rename

    if not is_due(journal):
        return
    with progress() as report:
        count = rename(journal, functools.partial(report, "Renaming deployments"))
    if count:
        say(
            f"Deployments have new names: {count:,} events were appended; see docs/names.md.",
            err=True,
        )


def bring_up_to_date(journal: Journal, settings: Settings, *names: str) -> None:
    """Derive models from the journal's new events; the journal may be open only to read.

    Args:
        journal: of the home.
        settings: name the home.
        names: of the models; by default the graph.
    """
    from lineage_bridge.care.rename import is_due
    from lineage_bridge.cli.models import models_of
    from lineage_bridge.errors import JournalError
    from lineage_bridge.journal import catch_up, spool
    from lineage_bridge.journal.models import is_current

    models = models_of(names or ("graph",))
    with journal.reading() as connection:
        current = all(is_current(connection, model) for model in models)
    if current and not spool.waits(settings.home) and not is_due(journal):
        return
    try:
        with open_journal(settings) as writable, deriving_progress() as told:
            for model in models:
                catch_up(writable, model, told)
    except JournalError:
        if not current or spool.waits(settings.home):
            raise
        # A home that cannot be written answers as it is: deployments keep their former names.


@contextmanager
def takeover_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress line on standard error while a home of an older version is converted."""
    is_said = False
    with progress() as report:

        def told(what: str, done: int, total: int) -> None:
            nonlocal is_said
            if not is_said:
                say("This home is of an older version; it is taken over, once.", err=True)
                is_said = True
            report(f"Taking the home over: {what}", done, total)

        yield told


@contextmanager
def deriving_progress() -> Iterator[Callable[[int, int], None]]:
    """Show a progress line on standard error while tables are derived from the journal."""
    with progress() as report:
        yield functools.partial(report, "Deriving from the journal")


class Instant(click.ParamType[datetime]):
    """A time as people write it (see `asked_time`), as an aware datetime in UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return asked_time(value, datetime.now(UTC))
        except ValueError as exc:
            self.fail(f"{value!r}: {exc}", param, ctx)


def give_way() -> None:
    """Lower the priority, so that appending and asking go first: this is background work."""
    if is_own_process and hasattr(os, "nice"):
        os.nice(NICENESS)


def say(*lines: str, err: bool = False) -> None:
    """Print lines; commands in them can be pasted, text of others stays within its line."""
    from lineage_bridge.show.text import printable

    for line in lines:
        click.echo(printable(pasteable(line)), err=err)


def echo_json(document: Any) -> None:
    """Print JSON: indented, keys in the order of the published shape."""
    from lineage_bridge.show.formats import json_text

    click.echo(json_text(document))


def echo_json_line(document: Any) -> None:
    """Print JSON in one line, at once: of output that goes on."""
    from lineage_bridge.show.formats import json_line

    click.echo(json_line(document))
