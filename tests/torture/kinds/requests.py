"""Requests and events that are mostly right. What is accepted is usable ever after."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from torture.accounts import add_balance, exported
from torture.comparing import judge_usable
from torture.ground import Ground
from torture.house import House, endure, looked_after, must
from torture.ledger import Ledger, sentence
from torture.odd_requests import odd_post, odd_request
from torture.traffic import Caller, produce, runs

PER_SECOND = 10.0
FUZZERS = 4
EVENTS_SHARE = 0.7  # the others ask for anything
ANSWER_SECONDS = 60.0
OURS = b"lineageBridge_event"  # its id says which event it is, whatever else it says
SERIES = 50
_TESTS = Path(__file__).parents[2]


async def requests(ground: Ground) -> None:
    """Torture one home by requests."""
    house, ledger = House(ground.folder), Ledger()
    taken: Counter[bytes] = Counter()
    events = await _events(ground)
    small = produce(ground, Caller(house.api_base), ledger, runs(0), per_second=PER_SECOND)
    fuzzers = (_fuzz(ground, house, events, taken) for _ in range(FUZZERS))
    async with looked_after(house, ground.outcome):
        await endure(ground, house, small, *fuzzers)
        await _reckon(ground, house, ledger, taken)


async def _events(ground: Ground) -> list[Any]:
    """Sound events: some like those of the load, ours of the examples, and other producers'."""
    found: list[Any] = list(islice(runs(SERIES), 10))
    house = House(ground.folder / "examples")
    file = house.folder / "export.ndjson"
    await must(house, ground.outcome, "backfill", _TESTS.parent / "examples", may_exit={0, 1})
    await must(house, ground.outcome, "journal", "export", file)
    found += [json.loads(line) for line in file.read_bytes().splitlines()]
    for recorded in sorted((_TESTS / "data" / "producers").glob("*.ndjson.gz")):
        lines = gzip.decompress(recorded.read_bytes()).splitlines()
        found += [json.loads(line) for line in lines]
    return found


async def _fuzz(ground: Ground, house: House, events: list[Any], taken: Counter[bytes]) -> None:
    while not ground.is_over:
        event: bytes | None = None
        if ground.rng.random() < EVENTS_SHARE:
            asked, event = odd_post(ground.rng, events)
        else:
            asked = odd_request(ground.rng, events)
        status, body = await _ask(str(house.url), asked)
        ground.outcome.figures[f"answered {status or 'nothing'}"] += 1
        if status == 201 and event is not None and OURS not in event:
            taken[_one_line(event)] += 1
        if status >= 500:
            ground.outcome.answers[sentence(status, body)] += 1


async def _ask(url: str, asked: bytes) -> tuple[int, bytes]:
    """Status and body; status 0 if there was no answer."""
    parts = urlsplit(url)
    answer = b""
    with suppress(OSError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(asked)
                answer = await reader.read()
            finally:
                writer.transport.abort()
    status = answer[9:12]
    return int(status) if status.isdigit() else 0, answer.partition(b"\r\n\r\n")[2]


def _one_line(event: bytes) -> bytes:
    """An event as an export writes it."""
    return event.replace(b"\r", b" ").replace(b"\n", b" ")


async def _reckon(ground: Ground, house: House, ledger: Ledger, taken: Counter[bytes]) -> None:
    outcome = ground.outcome
    kept = await exported(house, outcome, ledger)
    if kept is not None:
        add_balance(outcome, ledger.balance(kept.known), dedupes=ground.dedupes)
        lost = [line for line in taken if line not in kept.others]
        outcome.events += len(taken)
        outcome.lost += len(lost)
        if lost:
            outcome.wrong.append(f"{len(lost)} odd events are lost, such as {lost[0][:300]!r}")
    await judge_usable(ground, house)
