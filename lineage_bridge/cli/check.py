"""`lineage-bridge check`: whether what is in datasets is as expected."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lineage_bridge.cli.context import echo_json, json_option, p6_option, say, with_settings
from lineage_bridge.cli.profile import home_for_reading, keep_profiles
from lineage_bridge.cli.views import at_option, judged, known_at_option
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.show.data.checks import Checked

_FILES: Final = (".parquet", ".json", ".jsonl")


@click.command()
@click.argument("asked", nargs=-1, metavar="[NODE|FILE...]")
@click.option("--footer", "footer_only", is_flag=True, help="Of files, read no rows.")
@click.option("--all", "every_check", is_flag=True, help="Also what passed or was skipped.")
@at_option
@known_at_option
@p6_option
@with_settings
@json_option
def check(
    settings: Settings,
    asked: tuple[str, ...],
    at: datetime | None,
    known_at: datetime | None,
    form: str,
    *,
    footer_only: bool,
    every_check: bool,
    as_json: bool,
) -> None:
    """Check datasets: a NODE, each FILE, or (of neither) all that the home knows, a line each.

    A NODE is a dataset, of which the newest version counts, or <dataset>@<version>; what was found
    in it when it was looked into is shown. A FILE is read now: parquet, P6's JSON of a dataset, the
    JSON of a training, or JSON lines of metric windows. Several files of one dataset are judged in
    the order of their build, each by each check against the last one that passed it. Exits 1 if a
    check of severity error failed. What is expected is set in lineage-bridge.toml:
    `[checks."features.*"]`; `checks suggest` writes such a section.
    """
    files = [text for text in asked if _is_file(text)]
    if files and len(files) < len(asked):
        node = next(text for text in asked if text not in files)
        raise click.UsageError(f"{node!r} is no file. Name files alone, or datasets alone.")
    if footer_only and not files:
        raise click.UsageError("--footer is for files: of a dataset is shown what was found.")
    if files and (at or known_at):
        raise click.UsageError("A file is checked as it is now; --at and --known-at are for nodes.")
    if files:
        paths = [Path(text) for text in files]
        found = _of_files(settings, paths, footer_only=footer_only, datasets_only=form == "p6")
    else:
        found = _of_nodes(settings, asked, at, known_at)
    if as_json or form == "json":
        from lineage_bridge.show.data.checks import checks_json

        echo_json(checks_json(found))
    elif form == "p6":
        from lineage_bridge.show.p6 import check_reports

        written = check_reports(found)
        echo_json(written[0] if len(asked) == len(written) == 1 else written)
    else:
        _print(found, has_tables=bool(asked) or every_check, every_check=every_check)
    if any(one.status == "error" for one in found):
        sys.exit(1)


def _is_file(text: str) -> bool:
    """Tell whether somebody means a file: there is one, or it is written like one."""
    is_path = text.startswith(("/", "./", "../"))
    # A text may be no path at all, such as one that is too long: that is no error here.
    return is_path or Path(text).suffix.lower() in _FILES or os.path.exists(text)  # noqa: PTH110


def _of_files(
    settings: Settings, files: Sequence[Path], *, footer_only: bool, datasets_only: bool
) -> list[Checked]:
    from lineage_bridge.observe.checks.files import CheckedFiles
    from lineage_bridge.show.data.checks import checked_file

    with home_for_reading(settings) as journal:
        checked = CheckedFiles(
            settings, journal, footer_only=footer_only, datasets_only=datasets_only
        )
        reports = checked.reports(files)
    keep_profiles(settings, checked.profiled)
    return [checked_file(report) for report in reports]


def _of_nodes(
    settings: Settings, asked: Sequence[str], at: datetime | None, known_at: datetime | None
) -> list[Checked]:
    from lineage_bridge.answers.checks import KEYS
    from lineage_bridge.show.data.checks import checked_version

    with judged(settings, at, known_at, KEYS) as (snapshot, parents):
        if not asked:
            return [checked_version(one) for one in snapshot.checks]
        return [checked_version(one) for text in asked for one in snapshot.checks_of(text, parents)]


def _print(found: Sequence[Checked], *, has_tables: bool, every_check: bool) -> None:
    from lineage_bridge.show.data.checks import checks_line, checks_table
    from lineage_bridge.show.tables import print_tables

    if not found:
        say("No dataset is known. `lineage-bridge backfill` reads some.")
    for one in found:
        say(checks_line(one))
        table = checks_table(one, every_check=every_check) if has_tables else None
        if table is not None:
            print_tables([table])
