"""`lineage-bridge rules`: alert rules and dashboards, for the programs that read them."""

from __future__ import annotations

from pathlib import Path

import click

from lineage_bridge.cli.context import say
from lineage_bridge.errors import SettingsError

out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the file into this folder, in place of printing it.",
)


@click.group()
def rules() -> None:
    """Write alert rules and dashboards for the exporter's metrics."""


@rules.command()
@out_option
def prometheus(out: Path | None) -> None:
    """Write the alert rules for Prometheus.

    They belong into its `rule_files`. docs/alerts.md says what each means.
    """
    from lineage_bridge.alerts.prometheus import FILE, prometheus_rules

    _give(prometheus_rules(), FILE, out)


@rules.command()
@out_option
def alertmanager(out: Path | None) -> None:
    """Write a configuration for Alertmanager.

    Critical alerts go to Slack and PagerDuty, warnings to Slack. The secrets of both stay in files
    that it names.
    """
    from lineage_bridge.alerts.alertmanager import FILE, alertmanager_config

    _give(alertmanager_config(), FILE, out)


@rules.command()
@out_option
def grafana(out: Path | None) -> None:
    """Write the dashboard for Grafana 11.6.

    It is JSON to import, or for a folder that Grafana reads; later versions read it too.
    """
    from lineage_bridge.alerts.grafana import FILE, grafana_dashboard

    _give(grafana_dashboard(), FILE, out)


@rules.command()
@out_option
def runbook(out: Path | None) -> None:
    """Write the runbook, as Markdown.

    It says what each alert means and what to do then.
    """
    from lineage_bridge.alerts.runbook import FILE
    from lineage_bridge.alerts.runbook import runbook as written

    _give(written(), FILE, out)


def _give(text: str, name: str, folder: Path | None) -> None:
    if folder is None:
        click.echo(text, nl=False)
        return
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise SettingsError(
            f"`{path}` cannot be written: {exc.strerror}. Name another folder."
        ) from exc
    say(f"{path}")
