"""Everything that may use a home does so at once: nobody fails because of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from random import Random

from benchmarks.contending.load import get_of, request

from torture.accounts import judge_forwarded, settle
from torture.bundles import write_bundles
from torture.emits import pipelines
from torture.ground import Ground
from torture.house import House, endure, looked_after, must
from torture.ledger import Ledger
from torture.marquez import Marquez
from torture.traffic import Caller, produce, read, runs

PRODUCERS = 3
PER_SECOND = 15.0
OLD_SECONDS = 100 * 24 * 3600.0
BUNDLES = 20  # before each backfill
PAUSE_SECONDS = 1.0  # between two commands of one person
PAGE = b"GET / HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n"

# What several people do all day, and the codes it may end with.
_LOOKING: Mapping[tuple[str, ...], set[int]] = {
    ("journal", "verify"): {0},
    ("journal", "export", "-"): {0},
    ("doctor", "--json"): {0, 1},
    ("health", "--json"): {0, 1},
}
_MENDING: Mapping[tuple[str, ...], set[int]] = {
    ("journal", "prune", "--older-than", "90d"): {0},
    ("journal", "rebuild"): {0},
}
_FORWARDING: Mapping[tuple[str, ...], set[int]] = {("journal", "forward"): {0, 3}}


async def crowd(ground: Ground) -> None:
    """Torture one home by many users."""
    house, ledger = House(ground.folder), Ledger()
    artifacts = ground.folder / "artifacts"
    artifacts.mkdir()
    async with looked_after(house, ground.outcome):
        with Marquez(Random(ground.rng.random())) as marquez:
            await endure(
                ground,
                house,
                *_clients(ground, house, ledger),
                pipelines(ground, house, ledger, count(1)),
                _backfills(ground, house, artifacts),
                _commands(ground, house, _LOOKING),
                _commands(ground, house, _MENDING),
                _commands(ground, house, _FORWARDING, MARQUEZ_URL=marquez.url),
            )
            await must(house, ground.outcome, "backfill", artifacts)
            await house.run("journal", "forward", MARQUEZ_URL=marquez.url)
            kept = await settle(ground, house, ledger, artifacts=artifacts)
            if kept is not None:
                status = await must(house, ground.outcome, "journal", "status", "--json")
                judge_forwarded(ground.outcome, marquez, kept, status)


def _clients(ground: Ground, house: House, ledger: Ledger) -> Iterator[object]:
    def caller() -> Caller:
        return Caller(house.api_base)

    pace = PER_SECOND
    for series in range(PRODUCERS):
        yield produce(ground, caller(), ledger, runs(series), per_second=pace)
    old = runs(PRODUCERS, OLD_SECONDS)
    yield produce(ground, caller(), ledger, old, per_second=pace, prunable=True)
    jobs = (get_of(f"/namespaces/jobs/jobs?limit=10&offset={n}") for n in count())
    yield read(ground, caller(), "GET", lambda: next(jobs), per_second=pace)
    scrape = request("GET /metrics")
    yield read(
        ground, Caller(house.metrics_base, anew=True), "scrape", lambda: scrape, per_second=1
    )
    yield read(ground, caller(), "page", lambda: PAGE, per_second=1)


async def _backfills(ground: Ground, house: House, artifacts: Path) -> None:
    for number in count(0):
        write_bundles(artifacts, range(number * BUNDLES, (number + 1) * BUNDLES))
        await _command(ground, house, ("backfill", str(artifacts)), {0})
        if ground.is_over:
            return


async def _commands(
    ground: Ground, house: House, commands: Mapping[tuple[str, ...], set[int]], **env: str
) -> None:
    while not ground.is_over:
        for command, codes in commands.items():
            await _command(ground, house, command, codes, **env)
            if ground.is_over:
                return


async def _command(
    ground: Ground, house: House, command: tuple[str, ...], codes: set[int], **env: str
) -> None:
    done = await house.run(*command, **env)
    name = " ".join(word for word in command[:2] if word.isalpha())
    ground.outcome.figures[name] += 1
    if done.code not in codes:
        said = (done.err.strip() or done.out.strip())[-300:]
        ground.outcome.wrong.append(f"`{name}` exits {done.code}: {said}")
    await ground.pause(PAUSE_SECONDS)
