"""The reckoning: what is there in the end, against what everybody was told."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from torture.comparing import compare
from torture.ground import Ground
from torture.house import House, looked_after, must
from torture.ledger import Balance, Ledger, key_of
from torture.marquez import Marquez, digest
from torture.outcome import Outcome

SHOWN = 5  # keys that are named of each sort
# A client may be told to come back later; anything else is wrong for what is in order.
_MAY_BE_ANSWERED = ("no answer", "503 ", "429 ", "408 ")


@dataclass(frozen=True)
class Kept:
    """An export: its lines in order, and how often each event of a ledger is among them.

    Attributes:
        lines: each once, in the order of arrival.
        known: counts by the key of an event that was sent.
        others: lines that are in no ledger, and how often each is there.
    """

    lines: list[bytes]
    known: Counter[str]
    others: Counter[bytes]


async def settle(
    ground: Ground,
    house: House,
    ledger: Ledger,
    *,
    artifacts: Path | None = None,
    is_compared: bool = True,
    may_be_answered: tuple[str, ...] = (),
) -> Kept | None:
    """Compare everything, and note what is wrong. `up` of the house has ended.

    Args:
        ground: of the kind of trouble.
        house: its home is looked at.
        ledger: what the clients were told.
        artifacts: of which all events must be there once.
        is_compared: whether graph and lists must be those of another home with the same events.
        may_be_answered: how further errors begin that sound events may get.
    """
    outcome = ground.outcome
    await must(house, outcome, "graph", "--json")  # it also takes in what waits in the spool
    await must(house, outcome, "journal", "verify", "--json")
    kept = await exported(house, outcome, ledger)
    if kept is None:
        return None
    add_balance(outcome, ledger.balance(kept.known), dedupes=ground.dedupes)
    _judge_answers(outcome, ledger, (*_MAY_BE_ANSWERED, *may_be_answered))
    fresh = House(ground.folder / "fresh")
    async with looked_after(fresh, outcome):
        await _judge_others(outcome, kept, fresh, artifacts)
        if is_compared:
            await compare(outcome, house, fresh, kept.lines, has_doubles=bool(outcome.resent))
    return kept


async def exported(house: House, outcome: Outcome, ledger: Ledger) -> Kept | None:
    """What the journal holds; None if it cannot be exported."""
    file = house.folder / "export.ndjson"
    await must(house, outcome, "journal", "export", file)
    if not file.exists():
        return None
    counts = Counter(file.read_bytes().splitlines())
    kept = Kept(list(counts), Counter(), Counter())
    for line, times in counts.items():
        key = _key_of_line(line)
        if key in ledger.entries:
            kept.known[key] += times
        else:
            kept.others[line] += times
    return kept


def _key_of_line(line: bytes) -> str:
    try:
        return key_of(json.loads(line))
    except (ValueError, KeyError, TypeError):  # an event of another kind, or a strange one
        return ""


def add_balance(outcome: Outcome, balance: Balance, *, dedupes: bool) -> None:
    """Count what does not agree. What was sent twice may be there twice, if so in general."""
    outcome.events += balance.acknowledged
    outcome.lost += len(balance.lost)
    outcome.doubled += len(balance.doubled)
    outcome.resent += len(balance.resent)
    outcome.untrue += len(balance.untrue)
    sorts = {
        "lost": balance.lost,
        "there more often than it was taken": balance.doubled,
        "there though its client was told that nothing is kept": balance.untrue,
        "there twice because it was sent twice": balance.resent if dedupes else [],
    }
    for what, keys in sorts.items():
        if keys:
            outcome.wrong.append(f"{len(keys)} {what}: {', '.join(keys[:SHOWN])}")


def _judge_answers(outcome: Outcome, ledger: Ledger, allowed: tuple[str, ...]) -> None:
    outcome.answers += ledger.answers
    for answer, times in ledger.answers.items():
        if not f"{answer} ".startswith(allowed):
            outcome.wrong.append(f"{times} x a sound event was answered: {answer}")
    vague = sum(entry.vague for entry in ledger.entries.values())
    if vague:
        outcome.wrong.append(f"{vague} x an error did not say whether the event is kept")


async def _judge_others(outcome: Outcome, kept: Kept, fresh: House, artifacts: Path | None) -> None:
    """What no client sent must be what the artifacts say, each once."""
    wanted: Counter[bytes] = Counter()
    if artifacts is not None:
        reader = House(fresh.folder / "reader")
        await must(reader, outcome, "backfill", artifacts)
        await must(reader, outcome, "journal", "export", reader.folder / "export.ndjson")
        wanted.update((reader.folder / "export.ndjson").read_bytes().splitlines())
        outcome.wrong += reader.processes.troubles()
    outcome.events += len(wanted)
    outcome.lost += _noted(outcome, "of artifacts lost", wanted - kept.others)
    doubled = {line: times - 1 for line, times in kept.others.items() if times > 1}
    outcome.doubled += _noted(outcome, "of artifacts doubled", Counter(doubled))
    strange = Counter(line for line in kept.others if line not in wanted)
    _noted(outcome, "that nobody sent", strange)


def _noted(outcome: Outcome, what: str, lines: Counter[bytes]) -> int:
    if lines:
        first = next(iter(lines))[:300].decode(errors="replace")
        outcome.wrong.append(f"{lines.total()} events {what}, such as {first}")
    return lines.total()


def judge_forwarded(outcome: Outcome, marquez: Marquez, kept: Kept, status: str) -> None:
    """Compare what arrived at a Marquez with what the journal says of it, and with the journal."""
    states = json.loads(status)["forward"][0]["states"]
    arrived = marquez.arrived
    outcome.figures["events forwarded"] += len(arrived)
    for state in ("pending", "dead"):
        if states[state]:
            outcome.wrong.append(f"{states[state]} events are {state} in the end: {states}")
    if states["sent"] + states.get("stale", 0) != len(arrived):
        outcome.wrong.append(f"{len(arrived)} events arrived, the journal says {states}")
    twice = sum(times - 1 for times in arrived.values())
    strange = len(arrived.keys() - {digest(line) for line in kept.lines})
    outcome.doubled += twice
    if twice or strange:
        outcome.wrong.append(f"forwarded: {twice} doubled, {strange} that are not in the journal")
