"""Rules of datasets and of the jobs that write them."""

from __future__ import annotations

from typing import Final

from lineage_bridge.alerts.rule import Rule

_TABLE: Final = "dataset_name, environment"
# Under `--compat p6` ml_feature_freshness_seconds, which says the same, has other label values.
_BUILD_AGE: Final = 'ml_dataset_age_seconds{clock="build"}'

DATA: Final = (
    Rule(
        name="DatasetStale",
        area="data",
        severity="warning",
        after="5m",
        expr='ml_dataset_freshness_status{status="STALE"} == 1',
        summary="{{ $labels.dataset_name }} is STALE",
        meaning="It is older than its policy allows, or than three times its usual rhythm.",
        todo=(
            "`lineage-bridge freshness` shows its ages, the limits and where these are from. Run "
            "the job that writes it, or say in `lineage-bridge.toml` what to expect of it; one "
            "that is built no more gets an `error_seconds` that it never reaches."
        ),
    ),
    Rule(
        name="BuildOverdue",
        area="data",
        severity="warning",
        after="5m",
        expr=(
            "ml_dataset_next_build_timestamp_seconds\n"
            f'and on ({_TABLE}) ml_dataset_freshness_status{{status=~"LATE|STALE"}} == 1'
        ),
        summary=("{{ $labels.dataset_name }} was to be built at {{ $value | humanizeTimestamp }}"),
        meaning=(
            "The next build is late by the schedule, or by the usual rhythm. DatasetStale mutes it "
            "once the dataset is that old."
        ),
        todo=(
            "See why its job did not run: the scheduler, the run before, the tables that it reads."
        ),
    ),
    Rule(
        name="JobFailed",
        area="data",
        severity="warning",
        after="1m",
        expr='ml_job_last_state{state="FAILED"} == 1',
        summary="The last run of {{ $labels.job_name }} failed",
        meaning="Its newest batch run that ended has FAILED; it fires until one completes.",
        todo=(
            "Mend what the run's log says, and run it again. `lineage-bridge graph --node JOB` "
            "shows what reads its output."
        ),
    ),
    Rule(
        name="DataQualityHardFailure",
        area="data",
        severity="critical",
        after="5m",
        expr=(
            'ml_dataset_checks{severity="error", status="failed"} > 0\n'
            f"unless on ({_TABLE}) ml_dataset_retired == 1"
        ),
        summary="{{ $labels.dataset_name }} fails {{ $value }} checks of severity error",
        meaning=(
            "The newest version is not what is expected of it; a good version ends it. The "
            "inference log of a deployment that retired does not fire."
        ),
        todo=(
            "`lineage-bridge check DATASET` shows what failed, with the numbers. Keep it from "
            "being trained on, and build it again."
        ),
        sentinelml=True,
    ),
    Rule(
        name="QualityReportStale",
        area="data",
        severity="warning",
        after="5m",
        expr=(
            f"ml_dataset_check_age_seconds - on ({_TABLE}) {_BUILD_AGE} > 60\n"
            f"and on ({_TABLE}) {_BUILD_AGE} > 43200"
        ),
        summary="The newest version of {{ $labels.dataset_name }} was not checked",
        meaning=(
            "It was built more than 12 hours ago, and nobody has looked into it since: not one of "
            "the findings is about the rows that are used now."
        ),
        todo=(
            "`lineage-bridge doctor` says if its file cannot be read. Run `lineage-bridge "
            "backfill` or `watch` where the file is, without `--no-observe`."
        ),
        sentinelml=True,
    ),
)
