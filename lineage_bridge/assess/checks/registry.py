"""All checks, in the order in which they are shown. A new one is defined in its module's list.

`CHECKS` are those of dataset versions, which are compared with the versions before; `ALL` has by
what they judge also those of what stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from lineage_bridge.assess.checks import (
    artifact,
    columns,
    jump,
    ranges,
    requests,
    said,
    target,
    times_order,
    training,
    values,
    volume,
    windows,
)
from lineage_bridge.assess.checks.definition import Check, CheckOf

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
ALL: Final[Mapping[str, tuple[CheckOf[Any], ...]]] = MappingProxyType(
    {
        "dataset versions": CHECKS,
        "trainings": training.CHECKS,
        "metric windows": windows.CHECKS,
        "requests in inference logs": requests.CHECKS,
    }
)
BY_CODE: Final[Mapping[str, CheckOf[Any]]] = MappingProxyType(
    {check.code: check for checks in ALL.values() for check in checks}
)
