"""Events that are as large as they may be, and some that are larger."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.contending.load import dataset, facet, giant_body, run_event

from torture.ledger import key_of

MIB = 1024 * 1024
LIMIT_BYTES = 16 * MIB
LIMIT_DATASETS = 10_000
LIMIT_DEPTH = 200
BOMB_BYTES = 400 * MIB
TAKEN = frozenset({201})
TOO_LARGE = frozenset({413, 0})  # the answer may be lost when the server hangs up on the rest
TOO_MANY = frozenset({422})
TOO_DEEP = frozenset({400, 500})  # 500 with 400 inside, as for other bodies that cannot be read


@dataclass(frozen=True)
class Giant:
    """One request.

    Attributes:
        what: kind, in words.
        body: as sent.
        statuses: that may be answered.
        key: of the event in a ledger; None for one that must not be kept.
        is_gzip: the body is compressed.
    """

    what: str
    body: bytes
    statuses: frozenset[int]
    key: str | None = None
    is_gzip: bool = False


def make(seed: int, run: int) -> Giant:
    """Make any giant."""
    rng = Random(seed)
    return rng.choice(_MAKERS)(rng, run)


def _of(run: int, name: str, *, inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    job = {"namespace": "giants", "name": name}
    return run_event(run, "COMPLETE", time.time(), job, inputs=inputs, outputs=outputs)


def _giant(what: str, event: dict[str, Any], statuses: frozenset[int] = TAKEN) -> Giant:
    body = json.dumps(event, separators=(",", ":")).encode()
    return Giant(what, body, statuses, key_of(event) if statuses is TAKEN else None)


def _wide(rng: Random, run: int) -> Giant:
    """Each column of a table comes from each column of another one."""
    size = rng.choice([30, 100, 200, 300])
    names = [f"c{n}" for n in range(size)]
    schema = {"schema": facet(fields=[{"name": name, "type": "string"} for name in names])}
    read = f"wide.{size}.in"
    sources = [{"namespace": "db", "name": read, "field": name} for name in names]
    lineage = facet(fields={name: {"inputFields": sources} for name in names})
    written = dataset(f"wide.{size}.out", facets={**schema, "columnLineage": lineage})
    event = _of(run, f"wide.{size}", inputs=[dataset(read, facets=schema)], outputs=[written])
    return _giant(f"{size} x {size} columns", event)


def _large(_: Random, run: int) -> Giant:
    body = giant_body(run % 3, run)
    return Giant("14 MiB of columns", body, TAKEN, key_of(json.loads(body)))


def _padded(rng: Random, run: int) -> Giant:
    """Exactly as large as it may be, or a little larger."""
    beyond = rng.choice([0, 0, 1, 1000])
    event = _of(run, "padded", inputs=[], outputs=[dataset("padded")])
    event["run"]["facets"]["note"]["text"] = ""
    missing = LIMIT_BYTES + beyond - len(json.dumps(event, separators=(",", ":")))
    event["run"]["facets"]["note"]["text"] = "x" * missing
    if beyond:
        return _giant("16 MiB and a bit of text", event, TOO_LARGE)
    return _giant("16 MiB of text", event)


def _deep(rng: Random, run: int) -> Giant:
    may_be = rng.random() < 0.5
    depth = rng.randrange(20, LIMIT_DEPTH - 20) if may_be else rng.choice([300, 5_000, 500_000])
    left, right = rng.choice([('{"a":', "}"), ("[", "]")])
    event = _of(run, "deep", inputs=[], outputs=[dataset("deep")])
    event["run"]["facets"]["deep"] = facet(value="HERE")
    text = json.dumps(event).replace('"HERE"', left * depth + "1" + right * depth)
    if may_be:
        return Giant("deep JSON", text.encode(), TAKEN, key_of(event))
    return Giant("deeper JSON than may be", text.encode(), TOO_DEEP)


def _many(rng: Random, run: int) -> Giant:
    beyond = rng.choice([0, 0, 1])
    tables = [dataset(f"many.{n}") for n in range(LIMIT_DATASETS + beyond)]
    inputs, outputs = rng.choice([(tables, []), ([], tables)])
    event = _of(run, "many", inputs=inputs, outputs=outputs)
    if beyond:
        return _giant("10,001 datasets", event, TOO_MANY)
    return _giant("10,000 datasets", event)


def _bomb(_: Random, __: int) -> Giant:
    body = gzip.compress(b" " * BOMB_BYTES, 1)
    return Giant("a gzip bomb", body, TOO_LARGE, is_gzip=True)


def _zipped(rng: Random, run: int) -> Giant:
    found = _wide(rng, run)
    body = gzip.compress(found.body, 1)
    return Giant(f"{found.what}, gzip", body, TAKEN, found.key, is_gzip=True)


_MAKERS: tuple[Callable[[Random, int], Giant], ...] = (
    *(_wide, _wide, _large, _padded, _deep, _deep, _many, _bomb, _zipped),
)
