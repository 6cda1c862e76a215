"""What anybody's events were: the digests that the journal took of them when they came.

They stand on pages of their own, so damage of an event leaves its digest whole. All pages are
looked at: a digest holds for good, also on one that is overwritten or free by now.
"""

from __future__ import annotations

from lineage_bridge.care.salvage.event_pages import short_rows
from lineage_bridge.care.salvage.pages.file import Pages
from lineage_bridge.care.salvage.pages.page import decode_index_rows
from lineage_bridge.care.salvage.sets import NumberSet
from lineage_bridge.events import digest_of


class Digests:
    """The digests of a journal.

    Args:
        pages: of its file.
    """

    def __init__(self, pages: Pages) -> None:
        self._digests, self._digested = NumberSet(), NumberSet()
        for version in pages.versions():
            page = pages.read(version)
            for row in short_rows(decode_index_rows(page, version.number, pages.usable)):
                match row:
                    case [int(), bytes(digest), int(seq)] if seq > 0:
                        self._digests.add(_number(digest))
                        self._digested.add(seq)

    def contradict(self, seq: int, body: bytes) -> bool:
        """Return whether an event was another one when it came, or its digest is damaged.

        An event that came before there were digests has none. One that came again then has that of
        the first.
        """
        return seq in self._digested and _number(digest_of(body)) not in self._digests


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big")
