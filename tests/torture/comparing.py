"""A home compared with another one that got the same events: what it says must be the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from benchmarks.contending.load import Connection, get_of

from torture.ground import Ground
from torture.house import House, looked_after, must
from torture.outcome import Outcome

_ALL_COMMANDS = (
    *(("graph",), ("health",), ("freshness",), ("doctor",), ("exporter", "--once")),
    *(("journal", "status"), ("journal", "dead"), ("journal", "rebuild")),
    ("journal", "prune", "--older-than", "1d", "--dry-run"),
)


# Another home got the events at another time, and under other numbers, of which ids are made.
_OF_ARRIVAL = frozenset({"createdAt", "updatedAt"})
_NUMBERED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_LIMIT = 100_000
_COUNT = "/events/lineage?limit=0"


async def compare(
    outcome: Outcome, house: House, fresh: House, lines: Iterable[bytes], *, has_doubles: bool
) -> None:
    """Compare graph and lists with those of a home that gets the same events, each once."""
    await fresh.open()  # it makes what a new home has before any event
    await fresh.close()
    file = fresh.folder / "distinct.ndjson"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    await must(fresh, outcome, "journal", "import", file)
    if await _graph(outcome, house) != await _graph(outcome, fresh):
        outcome.wrong.append("the graph is not that of a fresh home with the same events")
    if has_doubles:  # what came again came later, and lists show the order of arrival
        return
    lists = [await _lists(one) for one in (house, fresh)]
    for path in lists[0].keys() | lists[1].keys():
        if lists[0].get(path) != lists[1].get(path):
            outcome.wrong.append(f"{path} is not as in a fresh home with the same events")


async def _lists(house: House) -> dict[str, Any]:
    """What the API lists: namespaces, jobs, datasets, and how many events."""
    await house.open()
    connection = Connection(str(house.url))

    async def get(path: str) -> Any:
        status, body = await connection.ask(get_of(path))
        return _in_order(_without_arrival(json.loads(body))) if status == 200 else status

    found = {path: await get(path) for path in ("/namespaces", f"/jobs?limit={_LIMIT}")}
    for namespace in found["/namespaces"]["namespaces"]:
        path = f"/namespaces/{quote(namespace['name'], safe='')}/datasets?limit={_LIMIT}"
        found[path] = await get(path)
    found[_COUNT] = await get(_COUNT)
    connection.close()
    await house.close()
    return found


def _in_order(answer: dict[str, Any]) -> dict[str, Any]:
    """A list by name; Marquez shows the one first that was updated last."""
    names = ("namespace", "name")
    return {
        member: sorted(value, key=lambda one: [one.get(name, "") for name in names])
        if isinstance(value, list)
        else value
        for member, value in answer.items()
    }


def _without_arrival(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_arrival(v) for k, v in value.items() if k not in _OF_ARRIVAL}
    if isinstance(value, list):
        return [_without_arrival(one) for one in value]
    return "numbered" if isinstance(value, str) and _NUMBERED.fullmatch(value) else value


async def judge_usable(ground: Ground, house: House) -> None:
    """Every command must work on a home, and its export must make the same home elsewhere."""
    outcome = ground.outcome
    for command in _ALL_COMMANDS:
        await must(house, outcome, *command, may_exit={0, 1})
    await must(house, outcome, "journal", "verify")
    fresh = House(ground.folder / "fresh")
    file = fresh.folder / "export.ndjson"
    async with looked_after(fresh, outcome):
        await must(house, outcome, "journal", "export", file)
        await must(fresh, outcome, "journal", "import", file)
        await must(fresh, outcome, "journal", "verify")
        if await _graph(outcome, house) != await _graph(outcome, fresh):
            outcome.wrong.append("export and import make another graph")


async def _graph(outcome: Outcome, house: House) -> dict[str, Any]:
    """The graph of a home without the instant at which it was asked for."""
    said = await must(house, outcome, "graph", "--json")
    return {name: value for name, value in json.loads(said or "{}").items() if name != "at"}
