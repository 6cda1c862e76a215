"""Files as versions of datasets: read and judged, those of one dataset one after the other."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lineage_bridge.adapters.feature_columns import MADE_OF
from lineage_bridge.adapters.feature_datasets import ENTITY, EVENT_TIME, FEATURE_PREFIX
from lineage_bridge.assess.checks.facts import Roles, Version
from lineage_bridge.assess.checks.judge import Report, judge_versions
from lineage_bridge.assess.checks.policy import NO_ZONE, CheckPolicy
from lineage_bridge.assess.checks.settings import expected_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.journal import Journal
from lineage_bridge.observe.checks.facts import facts_of
from lineage_bridge.observe.checks.others import report_on
from lineage_bridge.observe.checks.rows import hash_of_values, row_facts, told_apart
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from lineage_bridge.observe.kept_profiles import AskedKeys, Profiled

OF_P2: Final = CheckPolicy(
    columns=tuple(MADE_OF), feature_prefix=FEATURE_PREFIX, zone=NO_ZONE, strict_nulls=True
)


class CheckedFiles:
    """Files that are checked, and the profiles that were made for that.

    Args:
        settings: expectations.
        journal: of the home, with kept profiles; None: there is none yet.
        footer_only: whether rows stay unread.
        datasets_only: whether every file is one of a dataset, as it was for P6.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal | None,
        *,
        footer_only: bool,
        datasets_only: bool = False,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._footer_only = footer_only
        self._datasets_only = datasets_only
        self.profiled: list[Profiled] = []

    def reports(self, paths: Sequence[Path]) -> list[Report]:
        """Read and judge files; those of one dataset in the order of their build, after others.

        Raises:
            SettingsError: the settings name a check that there is not.
        """
        reports: list[Report] = []
        facts: list[Version] = []
        for path in paths:
            report = None if self._datasets_only else report_on(path, self._settings)
            if report is None:
                facts.append(facts_of(path, self._settings))
            else:
                reports.append(report)
        of_dataset: dict[str, list[Version]] = defaultdict(list)
        for version in told_apart(facts):
            of_dataset[version.dataset or version.name].append(version)
        for dataset, versions in of_dataset.items():
            policy = expected_of(dataset, self._settings, usual_policy(versions))
            # Rows are read when it is a version's turn, so that few profiles are held at a time.
            in_order = map(self._with_rows, sorted(versions, key=_by_build))
            reports += judge_versions(in_order, policy)
        return reports

    def _with_rows(self, version: Version) -> Version:
        if version.unread is not None:
            return version
        if self._footer_only:
            return replace(version, unread="only the footer was read")
        read, profiled = with_rows(version, Path(version.name), self._journal)
        if profiled is not None and not profiled.is_kept:
            self.profiled.append(profiled)
        return read


def with_rows(
    version: Version, path: Path, journal: Journal | None
) -> tuple[Version, Profiled | None]:
    """Add to the facts of a file what its rows say; the profile is None if they cannot be read.

    Args:
        version: the facts without rows.
        path: of the file.
        journal: of the home, with kept profiles; None: there is none yet.
    """
    from lineage_bridge.observe.kept_profiles import Profiled

    try:
        found = Profiled.of(path, asked_keys(version.roles), journal)
        by_rows = row_facts(os.path.realpath(path), version)
    except ArtifactError as exc:
        reason = exc.reason.removeprefix(f"`{path}` ")
        return replace(version, trouble=reason, unread="the rows cannot be read"), None
    values = hash_of_values(found.profile)
    return replace(version, profile=found.profile, by_rows=by_rows, same_values=values), found


def usual_policy(versions: Iterable[Version]) -> CheckPolicy:
    """Return what is expected of the versions of a dataset where the settings say nothing."""
    return OF_P2 if any(one.is_of_p2 for one in versions) else CheckPolicy()


def asked_keys(roles: Roles) -> AskedKeys:
    """Return the keys of the profile: those of P2 are found by themselves, and kept under that."""
    from lineage_bridge.observe.kept_profiles import AskedKeys

    is_usual = (roles.entity, roles.time) == (ENTITY, EVENT_TIME)
    return AskedKeys() if is_usual else AskedKeys(roles.entity, roles.time)


def _by_build(version: Version) -> tuple[bool, str, str, str]:
    built = version.built
    return built is None, built.isoformat() if built else "", version.version or "", version.name
