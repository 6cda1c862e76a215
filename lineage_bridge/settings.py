"""One typed `Settings`: flags over environment over `lineage-bridge.toml` over defaults.

The file is taken from `--config`, else the working folder, else the home (the data folder). An
unknown key is an error, so that a misspelt one is noticed. Ages and durations are in seconds.

Invariant: no secret is in an error, a `repr` or a dump of the settings. What is secret is marked by
its type; and because a secret may be written into any place by mistake, no error shows a text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from lineage_bridge.errors import NamingError, SettingsError
from lineage_bridge.masking import masked
from lineage_bridge.naming import FEATURES_PATTERN, MODEL_PATTERN, check_namespace

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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
    "LINEAGE_BRIDGE_HOSTS": "hosts",
    "LINEAGE_BRIDGE_ORIGINS": "origins",
    "LINEAGE_BRIDGE_PUBLIC": "public",
}

# What an alias may stand for: a dataset of ours, with `@<version>` or without, or a model of ours.
FeaturesTarget = Annotated[str, Field(pattern=rf"^{FEATURES_PATTERN}(@[^<>]+)?$")]
ModelTarget = Annotated[str, Field(pattern=rf"^{MODEL_PATTERN}$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

# A field of one of these types is secret: it is in no error, no `repr` and no dump.
_SECRET: Final = Field(repr=False, exclude=True)
Secret = Annotated[str | None, _SECRET]


def _split(value: Any) -> Any:
    # The environment gives all names as one text, separated by commas.
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _keys(value: Any) -> list[str]:
    """Check keys; whatever is wrong with them is an error, because without any all are let in."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(key, str) for key in listed):
        raise ValueError("expected a list of keys, each a text in quotes")
    if not listed:
        raise ValueError("it names no key; leave it out to run without keys")
    if any(not key.strip() for key in listed):
        raise ValueError("a key is empty; leave the whole setting out to run without keys")
    if not all(_KEY.fullmatch(key) for key in listed):
        raise ValueError(
            "a key has ASCII letters, digits and signs, and no blank, not even around it"
        )
    return listed


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("expected a name such as lineage.example.org, without scheme and port")
    return value.lower()


def _origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError("expected an origin such as https://ui.example.org, without a path")
    return value.lower().removesuffix("/")


_KEY = re.compile(r"[!-~]+", re.ASCII)
_HOST = re.compile(r"\*|(?:\*\.)?[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", re.ASCII)
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?/?", re.ASCII)

Name = TypeVar("Name")
Names = Annotated[list[Name], BeforeValidator(_split)]
Secrets = Annotated[list[str], BeforeValidator(_keys), _SECRET]
HostNames = Names[Annotated[str, AfterValidator(_host)]]
Origins = Names[Annotated[str, AfterValidator(_origin)]]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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
    """Who may ask a server of ours (collector, page, exporter), and how much.

    Without any key everyone who reaches it may do everything. A write key allows reading as well.
    `hosts`: names that it is reached by, besides those of this machine itself. `origins`: of web
    pages that may write, besides its own. `public`: what needs no key though there are keys.
    With a certificate and its key (PEM files) it speaks HTTPS. Sizes are in bytes.
    """

    read_keys: Secrets = []
    write_keys: Secrets = []
    hosts: HostNames = []
    origins: Origins = []
    public: Names[Literal["page", "metrics", "admin"]] = []
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    admin_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    body_max_bytes: Annotated[int, Field(gt=0)] | None = None
    requests_max: Annotated[int, Field(gt=0)] | None = None
    connections_max: Annotated[int, Field(gt=0)] | None = None
    peer_connections_max: Annotated[int, Field(gt=0)] | None = None
    request_seconds: Seconds | None = None
    head_seconds: Seconds | None = None
    body_seconds: Seconds | None = None
    idle_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("`tls_certificate` and `tls_key` go together")
        return self


class Settings(_Section):
    """Everything that can be set, and where the file was found (`config_path`).

    `marquez_url` may have a user and a password: `masking.public_url` is what may be shown of it.
    """

    home: Path = Path(DEFAULT_HOME)
    namespace: str = "default"
    environment: str = "local"  # the label of metrics whose facts name no environment
    marquez_url: Secret = None
    marquez_api_key: Secret = None
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
        if not value:
            return None
        for problem in _problems_of_url(value):
            raise ValueError(f"expected a URL such as http://localhost:5000, {problem}")
        scheme, _, rest = value.partition(":")
        return f"{scheme.lower()}:{rest.rstrip('/')}"

    @field_validator("marquez_api_key")
    @classmethod
    def _key(cls, value: str | None) -> str | None:
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            raise ValueError("expected a key of printable ASCII characters without blanks")
        return value


def _problems_of_url(url: str) -> Iterator[str]:
    """Yield what is wrong with the URL of a Marquez, without any word of it.

    Only what cannot be read in two ways is good, so that what is left out where the URL is shown is
    all that is secret in it.
    """
    if not url.isprintable() or any(character in ' \\<>"' for character in url):
        yield "without blanks and backslashes; in a password they are written %20 and %5C"
    if "?" in url or "#" in url:
        yield "without a query or fragment; a key goes into `marquez_api_key`"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 # reading it checks it
    except ValueError:
        yield "but its host or port is none; `/` and `@` in a password are written %2F and %40"
        return
    if parts.scheme not in {"http", "https"}:
        yield "which begins with http:// or https://"
    if not parts.hostname:
        yield "but it names no host"
    if parts.netloc.count("@") > 1 or "@" in parts.path:
        yield "but it has an `@` too many; in a password it is written %40"


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
    return settings


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
    return document


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
