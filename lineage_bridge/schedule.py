"""Schedules: a cron expression in a time zone, such as `0 2 * * * Europe/Berlin`.

The clocks of a zone jump twice a year. As in Debian's cron, a job of a fixed hour that the clocks
skip runs right after the jump, and one in the hour that they repeat runs once; a job of every hour
or minute keeps to the time that really passes. (On Lord Howe Island, whose clocks jump by half an
hour, a job of every hour may miss one time at a jump.) Like `times`, this imports none of our
modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

_FIELDS: Final = 5
_EXAMPLE: Final = "`0 2 * * * Europe/Berlin`"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is expected; made by `parse`.

    Attributes:
        text: as it was written.
    """

    text: str
    _cron: str = field(repr=False)
    _zone: ZoneInfo = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read minute, hour, day of the month, month, day of the week, and a zone (default UTC).

        Raises:
            ValueError: it is no such text, there is no such zone, or the time never comes.
        """
        words = text.split()
        if len(words) not in {_FIELDS, _FIELDS + 1}:
            raise ValueError(f"expected five fields and a time zone, such as {_EXAMPLE}")
        zone = _zone_of(words[_FIELDS] if len(words) > _FIELDS else "UTC")
        found = cls(text, " ".join(words[:_FIELDS]), zone)
        found._check()
        return found

    def after(self, instant: datetime) -> datetime | None:
        """Return the first time after an instant, in UTC; None where the years end before it."""
        from cronsim import CronSim

        try:
            # It may begin with a time of the hour before, where the clocks were set back to it.
            times = CronSim(self._cron, instant.astimezone(self._zone))
            return next(time.astimezone(UTC) for time in times if time.astimezone(UTC) > instant)
        except (StopIteration, OverflowError):
            return None

    def _check(self) -> None:
        from cronsim import CronSim, CronSimError

        try:
            next(CronSim(self._cron, datetime(2024, 1, 1, tzinfo=self._zone)))
        except CronSimError as exc:
            raise ValueError(f"{_lower(exc)}; expected a time such as {_EXAMPLE}") from exc
        except StopIteration:
            raise ValueError("this time never comes") from None


def _zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as exc:  # a folder of the database is an OSError
        raise ValueError("its last word is no time zone such as Europe/Berlin") from exc


def _lower(exc: Exception) -> str:
    text = str(exc) or "it is no cron expression"
    return text[0].lower() + text[1:]
