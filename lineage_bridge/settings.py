"""One typed `Settings`: flags over environment over `lineage-bridge.toml` over defaults.

The file is taken from `--config`, else the working folder, else the home (the data folder). An
unknown key is an error, so that a misspelt one is noticed. Ages and durations are in seconds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lineage_bridge.errors import NamingError, SettingsError
from lineage_bridge.naming import FEATURES_PATTERN, MODEL_PATTERN, check_namespace

FILE_NAME = "lineage-bridge.toml"
DEFAULT_HOME = ".lineage-bridge"
DEFAULT_TABLE = "main.raw_station_metrics_1min"  # P2's SQL reads this one table

# Environment variable -> setting. A flag of the same meaning wins.
ENVIRONMENT: Mapping[str, str] = {
    "LINEAGE_BRIDGE_HOME": "home",
    "LINEAGE_BRIDGE_NAMESPACE": "namespace",
    "LINEAGE_BRIDGE_ENVIRONMENT": "environment",
    "MARQUEZ_URL": "marquez_url",
    "MARQUEZ_API_KEY": "marquez_api_key",
}
# The same for the section `collector`; secrets belong here rather than in a file.
COLLECTOR_ENVIRONMENT: Mapping[str, str] = {
    "LINEAGE_BRIDGE_READ_KEYS": "read_keys",
    "LINEAGE_BRIDGE_WRITE_KEYS": "write_keys",
}

# What an alias may stand for: a dataset of ours, with `@<version>` or without, or a model of ours.
FeaturesTarget = Annotated[str, Field(pattern=rf"^{FEATURES_PATTERN}(@[^<>]+)?$")]
ModelTarget = Annotated[str, Field(pattern=rf"^{MODEL_PATTERN}$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Aliases(_Section):
    """Names and run ids that artifacts use -> the datasets and models that they stand for.

    `datasets`: an artifact's dataset name -> `features.<store>.<name>`, or with `@<version>`.
    `models`: an artifact's model name -> `models.<name>`.
    `runs`: an upstream's training run id -> the dataset that it read, `features.…@<version>`.
    """

    datasets: dict[str, FeaturesTarget] = {}
    models: dict[str, ModelTarget] = {}
    runs: dict[str, FeaturesTarget] = {}


class FreshnessSettings(_Section):
    """Ages from which a dataset is LATE (`warn_seconds`) and STALE (`error_seconds`)."""

    warn_seconds: Seconds | None = None
    error_seconds: Seconds | None = None


class ServingSettings(_Section):
    """Expectations of a deployment; where a value is absent, the rule's default applies."""

    expects_traffic: bool | None = None
    latency_p95_ms: Seconds | None = None
    latency_p99_ms: Seconds | None = None


class Policies(_Section):
    """Policies per dataset name and per deployment id; the key `default` is for all others."""

    freshness: dict[str, FreshnessSettings] = {}
    serving: dict[str, ServingSettings] = {}


class CollectorSettings(_Section):
    """Who may use the collector, and how much of it.

    Without any key everyone who reaches it may do everything. A write key allows reading as well.
    With a certificate and its key (PEM files) the collector speaks HTTPS.
    """

    read_keys: list[str] = []
    write_keys: list[str] = []
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    admin_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    body_max_bytes: Annotated[int, Field(gt=0)] | None = None
    requests_max: Annotated[int, Field(gt=0)] | None = None
    request_seconds: Seconds | None = None

    @field_validator("read_keys", "write_keys", mode="before")
    @classmethod
    def _keys(cls, value: Any) -> Any:
        # The environment gives all keys as one text, separated by commas.
        return (
            [k.strip() for k in value.split(",") if k.strip()] if isinstance(value, str) else value
        )

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("`tls_certificate` and `tls_key` go together")
        return self


class Settings(_Section):
    """Everything that can be set, and where the file was found (`config_path`)."""

    home: Path = Path(DEFAULT_HOME)
    namespace: str = "default"
    environment: str = "local"  # the label of metrics whose facts name no environment
    marquez_url: str | None = None
    marquez_api_key: str | None = None
    stores: dict[str, str] = {}
    source_table: str = DEFAULT_TABLE
    live: dict[str, list[str]] = {}
    aliases: Aliases = Aliases()
    policies: Policies = Policies()
    collector: CollectorSettings = CollectorSettings()
    config_path: Path | None = None

    @field_validator("namespace")
    @classmethod
    def _namespace(cls, value: str) -> str:
        try:
            return check_namespace(value)
        except NamingError as exc:
            raise ValueError(str(exc)) from exc

    @field_validator("marquez_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("expected a URL such as http://localhost:5000")
        return value.rstrip("/") if value else None


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
    keys = {n: environ[v] for v, n in COLLECTOR_ENVIRONMENT.items() if environ.get(v)}
    if keys and isinstance(from_file.get("collector", {}), dict):
        merged["collector"] = {**from_file.get("collector", {}), **keys}
    try:
        return Settings.model_validate(merged)
    except ValidationError as exc:
        raise SettingsError(*_explain(exc, path, from_file)) from exc


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
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise SettingsError(f"Cannot read the settings file `{path}`: {exc}") from exc
    if "config_path" in document:
        raise SettingsError(f"`config_path` in `{path}` is not a setting.")
    if "home" in document:  # relative to the file, wherever the command runs
        document["home"] = path.parent / str(document["home"])
    return document


def _explain(exc: ValidationError, path: Path | None, from_file: Mapping[str, Any]) -> list[str]:
    lines = []
    for error in exc.errors():
        key = ".".join(str(part) for part in error["loc"])
        source = f" in `{path}`" if error["loc"] and error["loc"][0] in from_file else ""
        if error["type"] == "extra_forbidden":
            lines.append(f"`{key}`{source} is not a setting.")
        else:
            reason = error["msg"].removeprefix("Value error, ")
            lines.append(f"`{key}`{source}: {reason}, got {error['input']!r}.")
    return lines
