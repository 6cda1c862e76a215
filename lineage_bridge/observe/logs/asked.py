"""Requests of which it is known who answered them, sorted as they are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lineage_bridge.inference.columns import Columns, profile_of_rows
from lineage_bridge.inference.requests import Requests
from lineage_bridge.inference.values import Inference
from lineage_bridge.observe.logs.hours import DAY_US, HOUR_US, Answered
from lineage_bridge.profiles.profile import Profile


class Asked(NamedTuple):
    """A request, who answered it, and when: microseconds since 1970."""

    answered: Answered
    at_us: int | None
    row: Inference


def requests_by_answered(asked: Sequence[Asked]) -> dict[Answered, Requests]:
    """Sort requests by who answered them."""
    found: dict[Answered, list[Inference]] = {}
    for one in asked:
        found.setdefault(one.answered, []).append(one.row)
    return {answered: Requests.of(rows) for answered, rows in found.items()}


def by_hour(columns: Columns, asked: Sequence[Asked]) -> list[tuple[Answered, int, Profile]]:
    """Make a profile of the requests of each hour; one without a time is in none."""
    found: dict[tuple[Answered, int], list[Inference]] = {}
    for one in asked:
        if one.at_us is not None:
            key = one.answered, one.at_us // HOUR_US * HOUR_US
            found.setdefault(key, []).append(one.row)
    return [(*key, profile_of_rows(columns, rows)) for key, rows in found.items()]


def by_day(asked: Sequence[Asked]) -> Counter[tuple[Answered, int]]:
    """Count requests by who answered them and by the day, microseconds since 1970."""
    return Counter(
        (one.answered, one.at_us // DAY_US * DAY_US) for one in asked if one.at_us is not None
    )
