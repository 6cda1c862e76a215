"""A Marquez's feed of events: how many there are in a range, and which.

Source: Marquez 0.51, `GET /api/v1/events/lineage`: `after <= time < before`, both in microseconds;
without `before` it ends at 2030; no maximum for `limit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import msgspec

from lineage_bridge.share.marquez.client import MarquezClient
from lineage_bridge.share.marquez.outcome import Answer, NoAnswerError, Outcome
from lineage_bridge.times import format_time, from_micros

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE_BYTES = 16 * 1024 * 1024  # of an answer; twice that is held in memory
EVENT_BYTES = 64 * 1024 * 1024  # of an answer with one event, as of a line of an import


class _Listed(msgspec.Struct):
    totalCount: int  # noqa: N815 # as Marquez calls it
    events: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the feed.

    Attributes:
        total: how many events the range has.
        bodies: the JSON of each event that is listed.
    """

    total: int
    bodies: Sequence[bytes]


class Feed:
    """The feed of a Marquez."""

    def __init__(self, client: MarquezClient) -> None:
        self._client = client
        self._decoder = msgspec.json.Decoder(_Listed)

    def list(
        self, start: int, end: int, limit: int, offset: int = 0, most: int = PAGE_BYTES
    ) -> Listed | None:
        """List the first events of a range, in the order of their times.

        Args:
            start: the first microsecond since the epoch.
            end: the first one that is no longer in the range.
            limit: how many events at most; with 0 they are only counted.
            offset: how many to leave out.
            most: bytes of the answer.

        Returns:
            None if the answer is too large; fewer events may do.

        Raises:
            NoAnswerError: there is no answer, or it is no feed.
        """
        asked: dict[str, str | int] = {
            "after": format_time(from_micros(start)),
            "before": format_time(from_micros(end)),
            "sortDirection": "asc",
            "limit": limit,
            "offset": offset,
        }
        content = self._content(asked, most)
        try:
            found = None if content is None else self._decoder.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            text = f"what answers there has no feed of events: {exc}"
            raise NoAnswerError(Answer(Outcome.REFUSED, text)) from exc
        return None if found is None else Listed(found.totalCount, list(map(bytes, found.events)))

    def _content(self, asked: dict[str, str | int], most: int) -> bytes | None:
        content = bytearray()
        try:
            with self._client.http.stream(
                "GET", "/api/v1/events/lineage", params=asked
            ) as response:
                if not response.is_success:
                    response.read()
                    raise NoAnswerError(self._client.answer(response))
                for part in response.iter_bytes():
                    content += part
                    if len(content) > most:
                        return None
        except httpx.RequestError as exc:
            raise NoAnswerError(self._client.failure(exc)) from exc
        return bytes(content)
