"""Rules of deployments: how they answer, and whether they answer at all.

A fault that health has raised stays raised in silence, so each rule leaves out what is retired.
"""

from __future__ import annotations

from typing import Final

from lineage_bridge.alerts.rule import Rule

SLOT: Final = "service, environment, deployment"
UNLESS_RETIRED: Final = f"unless on ({SLOT}) ml_deployment_retired == 1"
NAME: Final = "{{ $labels.service }}, {{ $labels.environment }}/{{ $labels.deployment }}"

SERVING: Final = (
    Rule(
        name="DeploymentUnhealthy",
        area="serving",
        severity="critical",
        after="1m",
        expr=f'ml_deployment_health_status{{status="unhealthy"}} == 1\n{UNLESS_RETIRED}',
        summary=f"{NAME} is unhealthy",
        meaning=(
            "Over half of the requests are provably too slow, a quarter or more fail or time out, "
            "or it does not answer although the settings expect traffic. Health has its own limits "
            "and its own patience, so this fires a minute later."
        ),
        todo=(
            "`lineage-bridge health` lists the reasons with their numbers. Route the traffic to "
            "another deployment, or roll back to the model version before."
        ),
    ),
    Rule(
        name="DeploymentDegraded",
        area="serving",
        severity="warning",
        after="5m",
        expr=f'ml_deployment_health_status{{status="degraded"}} == 1\n{UNLESS_RETIRED}',
        summary=f"{NAME} is degraded",
        meaning="More than a few requests are slow, fail, are refused or get a bad prediction.",
        todo="`lineage-bridge health` lists the reasons, with the minute in which each began.",
    ),
    Rule(
        name="DeploymentSilent",
        area="serving",
        severity="warning",
        after="5m",
        expr=f'ml_deployment_reason_age_seconds{{code="silent"}} > 0\n{UNLESS_RETIRED}',
        summary=f"{NAME} gave no sign of life for {{{{ $value | humanizeDuration }}}}",
        meaning=(
            "No window came for ten minutes, and it did not say that it ends. It was killed, its "
            "files are not read, or nobody asks it anything. After a day it counts as retired."
        ),
        todo=(
            "See whether the process runs and where it writes its windows. Where silence is a "
            "fault, set `expects_traffic` for it: then it is unhealthy, and critical."
        ),
    ),
    Rule(
        name="NoProductionModel",
        area="serving",
        severity="critical",
        after="2m",
        expr=(
            "max by (service, environment) (\n"
            '  ml_deployment_reason_age_seconds{code="stopped", level="unhealthy"}\n'
            ")\n"
            "unless on (service, environment)\n"
            "  sum by (service, environment) (ml_deployment_instances) > 0"
        ),
        summary="{{ $labels.service }} has no running instance in {{ $labels.environment }}",
        meaning=(
            "A deployment that the settings expect to have traffic (`expects_traffic`) has "
            "stopped, and no other of its service runs in this environment. A service that was "
            "shut down on purpose is retired, and does not fire."
        ),
        todo="Start a deployment. `lineage-bridge health` says which model versions served last.",
        sentinelml=True,
    ),
    Rule(
        name="HighApiErrorRate",
        area="serving",
        severity="critical",
        after="5m",
        expr=(
            'ml_deployment_bad_ratio{code=~"failure_ratio|timeout_ratio"} > 0.05\n'
            f"and on ({SLOT}, endpoint, code) ml_deployment_reason_age_seconds > 0\n"
            f"{UNLESS_RETIRED}"
        ),
        summary=f"{NAME}: {{{{ $value | humanizePercentage }}}} of the requests fail",
        meaning=(
            "More than 5 % of the requests in the look-back fail or time out, and health has "
            "raised that: it is proven, and no matter of one bad request of ten."
        ),
        todo="Look into the service's log from the minute on that `lineage-bridge health` names.",
        sentinelml=True,
    ),
    Rule(
        name="HighApiLatencyP99",
        area="serving",
        severity="warning",
        after="5m",
        expr=(
            'ml_deployment_latency_seconds{percentile="99"} > 2\n'
            f"and on ({SLOT}, endpoint)\n"
            '  ml_deployment_reason_age_seconds{code="latency_p99_ms"} > 0\n'
            f"{UNLESS_RETIRED}"
        ),
        summary=f"{NAME}: one of 100 requests takes over {{{{ $value | humanizeDuration }}}}",
        meaning=(
            "The 99th percentile of the newest minute is over 2 s, and health has raised it: it is "
            "no matter of one slow request at night."
        ),
        todo="See what the instances wait for: their load, the feature store, a model that grew.",
        sentinelml=True,
    ),
)
