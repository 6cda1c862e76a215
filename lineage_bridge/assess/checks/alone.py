"""Checks of what stands alone: it is compared with nothing that came before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from lineage_bridge.assess.checks.definition import CheckOf, skipped
from lineage_bridge.assess.checks.judge import Result
from lineage_bridge.assess.checks.policy import CheckPolicy


class _Judged(Protocol):
    @property
    def policy(self) -> CheckPolicy: ...


Facts = TypeVar("Facts", bound=_Judged)


def judge_alone(checks: Sequence[CheckOf[Facts]], facts: Facts) -> tuple[Result, ...]:
    """Judge facts by each of these checks; all are reported, as for dataset versions."""
    return tuple(_result(check, facts) for check in checks)


def _result(check: CheckOf[Facts], facts: Facts) -> Result:
    setting = facts.policy.severity.get(check.code, check.severity)
    if setting == "off":
        return Result(check, check.severity, skipped("the settings switch it off"))
    return Result(check, setting, check.judge(facts))
