"""What `up` shares with a Marquez: threads that end with the command."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lineage_bridge.cli.context import say

if TYPE_CHECKING:
    from lineage_bridge.follow.follower import Follower
    from lineage_bridge.journal import Journal
    from lineage_bridge.settings import Settings
    from lineage_bridge.share.forward import Forwarder

STOP_SECONDS = 5.0  # forwarding notices a stop within half a second, and ends in another one


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
