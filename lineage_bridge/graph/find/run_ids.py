"""Parts of run ids: the shortest that tells a run apart, and the runs that a part may mean.

Most ids differ at their beginning. A UUID of version 7 begins with the time at which it was made,
so those of one night begin alike and differ at their end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

SHORTEST: Final = 8  # characters that are shown, as many as a UUID's first group has
STEP: Final = 4

_VERSION_7 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_HEX_32 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_PART = re.compile(r"[0-9a-f-]{4,36}", re.IGNORECASE)


class RunParts:
    """The parts of run ids that are shown to people: `runs_like` finds the run by each of them.

    Args:
        ids: of all runs that a part must not be confused with.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = frozenset(ids)
        self._uses: dict[int, Counter[str]] = {}

    def of(self, run_id: str) -> str:
        """Return the beginning of an id, or its end, where that tells it apart; else all of it."""
        for length in range(SHORTEST, len(run_id), STEP):
            parts = [run_id[:length], run_id[-length:]]
            for part in reversed(parts) if _VERSION_7.fullmatch(run_id) else parts:
                if self._of_length(length)[part] == 1:
                    return part
        return run_id

    def _of_length(self, length: int) -> Counter[str]:
        if length not in self._uses:
            uses = Counter(id_[:length] for id_ in self._ids)
            uses.update(id_[-length:] for id_ in self._ids)
            self._uses[length] = uses
        return self._uses[length]


def may_be_part(text: str) -> bool:
    """Return whether a text that stands alone may be a part of a run id, and not a name."""
    return _PART.fullmatch(text) is not None


def runs_like(text: str, ids: Sequence[str]) -> list[str]:
    """Return the ids that a text means: the whole id, else those that begin so, end so, have it."""
    part = text.lower()
    if _HEX_32.fullmatch(part):  # as MLflow writes it
        part = f"{part[:8]}-{part[8:12]}-{part[12:16]}-{part[16:20]}-{part[20:]}"
    for is_meant in (
        lambda id_: id_ in {text, part},
        lambda id_: id_.startswith((text, part)),
        lambda id_: id_.endswith((text, part)),
        lambda id_: text in id_ or part in id_,
    ):
        found = [id_ for id_ in ids if is_meant(id_)]
        if found:
            return found
    return []
