"""Flags over environment over `lineage-bridge.toml` over defaults, and what is wrong with them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from lineage_bridge.errors import SettingsError
from lineage_bridge.masking import masked
from lineage_bridge.settings.feature_views import read_feature_views
from lineage_bridge.settings.sections import DEFAULT_HOME, Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE_NAME = "lineage-bridge.toml"

# Environment variable -> setting. A flag of the same meaning wins.
ENVIRONMENT: Mapping[str, str] = {
    "LINEAGE_BRIDGE_HOME": "home",
    "LINEAGE_BRIDGE_NAMESPACE": "namespace",
    "LINEAGE_BRIDGE_ENVIRONMENT": "environment",
    "MARQUEZ_URL": "marquez_url",
    "MARQUEZ_API_KEY": "marquez_api_key",
    "LINEAGE_BRIDGE_FOLLOW": "follow",
}
# The same for the section `collector`; secrets belong here rather than in a file.
COLLECTOR_ENVIRONMENT: Mapping[str, str] = {
    "LINEAGE_BRIDGE_READ_KEYS": "read_keys",
    "LINEAGE_BRIDGE_WRITE_KEYS": "write_keys",
    "LINEAGE_BRIDGE_HOSTS": "hosts",
    "LINEAGE_BRIDGE_ORIGINS": "origins",
    "LINEAGE_BRIDGE_PUBLIC": "public",
}


def load_settings(
    flags: Mapping[str, Any], environ: Mapping[str, str], *, working_folder: Path
) -> Settings:
    """Merge flags, environment, settings file and defaults.

    Args:
        flags: settings given on the command line; None is "not given". `config` names the file.
        environ: the environment variables.
        working_folder: the folder that is searched for the file first.

    Raises:
        SettingsError: a file or a value is wrong; names it, its source and what was expected.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    from_env = {name: environ[var] for var, name in ENVIRONMENT.items() if environ.get(var)}
    home = Path(given.get("home") or from_env.get("home") or DEFAULT_HOME)
    path = _config_path(given.pop("config", None), working_folder, home)
    from_file = _read(path) if path is not None else {}
    merged = {**from_file, **from_env, **given, "config_path": path}
    # An empty variable counts too: a deployment that lost its keys must not be open to all.
    of_collector = {n: environ[v] for v, n in COLLECTOR_ENVIRONMENT.items() if v in environ}
    if of_collector and isinstance(from_file.get("collector", {}), dict):
        merged["collector"] = {**from_file.get("collector", {}), **of_collector}
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as exc:
        raise SettingsError(
            *_explain(exc, _sources(path, from_file, environ))
        ) from None  # it quotes all keys
    misplaced = [
        f"`{masked(key)}`: has a user with a password, or a key, and would show it. "
        "Leave that out; what artifacts say is read without it as well."
        for key in _with_secrets(settings.model_dump())
    ]
    if misplaced:
        raise SettingsError(*misplaced)
    return _with_feature_views(settings)


def _with_feature_views(settings: Settings) -> Settings:
    policies = settings.policies
    if not policies.feature_views:
        return settings
    slas = read_feature_views(policies.feature_views)
    return settings.model_copy(update={"policies": policies.with_slas(slas)})


def _with_secrets(value: Any, key: str = "") -> Iterator[str]:
    """Yield the keys of texts that have a secret in a place that is not meant for one."""
    if isinstance(value, str) and masked(value) != value:
        yield key
    elif isinstance(value, dict):
        for name, member in value.items():
            inner = f"{key}.{name}" if key else name
            if masked(name) != name:
                yield inner
            yield from _with_secrets(member, inner)
    elif isinstance(value, list):
        for item in value:
            yield from _with_secrets(item, key)


def _config_path(named: str | Path | None, working_folder: Path, home: Path) -> Path | None:
    if named is not None:
        if not Path(named).is_file():
            raise SettingsError(f"The settings file `{named}` does not exist.")
        return Path(named)
    for folder in (working_folder, home):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as exc:  # too many digits are a ValueError too
        raise SettingsError(f"Cannot read the settings file `{path}`: {exc}") from exc
    if "config_path" in document:
        raise SettingsError(f"`config_path` in `{path}` is not a setting.")
    if "home" in document:  # relative to the file, wherever the command runs
        document["home"] = path.parent / str(document["home"])
    _beside(path, document.get("policies"), only="feature_views")
    _beside(path, document.get("sources"))
    changes = document.get("changes")
    _beside(path, changes.get("copies") if isinstance(changes, dict) else None)
    return document


def _beside(path: Path, section: Any, only: str | None = None) -> None:
    """Let the lists of paths in a section be relative to the file."""
    for name, listed in section.items() if isinstance(section, dict) else ():
        if isinstance(listed, list) and only in {None, name}:
            section[name] = [
                path.parent / v if isinstance(v, str) and "://" not in v else v for v in listed
            ]


def _sources(
    path: Path | None, from_file: Mapping[str, Any], environ: Mapping[str, str]
) -> Mapping[str, str]:
    """Return where the values come from, by the setting's dotted name."""
    in_file = dict.fromkeys(from_file, f" in `{path}`")
    of_env = {name: f" ({var})" for var, name in ENVIRONMENT.items() if environ.get(var)}
    of_collector = {
        f"collector.{name}": f" ({var})"
        for var, name in COLLECTOR_ENVIRONMENT.items()
        if var in environ
    }
    return {**in_file, **of_env, **of_collector}


def _explain(exc: ValidationError, sources: Mapping[str, str]) -> list[str]:
    lines = []
    for error in exc.errors():
        parts = [str(part) for part in error["loc"]]
        key = masked(".".join(parts))
        source = sources.get(".".join(parts[:2])) or sources.get(next(iter(parts), ""), "")
        if error["type"] == "extra_forbidden":
            lines.append(f"`{key}`{source} is not a setting.")
        else:
            reason = masked(error["msg"].removeprefix("Value error, "))
            lines.append(f"`{key}`{source}: {reason}{_found(error)}.")
    return lines


def _found(error: ErrorDetails) -> str:
    """Quote a wrong value if it is a number, and not of a secret."""
    value = error["input"]
    is_shown = isinstance(value, int | float) and not _is_secret(error["loc"])
    return f", got {value!r}" if is_shown else ""


def _is_secret(loc: Sequence[int | str]) -> bool:
    """Return whether a place in the settings is a secret, or within one."""
    section: Any = Settings
    for part in loc:
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return False
        field = section.model_fields.get(str(part))
        if field is None or field.exclude:
            return field is not None
        section = field.annotation
    return False
