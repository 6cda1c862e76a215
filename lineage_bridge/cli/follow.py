"""`lineage-bridge follow`: take in what others sent to a shared Marquez."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lineage_bridge.cli.context import (
    echo_json,
    json_option,
    open_journal,
    say,
    settings_of,
    with_settings,
)
from lineage_bridge.cli.progress import Report, progress
from lineage_bridge.cli.sharing import check_marquez, timeout_option

if TYPE_CHECKING:
    from lineage_bridge.follow.follower import FollowReport
    from lineage_bridge.follow.run import Progress
    from lineage_bridge.settings import Settings


@click.command()
@with_settings
@click.option("--once", is_flag=True, help="End when all that is there has come in.")
@click.option("--url", metavar="URL", help="The Marquez to follow.  [default: MARQUEZ_URL]")
@timeout_option
@json_option
def follow(
    settings: Settings, url: str | None, *, once: bool, timeout: float, as_json: bool
) -> None:
    """Take in the events that others sent to a shared Marquez.

    What came from here is recognised, and nothing is sent back. Without --once it goes on until
    Ctrl-C; `up` does the same by itself. With --once it exits 1 if an event could not be taken, 3
    if Marquez cannot be reached for --timeout; all that was read is kept.
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once: without it there is no end to report.")
    if url is not None:
        settings = settings_of(home=settings.home, config=settings.config_path, marquez_url=url)
    check_marquez(settings)
    if not once:
        _follow_on(settings)
        return
    report = _follow_once(settings, quiet=as_json, timeout=timeout)
    if as_json and report is not None:
        echo_json(_shape(report))
    sys.exit(1 if report is None or report.unreadable else 0)


def _follow_on(settings: Settings) -> None:
    from lineage_bridge.cli.serve import listen_for_interrupt
    from lineage_bridge.follow.follower import Follower

    with open_journal(settings) as opened:
        follower = Follower(opened, str(settings.marquez_url), api_key=settings.marquez_api_key)
        stop = listen_for_interrupt()
        say(f"Following: {follower.name}  (Ctrl-C ends it)")
        follower.run_forever(stop, lambda what: say(what, err=True))


def _follow_once(settings: Settings, *, quiet: bool, timeout: float) -> FollowReport | None:
    from lineage_bridge.follow.follower import Follower
    from lineage_bridge.show.journal import follow_lines

    with open_journal(settings) as opened, progress(quiet=quiet) as report:
        follower = Follower(
            opened,
            str(settings.marquez_url),
            api_key=settings.marquez_api_key,
            give_up_seconds=timeout,
        )
        try:
            done = follower.run(
                progress=lambda now: report(
                    "Reading from Marquez", now.read, max(now.total, now.read)
                )
            )
        except KeyboardInterrupt:
            done = None
    if done is None:
        say("Left. What was read is kept; `lineage-bridge follow` goes on.", err=True)
    elif not quiet:
        say(*follow_lines(done))
    return done


def _told(report: Report, now: Progress) -> None:
    report("Reading from Marquez", now.read, max(now.total, now.read))


def _shape(report: FollowReport) -> dict[str, Any]:
    from lineage_bridge.show.formats import present

    return {**asdict(report), "state": present(**asdict(report.state))}
