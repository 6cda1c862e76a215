"""What commands that share with a Marquez have in common, and the threads of `up` that do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lineage_bridge.cli.context import say
from lineage_bridge.errors import SettingsError

if TYPE_CHECKING:
    from lineage_bridge.follow.follower import Follower
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings
    from lineage_bridge.share.forward import Forwarder

STOP_SECONDS = 5.0  # forwarding notices a stop within half a second, and ends in another one


timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up when Marquez was not reached for so long.",
)


def check_marquez(settings: Settings) -> None:
    """Refuse settings that name no Marquez.

    Raises:
        SettingsError: they do not.
    """
    if settings.marquez_url is None:
        raise SettingsError(
            "No Marquez is named. Set MARQUEZ_URL, or `marquez_url` in lineage-bridge.toml."
        )


@contextmanager
def forwarding(journal: Journal, settings: Settings) -> Iterator[Forwarder]:
    """Send what is ours to the Marquez of the settings until the block ends."""
    from lineage_bridge.share.forward import Forwarder

    forwarder = Forwarder(
        journal, str(settings.marquez_url), api_key=settings.marquez_api_key, give_up_seconds=None
    )
    with _beside("forward", forwarder.run_forever, "Forwarding ended: "):
        yield forwarder


@contextmanager
def following(journal: Journal, settings: Settings) -> Iterator[Follower]:
    """Take in what others sent to the Marquez of the settings until the block ends."""
    from lineage_bridge.follow.follower import Follower

    follower = Follower(journal, str(settings.marquez_url), api_key=settings.marquez_api_key)
    with _beside("follow", follower.run_forever):
        yield follower


@contextmanager
def _beside(
    task: str,
    run_forever: Callable[[threading.Event, Callable[[str], None]], None],
    prefix: str = "",
) -> Iterator[None]:
    """Run a task in a thread until the block ends."""
    stop = threading.Event()

    def tell(what: str) -> None:
        say(f"{prefix}{what}", err=True)

    thread = threading.Thread(target=run_forever, args=(stop, tell), name=task, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=STOP_SECONDS)
