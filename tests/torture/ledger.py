"""What each client was told of its events, and what that should mean for the journal."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_QUOTED = re.compile(r"`[^`]*`|'[^']*'", re.DOTALL)
_NUMBER = re.compile(r"\b(0x)?[0-9a-f]*[0-9][0-9a-f]*\b")
NOTHING_KEPT = "Nothing of this request was kept"


def key_of(event: Mapping[str, Any]) -> str:
    """The name of an event in a ledger: each run has at most one event of a type."""
    return f"{event['run']['runId']} {event['eventType']}"


@dataclass
class Entry:
    """How often an event was sent, and what came of it.

    Attributes:
        kept: it was answered 201, or `emit()` returned.
        unanswered: so often nobody knows: there was no answer.
        denied: so often its client was told that it is not kept.
        vague: so often the answer was an error that does not say.
    """

    kept: bool = False
    unanswered: int = 0
    denied: int = 0
    vague: int = 0

    @property
    def most(self) -> int:
        """How often it may be in a journal that keeps what it is sent twice."""
        return self.kept + self.unanswered + self.vague


@dataclass
class Balance:
    """What does not agree: the keys of events.

    Attributes:
        acknowledged: how many events are promised.
        lost: promised, and not there.
        doubled: there more often than it can have been sent and kept.
        resent: there twice because it was sent again after no answer.
        untrue: its client was told each time that nothing is kept, and it is there.
    """

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)


class Ledger:
    """All events that were sent to one home, by `key_of`, and all errors that were answered.

    Attributes:
        prunable: keys of events that a pruning may take away.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.answers: Counter[str] = Counter()
        self.prunable: set[str] = set()

    def send(self, key: str) -> Entry:
        """Note that an event is about to be sent: from now on it may be there."""
        return self.entries.setdefault(key, Entry())

    def take(self, key: str, status: int, body: bytes) -> bool:
        """Note an answer (status 0 for none); return whether the event is kept."""
        entry, said = self.send(key), sentence(status, body)
        if status == 201:
            entry.kept = True
        elif status == 0:
            entry.unanswered += 1
        elif NOTHING_KEPT in said or status < 500:
            entry.denied += 1
        else:
            entry.vague += 1
        self.note(status, body)
        return entry.kept

    def emitted(self, key: str, *, is_kept: bool) -> None:
        """Note that `emit()` has returned, or that it has raised."""
        self.entries[key] = Entry(kept=is_kept, denied=not is_kept)
        if not is_kept:
            self.answers["emit() raised"] += 1

    def note(self, status: int, body: bytes) -> None:
        """Count an answer."""
        if status >= 400 or status == 0:
            self.answers[sentence(status, body)] += 1

    @property
    def acknowledged(self) -> int:
        return sum(entry.kept for entry in self.entries.values())

    def balance(self, there: Mapping[str, int]) -> Balance:
        """Compare with how often each event is there."""
        found = Balance(self.acknowledged)
        for key, entry in self.entries.items():
            count = there.get(key, 0)
            if entry.kept and not count and key not in self.prunable:
                found.lost.append(key)
            elif count > max(entry.most, 1):
                found.doubled.append(key)
            elif count > entry.most:
                found.untrue.append(key)
            elif count > 1:
                found.resent.append(key)
        return found


def sentence(status: int, body: bytes) -> str:
    """What an answer says, without what is different each time."""
    if status == 0:
        return "no answer"
    text = body.decode(errors="replace")
    try:
        document = json.loads(text)
        text = str(document.get("message", text))
    except (ValueError, AttributeError):
        pass
    text = _QUOTED.sub("`…`", text.partition(" (ID ")[0].strip())
    return f"{status} {_NUMBER.sub('N', text)[:160]}".strip()
