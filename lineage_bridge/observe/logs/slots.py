"""Who answered a row: the words of a log, and the starts and windows of deployments that are known.

A log need not say all of it. What it leaves out is what is known of the deployment that it names;
where that is not one thing, nobody is guessed, and the rows wait until more is known.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lineage_bridge.inference.values import Served
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.link.identities import SaidStart
from lineage_bridge.naming import Slot, canonical_version, known
from lineage_bridge.observe.logs.hours import Answered
from lineage_bridge.times import to_micros


class Unknown(NamedTuple):
    """What a row's words leave open.

    Attributes:
        field: our field that would tell.
        why: what is known of it, as the end of a sentence.
    """

    field: str
    why: str


class KnownSlots:
    """Deployments that are known, with what they served since when.

    Args:
        starts: all that are known.
        others: deployments of which only windows are known.
    """

    def __init__(self, starts: Iterable[SaidStart], others: Iterable[Slot] = ()) -> None:
        self._starts: dict[Slot, list[tuple[int, str, str]]] = {slot: [] for slot in others}
        for start in starts:
            served = (to_micros(start.time), *start.serves)
            self._starts.setdefault(start.slot, []).append(served)
        for of_slot in self._starts.values():
            of_slot.sort()
        self._found: dict[Served, Answered | Unknown | Slot] = {}

    @classmethod
    def load(cls, connection: sqlite3.Connection, starts: Iterable[SaidStart]) -> KnownSlots:
        """Take the starts, and the deployments of which windows were read."""
        if not has_table(connection, "serving_slots"):
            return cls(starts)
        query = "SELECT service, environment, deployment FROM serving_slots"
        return cls(starts, (Slot(*words) for words in connection.execute(query)))

    @property
    def digest(self) -> str:
        """A text that changes with what is known."""
        return _digest([[*_words(slot), *starts] for slot, starts in sorted(self._starts.items())])

    def key(self, served: Served) -> str:
        """Return a text that changes when rows with these words are somebody else's answers."""
        found = self._of(served)
        if isinstance(found, Slot):
            return _digest([*_words(found), *self._starts.get(found, [])])
        return _digest([None if isinstance(found, Unknown) else found.slot.job, *found[-2:]])

    def answered_by(self, served: Served, at_us: int | None) -> Answered | Unknown:
        """Find out who answered a row.

        Args:
            served: the row's words.
            at_us: when, microseconds since 1970, if that is known.
        """
        found = self._of(served)
        return self._active(found, served, at_us) if isinstance(found, Slot) else found

    def _of(self, served: Served) -> Answered | Unknown | Slot:
        """Find what does not depend on the time: the deployment at least."""
        found = self._found.get(served)
        if found is None:
            found = self._found[served] = self._resolved(Served(*map(known, served)))
        return found

    def _resolved(self, served: Served) -> Answered | Unknown | Slot:
        slot = self._slot(served)
        if isinstance(slot, Unknown):
            return slot
        version = served.version or served.run
        if version is None:
            return slot
        starts = self._starts.get(slot, [])
        fitting = {one[1:] for one in starts if _fits(one, served.model, version)}
        if len(fitting) == 1:
            return Answered(slot, *fitting.pop())
        models = {served.model} if served.model else {model for _, model, _ in starts}
        if len(models) == 1 and (model := models.pop()):
            return Answered(slot, model, version)
        known_models = ", ".join(sorted(models)) or "no start of it is known"
        return Unknown("model", f"{slot.deployment!r} says no model ({known_models})")

    def _slot(self, served: Served) -> Slot | Unknown:
        named = [slot for slot in sorted(self._starts) if _is_named(slot, served)]
        if served.deployment is None and not (served.service or served.model):
            return Unknown("deployment", "the rows name no deployment, service or model")
        if served.deployment is None or len(named) > 1:
            named = [slot for slot in named if self._has_served(slot, served)] or named
        if len(named) == 1:
            return named[0]
        if not named and served.deployment and served.environment and served.service:
            return Slot(served.service, served.environment, served.deployment)
        if served.deployment is None:
            return Unknown("deployment", f"{len(named)} known deployments fit")
        missing = "environment" if served.environment is None else "service"
        found = f"{len(named)} known deployments are" if named else "no known deployment is"
        return Unknown(missing, f"{found} called {served.deployment!r}")

    def _has_served(self, slot: Slot, served: Served) -> bool:
        version = served.version or served.run
        return any(_fits(one, served.model, version) for one in self._starts[slot])

    def _active(self, slot: Slot, served: Served, at_us: int | None) -> Answered | Unknown:
        model = known(served.model)
        starts = [one for one in self._starts.get(slot, []) if _fits(one, model, None)]
        place = 0 if at_us is None else bisect_right(starts, at_us, key=lambda one: one[0])
        if place:
            return Answered(slot, *starts[place - 1][1:])
        return Unknown("version", f"no start of {slot.deployment!r} before that time is known")


def _is_named(slot: Slot, served: Served) -> bool:
    said = (served.service, served.environment, served.deployment)
    return all(word is None or word == own for word, own in zip(said, _words(slot), strict=True))


def _fits(start: tuple[int, str, str], model: str | None, version: str | None) -> bool:
    if model is not None and start[1] != model:
        return False
    return version is None or canonical_version(start[2]) == canonical_version(version)


def _words(slot: Slot) -> tuple[str, str, str]:
    return slot.service, slot.environment, slot.deployment


def _digest(of: Sequence[object]) -> str:
    return hashlib.blake2b(json.dumps(of).encode(), digest_size=8).hexdigest()
