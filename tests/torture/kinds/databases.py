"""Files of a home that are cut, turned and lost: commands say so, and save what can be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from random import Random

from benchmarks.contending.load import post_of

from torture.ground import Ground
from torture.house import House, looked_after, must
from torture.traffic import Caller, runs

WORKERS = 2
EVENTS = 300
PAGE = 4096
EXAMPLES = Path(__file__).parents[3] / "examples"
EXPORT = "export.ndjson"
FILES = ("journal.db", "models")
COMMANDS = (
    *(("journal", "verify"), ("journal", "status"), ("graph",), ("health",), ("doctor",)),
    *(("journal", "rebuild"), ("journal", "export", "-"), ("exporter", "--once")),
    ("backfill", str(EXAMPLES)),
)
OURS = b"lineageBridge_event"  # the id of such an event is a hash of what it says


async def databases(ground: Ground) -> None:
    """Torture a home's files."""
    homes = await _sound(ground)
    lines = set((ground.folder / EXPORT).read_bytes().splitlines())
    ground.outcome.events = len(lines)
    saved: dict[str, list[float]] = {}
    await ground.all(
        *(_work(ground, ground.folder / f"{n}", homes, lines, saved) for n in range(WORKERS))
    )
    for what, shares in sorted(saved.items()):
        share = 100 * sum(shares) / len(shares)
        ground.outcome.figures[f"% of the events saved, {len(shares)} x {what}"] = round(share)


async def _sound(ground: Ground) -> dict[str, Path]:
    """A home with events of ours and of others: as a kill left it, and folded by a command."""
    house = House(ground.folder / "sound")
    async with looked_after(house, ground.outcome):
        await must(house, ground.outcome, "backfill", EXAMPLES, may_exit={0, 1})
        await house.open()
        caller = Caller(house.api_base)
        for event in islice(runs(0), EVENTS):
            status, body = await caller.ask(post_of(event))
            assert status == 201, body
        caller.close()
        await house.kill()
    copied = House(ground.folder / "copied")
    shutil.copytree(house.home, copied.home)
    await must(copied, ground.outcome, "journal", "rebuild")
    await must(copied, ground.outcome, "journal", "export", ground.folder / EXPORT)
    return {"killed": house.home, "at rest": copied.home}


async def _work(
    ground: Ground,
    folder: Path,
    homes: Mapping[str, Path],
    lines: set[bytes],
    saved: dict[str, list[float]],
) -> None:
    house = House(folder)
    async with looked_after(house, ground.outcome):
        while not ground.is_over:
            state, home = ground.rng.choice(list(homes.items()))
            shutil.rmtree(house.home, ignore_errors=True)
            shutil.copytree(home, house.home)
            files = [file for file in house.home.iterdir() if file.name.startswith(FILES)]
            file, deed = ground.rng.choice(sorted(files)), ground.rng.choice(_DEEDS)
            deed(ground.rng, file)
            what = f"{state}, {file.name} {deed.__name__.strip('_').replace('_', ' ')}"
            ground.outcome.figures["files damaged"] += 1
            share = await _salvage(ground, house, what, lines)
            saved.setdefault(what, []).append(share)
            for command in ground.rng.sample(COMMANDS, 3):
                await must(house, ground.outcome, *command, may_exit={0, 1, 2})


async def _salvage(ground: Ground, house: House, what: str, lines: set[bytes]) -> float:
    """Save what can be read, and return which share of the events that is.

    Never more than there was, and of ours nothing that was changed.
    """
    outcome = ground.outcome
    file = house.folder / "saved.ndjson"
    file.unlink(missing_ok=True)
    await must(house, outcome, "journal", "export", "--salvage", file, may_exit={0, 1, 2})
    saved = file.read_bytes().splitlines() if file.exists() else []
    changed = [line for line in saved if line not in lines]
    outcome.figures["saved events of others that were changed"] += len(changed)
    if any(OURS in line and _is_json(line) for line in changed):
        outcome.wrong.append(f"{what}: an event of ours was saved that nobody ever sent")
    return len(lines & set(saved)) / len(lines)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _cut_at_a_page(rng: Random, path: Path) -> None:
    pages = max(1, path.stat().st_size // PAGE)
    _truncate(path, rng.randrange(pages) * PAGE)


def _cut_by_one_page(_: Random, path: Path) -> None:
    _truncate(path, max(0, path.stat().st_size - PAGE))


def _cut_anywhere(rng: Random, path: Path) -> None:
    _truncate(path, rng.randrange(path.stat().st_size + 1))


def _truncate(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def _with_bits_turned(rng: Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 5, 100])):
        if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _with_a_broken_header(rng: Random, path: Path) -> None:
    _overwrite(path, rng.randrange(100), rng.randbytes(rng.randint(1, 30)))


def _with_pages_of_nothing(rng: Random, path: Path) -> None:
    pages = max(1, path.stat().st_size // PAGE)
    for _ in range(rng.randint(1, 3)):
        _overwrite(path, rng.randrange(pages) * PAGE, bytes(PAGE))


def _with_pages_of_noise(rng: Random, path: Path) -> None:
    pages = max(1, path.stat().st_size // PAGE)
    _overwrite(path, rng.randrange(pages) * PAGE, rng.randbytes(PAGE))


def _overwrite(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def _lost(_: Random, path: Path) -> None:
    path.unlink()


def _of_noise(rng: Random, path: Path) -> None:
    path.write_bytes(rng.randbytes(rng.choice([0, 10, 100, 100_000])))


_DEEDS: tuple[Callable[[Random, Path], None], ...] = (
    *(_cut_at_a_page, _cut_by_one_page, _cut_anywhere, _with_bits_turned, _with_a_broken_header),
    *(_with_pages_of_nothing, _with_pages_of_noise, _lost, _of_noise),
)
