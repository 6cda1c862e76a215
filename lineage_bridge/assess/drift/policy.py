"""The constants of drift: defaults of the policy, each with its reason in docs/findings.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

HOURS_A_DAY: Final = 24

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
        false_share_of_blocks: the same if the rows of one entity and day told no more than one row;
            above it rows that resemble each other explain what is found.
        warning_psi: PSI above its noise floor from which on it is a warning.
        critical_psi: the same for critical.
        warning_new: share of rows that the reference knew nothing like, for a warning.
        critical_new: the same for critical.
        calendar: features that move with the calendar alone, beside those whose names say so.
        apart: columns that are no features, such as keys.
        importance: the weight of each feature in its model, where that is known.
        hours: over how many hours each a log is judged, ascending.
        repeat_hours: a finding that does not change is told again after so many hours of log time.
        untrained_fewest: so many requests with a label that the model never saw, or with none or
            several of a group set, since the first of them, are a fault however small their share.
        untrained_share: the proven share of requests beyond the trained range that is one.
    """

    fewest_rows: int = 30
    fewest_rows_for_fine_cells: int = 1_000
    cells: int = 10
    false_share: float = 0.05
    false_share_of_blocks: float = 0.05
    warning_psi: float = 0.1
    critical_psi: float = 0.2
    warning_new: float = 0.05
    critical_new: float = 0.2
    calendar: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    importance: Mapping[str, float] = field(default_factory=dict)
    hours: tuple[int, ...] = (6, 24)
    repeat_hours: int = 24
    untrained_fewest: int = 3
    untrained_share: float = 0.01

    def of_each_look(self) -> Self:
        """Return the policy of one of a day's judgements of a log.

        It is judged each hour, over each number of hours: by chance it may be said to drift as
        often a day as one comparison alone may be.
        """
        looks = HOURS_A_DAY * len(self.hours)
        return replace(self, false_share=self.false_share / looks)

    def is_calendar(self, feature: str) -> bool:
        """Return whether a feature moves with the calendar alone."""
        return feature in self.calendar or _CALENDAR.search(feature.lower()) is not None

    def cells_for(self, rows: int) -> int:
        """Return in how many parts the reference's numbers are cut."""
        return self.cells * (2 if rows >= self.fewest_rows_for_fine_cells else 1)
