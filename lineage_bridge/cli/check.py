"""`lineage-bridge check`: whether what is in datasets is as expected."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lineage_bridge.cli.context import echo_json, json_option, say, with_settings
from lineage_bridge.cli.profile import home_for_reading, keep_profiles
from lineage_bridge.settings import Settings


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--footer", "footer_only", is_flag=True, help="Read no rows, only footers.")
@click.option("--all", "every_check", is_flag=True, help="Also what passed or was skipped.")
@with_settings
@json_option
def check(
    settings: Settings,
    files: tuple[Path, ...],
    *,
    footer_only: bool,
    every_check: bool,
    as_json: bool,
) -> None:
    """Check each FILE: parquet files of datasets, or P6's JSON of them.

    Several files of one dataset are judged in the order of their build, each by each check against
    the last one that passed it. Exits 1 if a check of severity error failed. What is expected is
    set in lineage-bridge.toml: `[checks."features.*"]`.
    """
    from lineage_bridge.observe.checks.files import CheckedFiles

    with home_for_reading(settings) as journal:
        checked = CheckedFiles(settings, journal, footer_only=footer_only)
        reports = checked.reports(files)
    keep_profiles(settings, checked.profiled)
    if as_json:
        from lineage_bridge.show.data.checks import checks_json

        echo_json(checks_json(reports))
    else:
        from lineage_bridge.show.data.checks import report_line, report_table
        from lineage_bridge.show.tables import print_tables

        for report in reports:
            say(report_line(report))
            table = report_table(report, every_check=every_check)
            if table is not None:
                print_tables([table])
    if any(report.count("failed", "error") for report in reports):
        sys.exit(1)
