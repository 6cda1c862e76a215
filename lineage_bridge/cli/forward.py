"""`lineage-bridge journal forward`, `dead`, `retry` and `dismiss`: what goes on to a Marquez."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from lineage_bridge.cli.context import (
    Command,
    echo_json,
    json_option,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.cli.progress import Report, progress
from lineage_bridge.cli.sharing import check_marquez, timeout_option

if TYPE_CHECKING:
    from lineage_bridge.settings import Settings
    from lineage_bridge.share.forward import ForwardReport, ForwardStatus
    from lineage_bridge.share.sent.comparison import Comparison


@click.command()
@with_settings
@timeout_option
@click.option(
    "--verify",
    "verifying",
    is_flag=True,
    help="Then compare what was ever sent with what Marquez holds, and send again what is missing.",
)
@json_option
def forward(settings: Settings, *, timeout: float, verifying: bool, as_json: bool) -> None:
    """Send to Marquez what it does not have yet, then end.

    Marquez is named by MARQUEZ_URL or `marquez_url` in lineage-bridge.toml. Ctrl-C leaves the rest
    for later. Exits 1 while there are dead letters, or if Marquez does not have all after
    --verify; 3 if it cannot be reached. All is kept.
    """
    check_marquez(settings)
    report = forward_now(settings, quiet=as_json, timeout=timeout)
    if report is None:
        sys.exit(1)
    is_whole = True
    if verifying:
        shape = _verify_marquez(settings, report, quiet=as_json, timeout=timeout)
        is_whole = not shape["incomplete"]
    else:
        shape = asdict(report)
    if as_json:
        echo_json(shape)
    sys.exit(0 if is_whole and not report.status.dead else 1)


def _verify_marquez(
    settings: Settings, report: ForwardReport, *, quiet: bool, timeout: float
) -> dict[str, Any]:
    """Compare with Marquez, mend what is missing there, and compare again if anything was."""
    from lineage_bridge.show.journal import comparison_lines

    compared = _compare(settings, quiet=quiet, mend=True)
    if not quiet:
        say(*comparison_lines(compared))
    again = 0
    left = compared
    if compared.incomplete:
        mended = forward_now(settings, quiet=quiet, timeout=timeout)
        again = 0 if mended is None else mended.sent
        left = _compare(settings, quiet=quiet, mend=False)
        if not quiet:
            say(*comparison_lines(left))
    return {
        **asdict(report),
        "since": left.since,
        "checked": left.checked,
        "found": [asdict(event) for event in compared.incomplete],
        "sent_again": again,
        "incomplete": [asdict(event) for event in left.incomplete],
    }


def _compare(settings: Settings, *, quiet: bool, mend: bool) -> Comparison:
    from lineage_bridge.share.forward import Forwarder

    with open_journal(settings) as opened, progress(quiet=quiet) as report:
        forwarder = Forwarder(opened, str(settings.marquez_url), api_key=settings.marquez_api_key)
        found = forwarder.verify(partial(report, "Comparing with Marquez"))
        if mend and found.incomplete:
            forwarder.send_again(found.incomplete)
    return found


def forward_now(settings: Settings, *, quiet: bool, timeout: float = 60.0) -> ForwardReport | None:
    """Forward until nothing is left, with progress; None if Ctrl-C left the rest for later.

    Raises:
        CollectorUnavailableError: Marquez was not reached for `timeout` seconds.
    """
    from lineage_bridge.share.forward import Forwarder
    from lineage_bridge.show.journal import forward_lines

    with open_journal(settings) as opened, progress(quiet=quiet) as report:
        forwarder = Forwarder(
            opened,
            str(settings.marquez_url),
            api_key=settings.marquez_api_key,
            give_up_seconds=timeout,
        )
        try:
            done = forwarder.run(progress=_told(report))
        except KeyboardInterrupt:
            done = None
    if done is None:
        say("Left. The rest is kept; `lineage-bridge journal forward` goes on.", err=True)
    elif not quiet:
        say(*forward_lines(done))
    return done


def _told(report: Report) -> Callable[[ForwardStatus], None]:
    before: int | None = None

    def told(now: ForwardStatus) -> None:
        nonlocal before
        done = now.sent + now.dead
        before = done if before is None else before
        report("Forwarding to Marquez", done - before, done - before + now.pending)

    return told


@click.command()
@with_settings
@json_option
def dead(settings: Settings, *, as_json: bool) -> None:
    """List dead letters, which Marquez or our collector did not take.

    Events that it refused for good, or cannot hold. Exits 1 if there is any.
    """
    from lineage_bridge.cli.refused import refused_letters
    from lineage_bridge.share.dead_letters import list_dead
    from lineage_bridge.show.formats import present
    from lineage_bridge.show.journal import letter_lines

    with open_journal(settings, readonly=True) as opened:
        letters = [*list_dead(opened), *refused_letters(opened, settings)]
    if as_json:
        echo_json([present(**asdict(letter)) for letter in letters])
    elif letters:
        say(*letter_lines(letters))
    else:
        say("There are no dead letters.")
    sys.exit(1 if letters else 0)


def _of_letters(command: Command) -> Command:
    """Give a command the dead letters that it is for: some by their ids, or all of them."""
    for option in (
        json_option,
        with_settings,
        click.option("--all", "every", is_flag=True, help="All dead letters."),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        command = option(command)
    return command


def _chosen(ids: tuple[str, ...], *, every: bool) -> tuple[str, ...] | None:
    if bool(ids) == every:
        raise click.UsageError("Name dead letters by their ids, or give --all.")
    return None if every else ids


@click.command()
@_of_letters
def retry(settings: Settings, *, ids: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Send dead letters again, once their cause is mended.

    They wait until `lineage-bridge journal forward` or `up` runs. What Marquez cannot hold stays
    dead; exits 1 if any of those was asked for. See also `journal dismiss`.
    """
    from lineage_bridge.share.dead_letters import retry as retry_letters
    from lineage_bridge.show.formats import present
    from lineage_bridge.show.journal import letter_lines

    chosen = _chosen(ids, every=every)
    with open_journal(settings) as opened:
        again, hopeless = retry_letters(opened, chosen)
    if as_json:
        echo_json({"retried": again, "dead": [present(**asdict(letter)) for letter in hopeless]})
    else:
        say(f"{again} dead letters wait to be sent again.")
        say(*letter_lines(hopeless))
    sys.exit(1 if hopeless else 0)


@click.command()
@_of_letters
def dismiss(settings: Settings, *, ids: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Let dead letters rest: they are never sent, and no command fails because of them.

    The events stay in the journal, and in every answer that is made of it.
    """
    from lineage_bridge.share.dead_letters import dismiss as dismiss_letters
    from lineage_bridge.show.units import counted

    chosen = _chosen(ids, every=every)
    with open_journal(settings) as opened:
        count = dismiss_letters(opened, chosen)
    if as_json:
        echo_json({"dismissed": count})
    else:
        say(f"{counted(count, 'dead letter')} dismissed.")
