"""`lineage-bridge watch`: read the sources of a home, and whatever changes in them, for ever."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lineage_bridge.cli.context import (
    echo_json_line,
    in_namespace_of_home,
    json_option,
    network_under,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.ingest.watch import Pass
    from lineage_bridge.journal import Journal
    from lineage_bridge.serve.child import Child

STDIN: Final = 0
LOOK_SECONDS: Final = 2.0  # from one look for a first source to the next


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--poll", is_flag=True, help="Look again and again, without asking the system.")
@click.option("--no-observe", is_flag=True, help="Do not read what is in datasets and logs.")
@click.option(
    "--until-input-ends", is_flag=True, hidden=True, help="End with standard input: as a child."
)
@with_settings
@json_option
def watch(
    settings: Settings,
    folders: tuple[Path, ...],
    *,
    poll: bool,
    no_observe: bool,
    until_input_ends: bool,
    as_json: bool,
) -> None:
    """Read the sources of this home, and whatever changes in them, until it is stopped.

    FOLDERS become sources. New and grown files are read within two seconds; where the system cannot
    tell (a network share), everything is looked at again and again. With MARQUEZ_URL set, the
    events are forwarded too. `up` does all of this by default.
    """
    from lineage_bridge.cli.serve import listen_for_interrupt

    stop = until_end_of_input() if until_input_ends else listen_for_interrupt()
    settings = in_namespace_of_home(settings)
    with ExitStack() as stack:
        journal = stack.enter_context(open_journal(settings))
        if folders:
            from lineage_bridge.ingest.sources import named, remember

            remember(journal, named(folders), datetime.now(UTC))
        if settings.marquez_url and not until_input_ends:
            from lineage_bridge.cli.sharing import forwarding

            stack.enter_context(forwarding(journal, settings))
        tell = _teller(as_json=as_json)
        watch_until(journal, settings, stop, poll=poll, observes=not no_observe, tell=tell)


def watch_until(
    journal: Journal,
    settings: Settings,
    stop: threading.Event,
    *,
    poll: bool,
    observes: bool,
    tell: Callable[[Pass], None],
) -> None:
    """Watch the sources of a home until it is stopped.

    Raises:
        SettingsError: there is no source.
    """
    from lineage_bridge.answers import Snapshots
    from lineage_bridge.assess.policies import Policies
    from lineage_bridge.ingest.changes import Changes
    from lineage_bridge.ingest.watch import Watcher
    from lineage_bridge.serve.passing_time import KEYS, PassingTime

    def trouble(what: str) -> None:
        say(what, err=True)

    snapshots = Snapshots(journal, Policies.of(settings), KEYS)
    passing = PassingTime(journal, snapshots, settings.namespace, lambda: datetime.now(UTC))
    watcher = Watcher(
        journal,
        settings,
        stop,
        tell=tell,
        trouble=trouble,
        between=passing.look,
        observes=observes,
    )
    roots = watcher.roots()
    if not roots:
        raise SettingsError(
            "There is nothing to watch. Name folders here, or with `lineage-bridge sources add`."
        )
    network = _network_of(roots)
    if network and not poll:
        trouble(f"{network}: the system does not tell what changes there; looking again and again.")
    watcher.run(Changes(watcher.roots, stop, poll=poll or bool(network), trouble=trouble))


def _network_of(roots: list[str]) -> str | None:
    """Name the first source on a network share."""
    for root in roots:
        kind = network_under(Path(root))
        if kind is not None:
            return f"`{root}` is on a network ({kind})"
    return None


def _teller(*, as_json: bool) -> Callable[[Pass], None]:
    from lineage_bridge.show.watching import pass_json, pass_line

    def tell(one: Pass) -> None:
        if as_json:
            echo_json_line(pass_json(one, datetime.now(UTC)))
        elif one.events or one.done.rejected or one.is_whole:
            say(pass_line(one, datetime.now(UTC)))

    return tell


@contextmanager
def watching(journal: Journal, settings: Settings) -> Iterator[None]:
    """Watch the sources of a home in a process of its own until the block ends.

    Reading and judging compute, which would slow down the threads that answer. Where there is no
    source yet, none is started until there is one.
    """
    stop = threading.Event()
    children: list[Child] = []

    def start() -> None:
        from lineage_bridge.serve.child import Child

        while not _has_sources(journal, settings):
            if stop.wait(LOOK_SECONDS):
                return
        children.append(Child(_command(settings), "watches the sources"))

    thread = threading.Thread(target=start, name="sources", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for child in children:
            child.close()


def _has_sources(journal: Journal, settings: Settings) -> bool:
    from lineage_bridge.ingest.sources import list_sources

    with journal.reading() as connection:
        return bool(list_sources(connection, settings))


def _command(settings: Settings) -> list[str]:
    config = settings.config_path
    return [
        *(sys.executable, "-m", "lineage_bridge.cli.main", "watch", "--until-input-ends"),
        *("--home", str(settings.home.absolute())),
        *(("--config", str(config.absolute())) if config is not None else ()),
    ]


def until_end_of_input() -> threading.Event:
    """Make an event that is set when standard input ends: with the process that started this one.

    Ctrl-C is for that process alone.
    """
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()

    def wait() -> None:
        while os.read(STDIN, 65_536):
            pass
        stop.set()

    threading.Thread(target=wait, name="input", daemon=True).start()
    return stop
