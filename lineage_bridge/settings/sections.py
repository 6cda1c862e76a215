"""Everything that can be set, by section. An unknown setting is an error."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from lineage_bridge.settings.feature_views import FreshnessSla
from lineage_bridge.settings.values import (
    ColumnName,
    ColumnNames,
    Count,
    Cron,
    DatasetId,
    Expression,
    FeaturesTarget,
    HostNames,
    Hours,
    MarquezKey,
    MarquezUrl,
    ModelTarget,
    Names,
    Namespace,
    Origins,
    Positive,
    Range,
    Seconds,
    Secrets,
    Share,
)

DEFAULT_HOME = ".lineage-bridge"
_LEVELS = ("warning", "critical")
_SERVING_LEVELS = ("degraded", "unhealthy")
DEFAULT_TABLE = "main.raw_station_metrics_1min"  # P2's SQL reads this one table


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
    """Ages from which a dataset is LATE (`warn_seconds`) and STALE (`error_seconds`).

    `expects`: when a build is expected instead, a cron expression with a time zone; the ages then
    count from a build that is missing.
    """

    warn_seconds: Seconds | None = None
    error_seconds: Seconds | None = None
    expects: Cron | None = None

    @model_validator(mode="after")
    def _late_before_stale(self) -> Self:
        warn, error = self.warn_seconds, self.error_seconds
        if warn is not None and error is not None and warn > error:
            raise ValueError("`warn_seconds` is above `error_seconds`, so nothing would be LATE")
        return self


class ServingSettings(_Section):
    """Expectations of a deployment; where a value is absent, the rule's default applies.

    The names are those of the policy in the facet `lineageBridge_servingHealth`, which says what
    each means. Shares are from 0 to 1.
    """

    expects_traffic: bool | None = None
    latency_p95_ms: Seconds | None = None
    latency_p99_ms: Seconds | None = None
    failure_degraded: Share | None = None
    failure_unhealthy: Share | None = None
    prediction_degraded: Share | None = None
    prediction_unhealthy: Share | None = None
    refusal_degraded: Share | None = None
    refusal_unhealthy: Share | None = None
    window_seconds: Positive | None = None
    gap_factor: Positive | None = None
    gap_max_missing: Count | None = None
    gap_max_seconds: Seconds | None = None
    silent_seconds: Seconds | None = None
    start_seconds: Seconds | None = None
    stop_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _degraded_before_unhealthy(self) -> Self:
        for what in ("failure", "prediction", "refusal"):
            degraded, unhealthy = (getattr(self, f"{what}_{level}") for level in _SERVING_LEVELS)
            if degraded is not None and unhealthy is not None and degraded > unhealthy:
                raise ValueError(
                    f"`{what}_degraded` is above `{what}_unhealthy`, so nothing would be degraded"
                )
        return self


class DriftSettings(_Section):
    """Limits of the drift of a deployment; where a value is absent, the rule's default applies.

    `hours`: over how many hours each its log is judged. `calendar`: features that move with the
    calendar alone. `apart`: columns that are no features. `importance`: the weight of each feature
    in its model. Shares are from 0 to 1.
    """

    hours: Annotated[list[Hours], Field(min_length=1)] | None = None
    repeat_hours: Hours | None = None
    fewest_rows: Annotated[int, Field(ge=2)] | None = None
    false_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    warning_psi: Positive | None = None
    critical_psi: Positive | None = None
    warning_new: Share | None = None
    critical_new: Share | None = None
    calendar: ColumnNames | None = None
    apart: ColumnNames | None = None
    importance: dict[str, Positive] | None = None
    untrained_fewest: Annotated[int, Field(ge=1)] | None = None
    untrained_share: Share | None = None

    @model_validator(mode="after")
    def _warning_before_critical(self) -> Self:
        for what in ("psi", "new"):
            warning, critical = (getattr(self, f"{level}_{what}") for level in _LEVELS)
            if warning is not None and critical is not None and warning > critical:
                raise ValueError(
                    f"`warning_{what}` is above `critical_{what}`, so nothing would be a warning"
                )
        return self


class FairnessSettings(_Section):
    """Limits of how differently a deployment may answer its groups; else the rule's own.

    The field that says a request's group is `group` of its `inference_logs`. Shares are 0 to 1.
    """

    measure: Literal["accuracy", "true_positive_rate", "positive_rate"] | None = None
    gap_most: Share | None = None
    fewest_labels: Annotated[int, Field(ge=1)] | None = None


class Policies(_Section):
    """Policies per dataset and per deployment id; the key `default` is for all others.

    A dataset is called by its name, or by `<namespace>:<name>`. `feature_views`: YAML files of a
    feature store, or folders of such; the `freshness_sla` of each view counts for its datasets.
    """

    freshness: dict[str, FreshnessSettings] = {}
    serving: dict[str, ServingSettings] = {}
    drift: dict[str, DriftSettings] = {}
    fairness: dict[str, FairnessSettings] = {}
    feature_views: list[Path] = []
    _slas: tuple[FreshnessSla, ...] = PrivateAttr(())

    @property
    def slas(self) -> tuple[FreshnessSla, ...]:
        """What the files of `feature_views` say, as they were read with the settings."""
        return self._slas

    def with_slas(self, slas: Iterable[FreshnessSla]) -> Self:
        """Return the same policies with what the files say."""
        copy = self.model_copy()
        copy._slas = tuple(slas)  # noqa: SLF001 # its own: pydantic has no other way to fill it
        return copy


class CheckSettings(_Section):
    """Expectations of a dataset; where a value is absent, the default of the check applies.

    The columns that say what a row is (`entity`, `time`, `target`, `cutoff`) are found out where
    they are not named. Shares are from 0 to 1.
    """

    columns: ColumnNames | None = None
    needed: ColumnNames | None = None
    entity: ColumnName | None = None
    time: ColumnName | None = None
    target: ColumnName | None = None
    cutoff: ColumnName | None = None
    feature_prefix: ColumnName | None = None
    zone: ColumnName | None = None
    slot_seconds: Seconds | None = None
    rows_least: Count | None = None
    fill_least: Share | None = None
    rows_a_slot_most: Positive | None = None
    entities_lost_most: Count | None = None
    null_share_most: Share | None = None
    few_nulls_share_most: Share | None = None
    strict_nulls: bool | None = None
    lag_slack: Share | None = None
    nulls_allowed: ColumnNames | None = None
    repeated_share_most: Share | None = None
    same_share_most: Share | None = None
    off_cutoff_share_most: Share | None = None
    not_binary_share_most: Share | None = None
    positive_rate_least: Share | None = None
    positive_rate_most: Share | None = None
    positive_rate_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    positive_rate_change: Share | None = None
    constant_expected: Positive | None = None
    ahead_seconds_most: Seconds | None = None
    back_seconds_most: Seconds | None = None
    not_finite_share_most: Share | None = None
    ranges: dict[str, Range] = {}
    out_of_range_share_most: Share | None = None
    labels: dict[str, ColumnNames] = {}
    unknown_label_share_most: Share | None = None
    missing_share_most: Share | None = None
    few_missing_share_most: Share | None = None
    confidence_least: Share | None = None
    classes: ColumnNames | None = None
    window_seconds: Seconds | None = None
    odd_window_share_most: Share | None = None
    jump_psi: Positive | None = None
    jump_factor: Positive | None = None
    jump_normal_after: Annotated[int, Field(ge=1)] | None = None
    baseline: str | None = None
    severity: dict[str, Literal["error", "warn", "off"]] = {}

    @model_validator(mode="after")
    def _rates_in_order(self) -> Self:
        least, most = self.positive_rate_least, self.positive_rate_most
        if least is not None and most is not None and least > most:
            raise ValueError("`positive_rate_least` is above `positive_rate_most`")
        return self


class InferenceLog(_Section):
    """Where our fields are in the rows of an inference log, as JMESPath expressions.

    A field that is not named is looked for under the usual names. `features` is an object, one as a
    JSON text, or the row itself (`@`); of its members those count that a pattern of `feature_names`
    fits. `time_unit` is that of times that are numbers since 1970. A label counts that is known no
    later than `label_days` after its request. `group` is what answers are compared by, such as a
    region; it has no usual name.
    """

    request_id: Expression | None = None
    time: Expression | None = None
    deployment: Expression | None = None
    environment: Expression | None = None
    service: Expression | None = None
    model: Expression | None = None
    version: Expression | None = None
    run: Expression | None = None
    entity: Expression | None = None
    features: Expression | None = None
    prediction: Expression | None = None
    probability: Expression | None = None
    confidence: Expression | None = None
    label: Expression | None = None
    label_time: Expression | None = None
    group: Expression | None = None
    feature_names: list[str] = []
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    label_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 7.0

    def paths(self) -> dict[str, str]:
        """Return the expressions that are named."""
        others = {"feature_names", "time_unit", "label_days"}
        return self.model_dump(exclude=others, exclude_none=True)


class ChangeSettings(_Section):
    """What jobs and datasets are made of, so that a change of it is told as theirs.

    `files`: a job or dataset -> patterns of paths within a repository; `*` is any text, also with
    `/` in it. A node is called by its name, or by `job:<namespace>:<name>` or `dataset:…`.
    `copies`: a name -> two files that should define the same, such as the SQL that builds features
    and the copy that a service has of it.
    """

    files: dict[str, list[str]] = {}
    copies: dict[str, tuple[Path, Path]] = {}


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


def _text_of_path(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


class Settings(_Section):
    """Everything that can be set, and where the file was found (`config_path`).

    `marquez_url` may have a user and a password: `masking.public_url` is what may be shown of it.
    """

    home: Path = Path(DEFAULT_HOME)
    namespace: Namespace = "default"
    environment: str = "local"  # the label of metrics whose facts name no environment
    marquez_url: MarquezUrl = None
    marquez_api_key: MarquezKey = None
    follow: bool = True  # whether `up` takes in what others sent to that Marquez
    # By family, or under `all`: folders that are watched, and servers by their URLs.
    sources: dict[str, list[Annotated[str, BeforeValidator(_text_of_path)]]] = {}
    stores: dict[str, str] = {}
    source_table: str = DEFAULT_TABLE
    live: dict[str, list[str]] = {}
    feedback: dict[DatasetId, list[DatasetId]] = {}  # into what -> what is fed back into it
    aliases: Aliases = Aliases()
    policies: Policies = Policies()
    checks: dict[str, CheckSettings] = {}
    inference_logs: dict[str, InferenceLog] = {}  # by a pattern of the file's path
    changes: ChangeSettings = ChangeSettings()
    collector: CollectorSettings = CollectorSettings()
    config_path: Path | None = None

    @property
    def loops(self) -> frozenset[tuple[str, str]]:
        """The declared feedback, as pairs of node ids: what is fed back, and into what."""
        return frozenset(
            (source, target) for target, sources in self.feedback.items() for source in sources
        )
