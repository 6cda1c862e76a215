"""`lineage-bridge drift`: whether rows still look like others, and requests like the training."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from lineage_bridge.cli.context import (
    bring_up_to_date,
    echo_json,
    json_option,
    open_journal,
    say,
    with_settings,
)
from lineage_bridge.cli.profile import read_profiles, with_row_keys
from lineage_bridge.cli.views import at_option, judged
from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.answers import DeploymentDrift
    from lineage_bridge.assess.drift.finding import Drift, FeatureDrift
    from lineage_bridge.observe.kept_profiles import AskedKeys
    from lineage_bridge.profiles.profile import Profile


class Side(NamedTuple):
    """One of the two that are compared, whatever named it."""

    name: str
    profile: Profile


@click.command()
@click.argument("names", nargs=-1, metavar="[A B | DEPLOYMENT]")
@click.option("--feature", "feature", metavar="NAME", help="All figures of one feature.")
@click.option(
    "--html",
    "report",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with both distributions of each feature.",
)
@click.option("--all", "every_feature", is_flag=True, help="Also the features that did not move.")
@with_row_keys
@at_option
@with_settings
@json_option
def drift(
    settings: Settings,
    names: tuple[str, ...],
    feature: str | None,
    entity: str | None,
    time: str | None,
    report: Path | None,
    at: datetime | None,
    *,
    every_feature: bool,
    as_json: bool,
) -> None:
    """Say which features no longer look as they did, how far they moved, and since when.

    A DEPLOYMENT is held against what its model was trained on, by its inference log as it was
    judged hour by hour; without a name, each deployment has a line. Of A and B, each is a parquet
    file, an inference log as JSON lines (also .gz), or a version of a dataset
    (`features.rides@2026-04-01T00:35:05Z`) whose file was looked into. Exits 1 if a feature
    drifted, or a deployment is asked what its model was never trained on.
    """
    if len(names) == 2:
        from lineage_bridge.observe.kept_profiles import AskedKeys

        if at is not None:
            raise click.UsageError("--at is for deployments; A and B are what they are.")
        asked = AskedKeys(entity, time, settings.inference_logs)
        sides = _sides(settings, (names[0], names[1]), asked)
        _compare(settings, sides, feature, report, every_feature=every_feature, as_json=as_json)
    elif len(names) < 2:
        _deployments(
            settings, names, feature, report, at, every_feature=every_feature, as_json=as_json
        )
    else:
        raise click.UsageError("Name two sets of rows, a deployment, or nothing for all of them.")


def _compare(
    settings: Settings,
    sides: tuple[Side, Side],
    feature: str | None,
    report: Path | None,
    *,
    every_feature: bool,
    as_json: bool,
) -> None:
    from lineage_bridge.assess.drift.judge import judge
    from lineage_bridge.assess.policies import Policies

    was, now = sides
    found = judge(was.profile, now.profile, Policies.of(settings).drift())
    if feature is not None:
        one = _feature(found, feature)
        found = _only(found, one)
    if report is not None:
        _write_report(report, found, sides)
    if as_json:
        from lineage_bridge.show.data.shapes import drift_json

        echo_json(drift_json(found, was.profile, now.profile, names=(was.name, now.name)))
    elif feature is not None:
        _show_feature(one, sides)
    else:
        _show(found, sides, every_feature)
    if found.severity != "none":
        sys.exit(1)


def _sides(settings: Settings, named: tuple[str, str], asked: AskedKeys) -> tuple[Side, Side]:
    """Find both sides: files by their paths, else versions of datasets."""
    files = [Path(name) for name in named if Path(name).exists() or "@" not in name]
    found, failed = read_profiles(settings, files, asked)
    if failed:
        raise failed[0]
    profiled = {str(one.path): one.profile for one in found}
    was, now = (
        Side(name, profiled[str(Path(name))])
        if str(Path(name)) in profiled
        else _version(settings, name)
        for name in named
    )
    return was, now


def _version(settings: Settings, name: str) -> Side:
    """Find the profile of a version of a dataset."""
    from lineage_bridge.errors import NodeNotFoundError
    from lineage_bridge.graph.find import find
    from lineage_bridge.graph.load import load
    from lineage_bridge.observe.content.versions import profile_of

    if not (settings.home / "journal.db").is_file():
        raise SettingsError(f"There is no file `{name}`, and no home that knows a dataset.")
    with open_journal(settings, readonly=True) as journal:
        bring_up_to_date(journal, settings)
        with journal.reading() as connection:
            try:
                end = find(load(connection, keys=()), name)
            except NodeNotFoundError as exc:
                raise SettingsError(f"There is no file `{name}`. {exc}") from exc
            kept = None if end.mark is None else profile_of(connection, end.node, end.mark)
    if kept is None:
        raise SettingsError(
            f"What is in `{name}` is not known: its file was not there when it was looked for. "
            "Run `lineage-bridge backfill` with the folder that has it."
        )
    return Side(str(end), kept)


def _deployments(
    settings: Settings,
    names: Sequence[str],
    feature: str | None,
    report: Path | None,
    at: datetime | None,
    *,
    every_feature: bool,
    as_json: bool,
) -> None:
    from lineage_bridge.answers.drift import KEYS

    if names and Path(names[0]).is_file():
        raise click.UsageError(f"Name what `{names[0]}` is to be compared with, as A before it.")
    if (feature or report) and not names:
        raise click.UsageError("--feature and --html are for one deployment, or for two files.")

    with judged(settings, at, None, KEYS) as (snapshot, parents):
        found, instant = snapshot.drift, snapshot.at
        if names:
            found = snapshot.drift_of(names[0], parents)
    if report is not None:
        _write_deployment_report(settings, report, found)
    if as_json:
        from lineage_bridge.show.data.deployment_drift import deployments_json

        echo_json(deployments_json(found, instant))
    elif names:
        for one in found:
            _show_deployment(one, feature, every_feature=every_feature)
    else:
        from lineage_bridge.show.data.deployment_drift import all_summary, all_table
        from lineage_bridge.show.tables import print_tables

        print_tables([all_table(found, instant)])
        say(all_summary(found))
    if any(one.status in {"warning", "critical"} or one.has_untrained for one in found):
        sys.exit(1)


def _show_deployment(one: DeploymentDrift, feature: str | None, *, every_feature: bool) -> None:
    from lineage_bridge.show.data.deployment_drift import (
        features_table,
        lines_of,
        title_of,
        untrained_table,
    )
    from lineage_bridge.show.tables import print_tables

    say(title_of(one), *lines_of(one))
    if one.facet is None:
        return
    moved = features_table(one.facet, feature, every_feature=every_feature)
    if feature is not None and moved is None:
        raise SettingsError(f"No feature `{feature}` is in the finding.")
    tables = [moved, None if feature is not None else untrained_table(one.facet)]
    for table in filter(None, tables):
        say("")
        print_tables([table])


def _write_deployment_report(
    settings: Settings, path: Path, found: Sequence[DeploymentDrift]
) -> None:
    from lineage_bridge.assess.drift.judge import judge
    from lineage_bridge.assess.policies import Policies
    from lineage_bridge.observe.drift.sides import sides_of

    if len(found) != 1 or found[0].facet is None:
        raise SettingsError("There is no finding to report on; name one deployment that has one.")
    facet, namespace = found[0].facet, found[0].deployment.namespace
    with open_journal(settings, readonly=True) as journal, journal.reading() as connection:
        sides = sides_of(connection, namespace, facet)
    if sides is None:
        raise SettingsError(
            "The rows of that time are not kept any more, or those of what its model was trained "
            "on are not; run `lineage-bridge backfill` with the folders that have them."
        )
    was, now = sides
    version = f"@{facet.reference.version}" if facet.reference.version else ""
    log = f"{facet.environment}/{facet.deployment} up to {format_time(facet.evaluated_at)}"
    compared = judge(was, now, Policies.of(settings).drift(facet.deployment).of_each_look())
    _write_report(
        path, compared, (Side(f"{facet.reference.dataset}{version}", was), Side(log, now))
    )


def _feature(found: Drift, name: str) -> FeatureDrift:
    every = {one.feature: one for one in (*found.features, *found.calendar)}
    if name in every:
        return every[name]
    from lineage_bridge.show.text import did_you_mean

    if found.status == "insufficient_data":
        raise SettingsError("There are too few rows to judge any feature.")
    raise SettingsError(
        " ".join(filter(None, [f"No feature `{name}` was compared.", did_you_mean(name, every)]))
    )


def _only(found: Drift, one: FeatureDrift) -> Drift:
    from dataclasses import replace

    def kept(listed: tuple[FeatureDrift, ...]) -> tuple[FeatureDrift, ...]:
        return tuple(item for item in listed if item is one)

    return replace(
        found,
        severity=one.severity,
        features=kept(found.features),
        calendar=kept(found.calendar),
    )


def _show(found: Drift, sides: tuple[Side, Side], every_feature: bool) -> None:
    from lineage_bridge.show.data.drift import drift_summary, drift_table, drift_title
    from lineage_bridge.show.tables import print_tables

    was, now = sides
    say(drift_title(found, was.name, now.name))
    say(*drift_summary(found))
    listed = [one for one in found.features if every_feature or one.severity != "none"]
    if listed:
        say("")
        print_tables([drift_table(listed, was.profile, now.profile)])


def _show_feature(one: FeatureDrift, sides: tuple[Side, Side]) -> None:
    from lineage_bridge.show.data.drift import bars_of, feature_lines, feature_table
    from lineage_bridge.show.tables import print_tables

    was, now = bars_of(one.feature, *(side.profile for side in sides))
    say(*feature_lines(one), f"was {was}", f"is  {now}", "")
    print_tables([feature_table(one)])


def _write_report(path: Path, found: Drift, sides: tuple[Side, Side]) -> None:
    from lineage_bridge.show.html.drift_report import drift_html

    was, now = sides
    text = drift_html(found, was.profile, now.profile, names=(was.name, now.name))
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as exc:
        raise SettingsError(f"The report `{path}` cannot be written: {exc.strerror}.") from exc
