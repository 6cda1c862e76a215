"""`lineage-bridge checks`: look after what is expected of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from lineage_bridge.cli.context import open_journal, say, with_settings
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lineage_bridge.answers import DatasetChecks
    from lineage_bridge.assess.checks.facts import Version

MOST_VERSIONS: Final = 20  # that are learned from, the newest


@click.group()
def checks() -> None:
    """Look after what is expected of datasets."""


@checks.command()
@click.argument("dataset")
@with_settings
def suggest(settings: Settings, dataset: str) -> None:
    """Write what to expect of DATASET, a section of lineage-bridge.toml, to standard output.

    It is learned from the newest 20 versions that passed all checks (if none did, that failed none
    of severity error), and a little wider than all that was seen in them. Read it before you use
    it: what is usual today may be a fault that nobody has noticed. Exits 2 if nothing is known of
    the dataset's rows.
    """
    from lineage_bridge.assess.checks.suggest import suggest as learn
    from lineage_bridge.show.formats import toml_text
    from lineage_bridge.show.units import counted

    name, versions = _learned_from(settings, dataset)
    section = learn(versions)
    first, last = (one.name.removeprefix(f"{name}@") for one in (versions[0], versions[-1]))
    say(f"# From {counted(len(versions), 'version')}, {first} to {last}.")
    click.echo(toml_text({"checks": {name: section}}), nl=False)


def _learned_from(settings: Settings, text: str) -> tuple[str, Sequence[Version]]:
    """Return the name of the dataset that is meant, and its versions to learn from."""
    from lineage_bridge.answers.checks import KEYS
    from lineage_bridge.cli.views import judged
    from lineage_bridge.errors import SettingsError
    from lineage_bridge.observe.content.versions import facts_of_version

    with judged(settings, None, None, KEYS) as (snapshot, parents):
        meant = snapshot.checks_of(text, parents)
        if len(meant) != 1:
            raise SettingsError(f"`{text}` means {len(meant)} datasets. Name one.")
        node = meant[0].node
        known = [one for one in snapshot.checks_of_all() if one.node.id == node.id]
    with open_journal(settings, readonly=True) as journal, journal.reading() as connection:
        found = [facts_of_version(connection, node.id, version) for version in _good(known)]
    versions = [version for version in found if version is not None]
    if not versions:
        raise SettingsError(
            f"Nothing is known of the rows of `{node.name}` in a version without errors. "
            "Run `lineage-bridge backfill` where its files are."
        )
    return node.name, versions


def _good(known: list[DatasetChecks]) -> list[str]:
    """List the versions to learn from: those that passed, or else those that only warn."""
    for status in ("passed", "warn"):
        good = [one.version for one in known if one.status == status and one.version is not None]
        if good:
            return good[-MOST_VERSIONS:]
    return []
