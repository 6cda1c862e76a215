"""`lineage-bridge backfill`: artifacts on disk -> events in the journal (and in Marquez)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from lineage_bridge.cli.context import (
    config_option,
    echo_json,
    home_option,
    json_option,
    open_journal,
    say,
)
from lineage_bridge.cli.progress import progress
from lineage_bridge.cli.roots import ROOT

if TYPE_CHECKING:
    import sqlite3

    from lineage_bridge.adapters.roots import Root
    from lineage_bridge.ingest.backfill import Backfill, Progress
    from lineage_bridge.ingest.observing import Observed
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings

Folders = tuple[Path, ...]
Roots = tuple["Root", ...]

_PARAMETER: Final = "family_"  # so that no family's name is that of another option


class _WithFamilies(click.Command):
    """A command with one option a family; adapters are loaded when its options are asked for."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options of the families before the command's own."""
        own = super().get_params(ctx)
        folders = [p for p in own if isinstance(p, click.Argument)]
        return [*folders, *_family_options(), *(p for p in own if p not in folders)]


@cache
def _family_options() -> Sequence[click.Option]:
    from lineage_bridge.adapters.api import server_kind
    from lineage_bridge.adapters.registry import adapters

    return [
        click.Option(
            [_PARAMETER + name.replace("-", "_"), f"--{name}"],
            multiple=True,
            type=ROOT,
            metavar="DIR" if server_kind(adapter) is None else "DIR|URL",
            help=f"{adapter.title}; may be given several times.",
        )
        for name, adapter in adapters().items()
    ]


@click.command(cls=_WithFamilies)
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--namespace", help="The platform's namespace.  [default: default, or the home's]")
@click.option("--dry-run", is_flag=True, help="Print the events that would be appended, and stop.")
@click.option("--no-observe", is_flag=True, help="Do not read what is in datasets and logs.")
@click.option("--no-wait", is_flag=True, help="Do not wait for Marquez; `journal forward` goes on.")
@home_option
@config_option
@json_option
def backfill(
    folders: Folders,
    namespace: str | None,
    home: Path | None,
    config: Path | None,
    *,
    dry_run: bool,
    no_observe: bool,
    no_wait: bool,
    as_json: bool,
    **families: Roots,
) -> None:
    """Read artifacts and append their events to the journal.

    FOLDERS are searched for every family, the options that take a DIR for one each; all at any
    depth, in any order. Run it again whenever you like: what is unchanged is skipped, nothing is
    appended twice. What is in the datasets is then checked; see `check`.
    With MARQUEZ_URL set, the events are then forwarded to that Marquez.

    Exits 1 if a file or line was rejected or while there are dead letters, which Marquez did not
    take; 3 if Marquez was not reached.
    """
    from lineage_bridge.cli.context import in_namespace_of_home, settings_of

    roots = _roots(folders, families)
    settings = settings_of(home=home, config=config, namespace=namespace)
    if namespace is None:
        settings = in_namespace_of_home(settings)
    if dry_run:
        done = _dry_run(settings, roots, observes=not no_observe, as_json=as_json)
    else:
        with open_journal(settings) as journal:
            done, observed = _read(journal, settings, roots, observes=not no_observe, quiet=as_json)
            _remember(journal, folders, families)
        if as_json:
            from lineage_bridge.show.shapes import backfill_json

            echo_json(backfill_json(done, observed))
        else:
            _print(done, observed, settings)
        if settings.marquez_url and not no_wait and not _forward(settings, quiet=as_json):
            sys.exit(1)
    if done.rejected:
        sys.exit(1)


def _roots(folders: Folders, families: dict[str, Roots]) -> dict[str, Sequence[Root]]:
    """Return the folders of each family, and say which adapters cannot be used."""
    from lineage_bridge.adapters.registry import registry

    known = registry()
    say(*known.troubles, err=True)
    given = {name: families[_PARAMETER + name.replace("-", "_")] for name in known.adapters}
    roots: dict[str, Sequence[Root]] = {
        name: [*folders, *paths] for name, paths in given.items() if folders or paths
    }
    if not roots:
        options = [f"--{name}" for name in known.adapters]
        flags = f"{', '.join(options[:-1])} or {options[-1]}"
        raise click.UsageError(f"Name at least one folder, or use {flags}.")
    return roots


def _read(
    journal: Journal,
    settings: Settings,
    roots: dict[str, Sequence[Root]],
    *,
    observes: bool,
    quiet: bool,
) -> tuple[Backfill, Observed | None]:
    from lineage_bridge.ingest.backfill import backfill as run_backfill
    from lineage_bridge.ingest.backfill import rejected_below
    from lineage_bridge.ingest.observing import observe

    with _progress(quiet=quiet) as progress:
        done = run_backfill(journal, settings, roots, progress=progress)
        if not observes:
            return done, None
        observed = observe(journal, settings, progress=progress, now=datetime.now(UTC))
        done.rejected = rejected_below(journal, roots, done.refused)  # rows of logs are among them
        return done, observed


def _remember(journal: Journal, folders: Folders, families: dict[str, Roots]) -> None:
    """Remember what was named, so that `watch` and `up` read it too."""
    from lineage_bridge.ingest.sources import named, remember

    sources = named(folders)
    for option, paths in families.items():
        sources += named(paths, option.removeprefix(_PARAMETER).replace("_", "-"))
    remember(journal, sources, datetime.now(UTC))


def _dry_run(
    settings: Settings, roots: dict[str, Sequence[Root]], *, observes: bool, as_json: bool
) -> Backfill:
    """Backfill into a temporary journal, and print the events that the home does not have yet."""
    from lineage_bridge.care.removal import known_ids, pruned_ids, take_as_pruned
    from lineage_bridge.events import decode
    from lineage_bridge.journal import Journal

    known, pruned = set(_ids(settings, known_ids)), _ids(settings, pruned_ids)
    with TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        take_as_pruned(journal, pruned)  # what was found in what is pruned is not told again
        done, observed = _read(journal, settings, roots, observes=observes, quiet=as_json)
        events = [
            decode(stored.body)
            for stored in journal.read(limit=sys.maxsize)
            if stored.id not in known
        ]
    if as_json:
        echo_json(events)
    else:
        _print(done, observed, settings)
        say(f"{len(events):,} events would be appended; --json prints them.")
    return done


def _print(done: Backfill, observed: Observed | None, settings: Settings) -> None:
    from lineage_bridge.show.artifacts import print_backfill, print_observed
    from lineage_bridge.show.tables import console

    print_backfill(console(), done, settings.home)
    if observed is not None:
        print_observed(console(), observed)


def _ids(
    settings: Settings, read: Callable[[sqlite3.Connection], Collection[str]]
) -> Collection[str]:
    from lineage_bridge.journal import Journal

    if not (settings.home / "journal.db").is_file():
        return ()
    with Journal(settings.home, readonly=True) as journal, journal.reading() as connection:
        return read(connection)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    with progress(quiet=quiet) as report:
        yield lambda step, count, total: report(f"Reading {step}", count, total)


def _forward(settings: Settings, *, quiet: bool) -> bool:
    """Forward the new events; return whether all that there are have arrived."""
    from lineage_bridge.cli.forward import forward_now

    report = forward_now(settings, quiet=quiet)
    return report is not None and not report.status.dead
