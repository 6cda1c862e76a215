"""The command `lineage-bridge` (short `lb`): its groups, loaded when they are run.

Nothing heavy is imported for `--help`: each command is named here with one line, and its module is
imported only when it runs.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from lineage_bridge import __version__
from lineage_bridge.cli.context import config_option, home_option
from lineage_bridge.commands import PROGRAM, call_of, started_as

# command -> (module below lineage_bridge.cli, attribute, one line for --help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "Show the whole thing on real artifacts."),
    "up": ("serve", "up", "Run collector, page, exporter, forwarding and following together."),
    "collector": ("serve", "collector", "Serve Marquez's API over the journal."),
    "backfill": ("backfill", "backfill", "Read artifacts and append their events to the journal."),
    "watch": ("watch", "watch", "Read artifacts as they come, until it is stopped."),
    "sources": ("sources", "sources", "The folders that this home reads."),
    "graph": ("views", "graph", "Show the lineage graph, or the part around a node."),
    "path": ("views", "path", "Show how data came from one node to another, version by version."),
    "status": ("status", "status", "Say what is broken, who is hit, since when, and why."),
    "health": ("views", "health", "Say how each deployment is, and why."),
    "blame": ("blame", "blame", "Say what is the cause of something, likeliest first."),
    "impact": ("impact", "impact", "Say which deployments something hits, by their requests."),
    "freshness": ("views", "freshness", "Say how old each dataset is."),
    "changes": ("changes", "changes", "Say what changed, when, and from what to what."),
    "check": ("check", "check", "Check what is in datasets against what is expected."),
    "checks": ("checks", "checks", "Write down what to expect of a dataset."),
    "profile": ("profile", "profile", "Say what is in files of data, column by column."),
    "drift": ("drift", "drift", "Say which features no longer look as they did."),
    "inference": (
        "inference",
        "inference",
        "Say what is in inference logs, and how good the answers were.",
    ),
    "doctor": ("doctor", "doctor", "Say what is missing, what it costs, and what mends it."),
    "alias": ("alias", "alias", "Explain and declare identities."),
    "follow": ("follow", "follow", "Take in what others sent to a shared Marquez."),
    "exporter": ("exporter", "exporter", "Serve the facts as Prometheus metrics."),
    "rules": ("rules", "rules", "Write alert rules and dashboards for the metrics."),
    "journal": ("journal", "journal", "Look after the journal: status, forward, dead letters."),
}


class LazyGroup(click.Group):
    """A group that has the name and help line of each command, and imports one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"lineage_bridge.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _printable_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        from lineage_bridge.show.messages import make_logs_printable

        make_logs_printable()
        with _printable_errors():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(_no_command(args[0]), ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None:
            ctx.default_map = {name: _defaults(command, ctx.params)}
        return name, command, rest


@contextmanager
def _printable_errors() -> Iterator[None]:
    """Escape click's errors: they quote what was typed, and scripts type what strangers wrote."""
    try:
        yield
    except click.ClickException as exc:
        from lineage_bridge.show.messages import quotable

        exc.message = quotable(exc.message)  # type: ignore[misc] # it is shown by click itself
        raise


def _no_command(name: str) -> str:
    from lineage_bridge.show.text import did_you_mean

    return " ".join(filter(None, [f"No such command `{name}`.", did_you_mean(name, COMMANDS)]))


def _defaults(command: click.Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn options given before a command into defaults of its options, or of its subcommands'."""
    if isinstance(command, click.Group):
        return {name: _defaults(one, given) for name, one in command.commands.items()}
    return {name: value for name, value in given.items() if value is not None}


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=PROGRAM)
@home_option
@config_option
def cli(home: Path | None, config: Path | None) -> None:
    """Version-exact lineage and health from the artifacts that an ML platform leaves behind.

    Every command about a home takes --home and --config, before its name or after it. Commands
    print JSON with --json where they print facts, and exit 0 (fine), 1 (it found what it looks
    for), 2 (usage, bad settings) or 3 (no collector reached).
    """


def main(args: list[str] | None = None) -> Any:
    """Run the command line. No traceback is shown, unless LINEAGE_BRIDGE_TRACEBACK is set."""
    from lineage_bridge.cli import context
    from lineage_bridge.errors import CollectorUnavailableError

    context.is_own_process = args is None
    started_as(call_of(sys.argv[0], sys.orig_argv) if args is None else PROGRAM)
    if args is None:
        _escape_what_cannot_be_encoded()
    try:
        return cli.main(args=args, prog_name=PROGRAM)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is said
        from lineage_bridge.show.messages import error_text, traceback_text

        if os.environ.get("LINEAGE_BRIDGE_TRACEBACK"):
            click.echo(traceback_text(exc), err=True)
        click.echo(f"Error: {error_text(exc)}", err=True)
        sys.exit(3 if isinstance(exc, CollectorUnavailableError) else 2)


def _escape_what_cannot_be_encoded() -> None:
    """Let a terminal without UTF-8 show a name of others as escapes, and not end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
