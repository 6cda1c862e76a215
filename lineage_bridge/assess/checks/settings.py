"""What the settings expect of a dataset: the sections `[checks."..."]` whose name fits its own."""

from __future__ import annotations

from dataclasses import fields, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from lineage_bridge.assess.checks.facts import Roles
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.assess.checks.registry import BY_CODE
from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import Settings

_ROLES: Final = frozenset(Roles._fields)
_LIMITS: Final = frozenset(field.name for field in fields(CheckPolicy))


def expected_of(dataset: str, settings: Settings, usual: CheckPolicy | None = None) -> CheckPolicy:
    """Return the policy of a dataset.

    Args:
        dataset: its name.
        settings: of the sections that fit, each overrides those above it.
        usual: of datasets of its kind.

    Raises:
        SettingsError: a section names a check that there is not.
    """
    policy = usual or CheckPolicy()
    for given in _given(dataset, settings):
        limits: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
            if name in _LIMITS
        }
        for name in ("severity", "ranges", "labels"):
            limits[name] = {**getattr(policy, name), **limits[name]}
        policy = replace(policy, **limits)
    return policy


def roles_of(dataset: str, settings: Settings, usual: Roles) -> Roles:
    """Return the columns that the settings name; those that they do not name stay as usual."""
    for given in _given(dataset, settings):
        usual = usual._replace(**{name: given[name] for name in _ROLES & given.keys()})
    return usual


def _given(dataset: str, settings: Settings) -> list[dict[str, Any]]:
    _check_codes(settings)
    return [
        section.model_dump(exclude_none=True)
        for pattern, section in settings.checks.items()
        if fnmatchcase(dataset, pattern)
    ]


def _check_codes(settings: Settings) -> None:
    where = f" in `{settings.config_path}`" if settings.config_path is not None else ""
    wrong = [
        f"`checks.{pattern}.severity.{code}`{where} is no check; docs/checks.md lists them."
        for pattern, section in settings.checks.items()
        for code in section.severity
        if code not in BY_CODE
    ]
    if wrong:
        raise SettingsError(*wrong)
