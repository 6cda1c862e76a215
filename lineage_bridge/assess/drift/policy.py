"""The constants of drift: defaults of the policy, each with its reason in docs/findings.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# `ft_hour_of_day`, `is_weekend`, `month`, `event_hour`; but not `rides_last_hour`.
_CALENDAR: Final = re.compile(
    r"(?:^|_)(?:minute|hour|day|week|month|quarter)_of_(?:hour|day|week|month|quarter|year)$"
    r"|(?:^|_)(?:is_)?(?:weekend|weekday|holiday|workday)$"
    r"|^(?:(?:ft|f|feat|feature|event|obs|request|time|date|pickup)_)*"
    r"(?:minute|hour|day|dow|doy|week|month|quarter|season|year)$"
)


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """Limits of drift.

    Attributes:
        fewest_rows: with fewer on either side there is no finding.
        fewest_rows_for_fine_cells: from so many rows on the smaller side, numbers have twice the
            cells.
        cells: in how many equal parts the reference's numbers are cut.
        false_share: the share of false ones among the features that are said to have drifted.
        warning_psi: PSI above its noise floor from which on it is a warning.
        critical_psi: the same for critical.
        warning_new: share of rows that the reference knew nothing like, for a warning.
        critical_new: the same for critical.
        calendar: features that move with the calendar alone, beside those whose names say so.
        apart: columns that are no features, such as keys.
        importance: the weight of each feature in its model, where that is known.
    """

    fewest_rows: int = 30
    fewest_rows_for_fine_cells: int = 1_000
    cells: int = 10
    false_share: float = 0.05
    warning_psi: float = 0.1
    critical_psi: float = 0.2
    warning_new: float = 0.05
    critical_new: float = 0.2
    calendar: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    importance: Mapping[str, float] = field(default_factory=dict)

    def is_calendar(self, feature: str) -> bool:
        """Return whether a feature moves with the calendar alone."""
        return feature in self.calendar or _CALENDAR.search(feature.lower()) is not None

    def cells_for(self, rows: int) -> int:
        """Return in how many parts the reference's numbers are cut."""
        return self.cells * (2 if rows >= self.fewest_rows_for_fine_cells else 1)
