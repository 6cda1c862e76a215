"""Artifacts that are cut, changed and strange: a backfill says what it leaves out, and goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

from torture.ground import Ground
from torture.house import House, looked_after, must
from torture.mutations import cut_up, encoded, mutated

WORKERS = 2
EXAMPLES = Path(__file__).parents[3] / "examples"
PASSES = 5  # over one home, which must be sound then
FILES = 6  # at most, that are changed before a pass


async def artifacts(ground: Ground) -> None:
    """Torture backfills."""
    await ground.all(*(_work(ground, ground.folder / f"{n}") for n in range(WORKERS)))


async def _work(ground: Ground, folder: Path) -> None:
    house = House(folder)
    async with looked_after(house, ground.outcome):
        while not ground.is_over:
            shutil.rmtree(house.home, ignore_errors=True)
            for _ in range(PASSES):
                await _pass(ground, house)
            await must(house, ground.outcome, "journal", "verify")
            for command in ("graph", "health", "freshness", "doctor"):
                await must(house, ground.outcome, command, may_exit={0, 1})


async def _pass(ground: Ground, house: House) -> None:
    if ground.is_over:
        return
    odd = house.folder / "artifacts"
    shutil.rmtree(odd, ignore_errors=True)
    shutil.copytree(EXAMPLES, odd)
    files = [path for path in sorted(odd.rglob("*")) if path.is_file()]
    for path in ground.rng.sample(files, ground.rng.randint(1, FILES)):
        damage(ground.rng, path)
    done = await house.run("backfill", odd, "--json")
    ground.outcome.figures[f"backfill exits {done.code}"] += 1
    ground.outcome.waited("backfill", done.seconds)
    if done.code not in {0, 1, 2}:
        ground.outcome.wrong.append(f"`backfill` exits {done.code}: {done.err[-300:]}")


def damage(rng: Random, path: Path) -> None:
    """Change a file in some way; `lineage-bridge.toml` too."""
    content = path.read_bytes()
    deed = rng.choice([_change_json, _change_json, _cut, _cut, _empty, _folder, _link, _fill])
    path.unlink()
    deed(rng, path, content)


def _change_json(rng: Random, path: Path, content: bytes) -> None:
    """Change what a JSON file, or a line of one, says."""
    lines = content.splitlines() if path.suffix == ".jsonl" else [content]
    place = rng.randrange(max(1, len(lines)))
    try:
        lines[place] = encoded(rng, mutated(rng, json.loads(lines[place])))
    except (ValueError, IndexError):  # it is no JSON, or it is empty
        lines = [cut_up(rng, content)]
    path.write_bytes(b"\n".join(lines))


def _cut(rng: Random, path: Path, content: bytes) -> None:
    path.write_bytes(cut_up(rng, content))


def _empty(_: Random, path: Path, __: bytes) -> None:
    path.touch()


def _folder(_: Random, path: Path, __: bytes) -> None:
    path.mkdir()


def _link(rng: Random, path: Path, _: bytes) -> None:
    path.symlink_to(rng.choice(["/etc/passwd", path.name, "..", "nowhere"]))


def _fill(rng: Random, path: Path, content: bytes) -> None:
    """Much of the same, or of nothing."""
    path.write_bytes(rng.choice([content, b"\x00", b"{", b"[" * 100, b"\n"]) * rng.randrange(1, 50))
