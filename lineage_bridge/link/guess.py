"""Guess which dataset a training read that does not say so: by the habit of those that do.

Where every training ends about an hour after the build of its dataset, a build of about an hour
before is a fair guess, if it is the only one. Where the true dataset is not known there is usually
no build at that time, and then there is no guess: the newest build of all would be a wrong one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from lineage_bridge.link.gaps import Guess
from lineage_bridge.records.identity import DatasetVersion

MIN_EXAMPLES: Final = 3
SLACK: Final = 1.5  # how much shorter or longer a time than all known ones still is the habit

Built = Mapping[tuple[str, str, str | None], datetime]


class Habit:
    """The times from a build to the end of the training that read it.

    Args:
        built: when each dataset version was built.
        examples: dataset and end of each training that names its dataset.
    """

    def __init__(self, built: Built, examples: Iterable[tuple[DatasetVersion, datetime]]) -> None:
        self._builds = sorted((time, name, version) for (_, name, version), time in built.items())
        self._times = [time for time, _, _ in self._builds]
        lags = [ended - built[d.key] for d, ended in examples if d.key in built]
        self._lags = sorted(lag for lag in lags if lag > timedelta(0))

    def guess(self, ended: datetime) -> Guess | None:
        """Return the only build that was made about as long before an end as is the habit."""
        if len(self._lags) < MIN_EXAMPLES:
            return None
        shortest, longest = self._lags[0], self._lags[-1]
        found = self._between(ended - longest * SLACK, ended - shortest / SLACK)
        if len(found) != 1 or found[0][2] is None:
            return None
        time, name, version = found[0]
        evidence = (
            f"it was built {_minutes(ended - time)} min before this training ended, as the only "
            f"one; {len(self._lags)} trainings that name their dataset ended "
            f"{_minutes(shortest)} to {_minutes(longest)} min after its build"
        )
        return Guess(f"{name}@{version}", evidence)

    def _between(
        self, begin: datetime, end: datetime
    ) -> Sequence[tuple[datetime, str, str | None]]:
        return self._builds[bisect_left(self._times, begin) : bisect_right(self._times, end)]


def _minutes(time: timedelta) -> int:
    return round(time / timedelta(minutes=1))
