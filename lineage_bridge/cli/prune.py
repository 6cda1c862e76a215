"""`lineage-bridge journal prune`: delete old events that the present does not need."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import click

from lineage_bridge.cli.context import (
    echo_json,
    give_way,
    json_option,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.settings import Settings
from lineage_bridge.times import to_micros

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Duration(click.ParamType[timedelta]):
    """A whole number of days, hours or minutes: `90d`, `12h`, `30m`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6})([dhm])", str(value), re.ASCII)
        if found is None:
            self.fail(f"{value!r} is no duration such as 90d, 12h or 30m", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@click.option(
    "--older-than",
    type=Duration(),
    required=True,
    help="Only what happened so long ago, by event time: 90d, 12h, 30m.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@with_settings
@json_option
def prune(settings: Settings, *, older_than: timedelta, dry_run: bool, as_json: bool) -> None:
    """Leave out what is old and the present does not need, and make the file smaller.

    Kept are runs that still run, what the current versions and whatever reads them come from, and
    the newest word on every job and dataset: graph, health and freshness for now stay the same,
    but for old runs and versions that nothing needs. What went does not come back with the next
    backfill. Export the journal first if the history is worth something.
    """
    from lineage_bridge.care.prune import prune as prune_journal
    from lineage_bridge.collector.fold.model import CollectorModel
    from lineage_bridge.exporter.arrivals import ARRIVALS
    from lineage_bridge.graph.reduce import GRAPH
    from lineage_bridge.observe.content.retention import forget_profiles
    from lineage_bridge.show.journal import pruned_text

    # The counts of arrivals stay: they count the events that came, not those that are there.
    models = (GRAPH, CollectorModel())
    now = datetime.now(UTC)
    before = _before(now, older_than)
    give_way()
    with open_journal(settings) as opened:
        pruned = prune_journal(
            opened,
            before=before,
            now=now,
            models=models,
            keep=(ARRIVALS,),
            forget=partial(forget_profiles, opened, settings, to_micros(before)),
            dry_run=dry_run,
        )
    if as_json:
        echo_json(asdict(pruned))
    else:
        say(pruned_text(pruned))


def _before(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError as exc:
        raise click.BadParameter("it begins before the year 1", param_hint="--older-than") from exc
