"""All checks, in the order in which they are shown. A new one is defined in its module's list."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lineage_bridge.assess.checks import (
    artifact,
    columns,
    jump,
    ranges,
    said,
    target,
    times_order,
    values,
    volume,
)
from lineage_bridge.assess.checks.definition import Check

CHECKS: Final[tuple[Check, ...]] = (
    *artifact.CHECKS,
    *columns.CHECKS,
    *volume.CHECKS,
    *values.CHECKS,
    *ranges.CHECKS,
    *target.CHECKS,
    *times_order.CHECKS,
    *said.CHECKS,
    *jump.CHECKS,
)
BY_CODE: Final[Mapping[str, Check]] = MappingProxyType({check.code: check for check in CHECKS})
