"""Requests and labels column by column, which is how millions of them are joined and counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lineage_bridge.inference.seen import Hashes, hashes_of
from lineage_bridge.inference.values import Answer, Inference
from lineage_bridge.profiles.keys import Flags, Floats
from lineage_bridge.times import to_micros

Instants = NDArray[np.int64]  # microseconds since 1970

NUMBER: Final = -1  # in place of a text's number: it is none
ABSENT: Final = -2
NO_TIME: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Told:
    """Answers or labels: each a number, a text, or absent.

    Attributes:
        numbers: NaN where it is a text or absent; an answer may be NaN as well.
        texts: the place of a text among `names`, else `NUMBER` or `ABSENT`.
        names: every text once.
    """

    numbers: Floats
    texts: NDArray[np.int32]
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Sequence[Answer | None]) -> Self:
        """Take values as rows have them."""
        kinds = set(map(type, values))
        if kinds <= {float}:
            return cls(np.array(values, np.float64), np.full(len(values), NUMBER, np.int32))
        names: dict[str, int] = {}
        numbers, texts = np.full(len(values), math.nan), np.full(len(values), ABSENT, np.int32)
        for place, value in enumerate(values):
            if isinstance(value, str):
                texts[place] = names.setdefault(value, len(names))
            elif value is not None:
                numbers[place], texts[place] = value, NUMBER
        return cls(numbers, texts, tuple(names))

    @property
    def is_there(self) -> Flags:
        """Which are not absent."""
        is_there: Flags = self.texts != ABSENT
        return is_there

    @property
    def is_text(self) -> Flags:
        """Which are texts."""
        is_text: Flags = self.texts >= 0
        return is_text

    @property
    def is_usable(self) -> Flags:
        """Which are something that can be compared: neither absent nor a number without end."""
        is_number: Flags = (self.texts == NUMBER) & np.isfinite(self.numbers)
        return self.is_text | is_number

    def where(self, which: Flags | NDArray[np.intp]) -> Told:
        """Return some of them."""
        return Told(self.numbers[which], self.texts[which], self.names)

    def only(self, which: Flags) -> Told:
        """Let the others be absent."""
        texts = np.where(which, self.texts, ABSENT).astype(np.int32)
        return Told(np.where(which, self.numbers, math.nan), texts, self.names)

    def or_else(self, others: Told) -> Told:
        """Return others in place of those that are absent."""
        is_there = self.is_there
        if is_there.all():
            return self
        moved = np.where(others.is_text, others.texts + len(self.names), others.texts)
        return Told(
            np.where(is_there, self.numbers, others.numbers),
            np.where(is_there, self.texts, moved).astype(np.int32),
            self.names + others.names,
        )

    def values(self) -> list[Answer | None]:
        """Return them as rows have them."""
        return [
            number if text == NUMBER else None if text == ABSENT else self.names[text]
            for number, text in zip(self.numbers.tolist(), self.texts.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests, in the order in which they were read.

    Attributes:
        ids: hashes of their ids; None where they have none.
        at_us: when they were made, or `NO_TIME`.
        answers: what was predicted.
        chances: the probability of the positive class, NaN where it was not said.
        labels: what was true, as far as their own rows say it.
        groups: what they are compared by, as texts; None where that is not declared.
    """

    ids: Hashes | None
    at_us: Instants
    answers: Told
    chances: Floats
    labels: Told
    groups: Told | None = None

    @classmethod
    def of(cls, rows: Sequence[Inference]) -> Self:
        """Take rows, of which all have a request id or none has one."""
        has_ids = bool(rows) and rows[0].request_id is not None
        at_us = [NO_TIME if row.at is None else to_micros(row.at.instant) for row in rows]
        groups = [row.group for row in rows]
        chances = [math.nan if row.probability is None else row.probability for row in rows]
        return cls(
            hashes_of([row.request_id for row in rows]) if has_ids else None,
            np.array(at_us, np.int64),
            Told.of([row.prediction for row in rows]),
            np.array(chances, np.float64),
            Told.of([row.label for row in rows]),
            Told.of(groups) if any(group is not None for group in groups) else None,
        )

    def __len__(self) -> int:
        return len(self.at_us)
