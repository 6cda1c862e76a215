"""`lineage-bridge drift`: whether one set of rows still looks like another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from lineage_bridge.cli.context import echo_json, json_option, say, with_settings
from lineage_bridge.cli.profile import read_profiles, with_row_keys
from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.assess.drift.finding import Drift, FeatureDrift
    from lineage_bridge.observe.kept_profiles import AskedKeys
    from lineage_bridge.profiles.profile import Profile


class Side(NamedTuple):
    """One of the two that are compared, whatever named it."""

    name: str
    profile: Profile


@click.command()
@click.argument("reference", metavar="A")
@click.argument("current", metavar="B")
@click.option("--feature", "feature", metavar="NAME", help="All figures of one feature.")
@click.option("--all", "every_feature", is_flag=True, help="Also the features that did not move.")
@with_row_keys
@with_settings
@json_option
def drift(
    settings: Settings,
    reference: str,
    current: str,
    feature: str | None,
    entity: str | None,
    time: str | None,
    *,
    every_feature: bool,
    as_json: bool,
) -> None:
    """Say which features of B no longer look like those of A, and how far they moved.

    A and B are parquet files, or inference logs as JSON lines (also .gz). Each is read once: its
    profile is kept in the home. Exits 1 if a feature drifted.
    """
    from lineage_bridge.assess.drift.judge import judge
    from lineage_bridge.observe.kept_profiles import AskedKeys

    sides = _sides(settings, (reference, current), AskedKeys(entity, time, settings.inference_logs))
    was, now = sides
    found = judge(was.profile, now.profile)
    if feature is not None:
        one = _feature(found, feature)
        found = _only(found, one)
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
    """Find both sides; each name is a file's path."""
    found, failed = read_profiles(settings, [Path(name) for name in named], asked)
    if failed:
        raise failed[0]
    was, now = (Side(str(one.path), one.profile) for one in found)
    return was, now


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
