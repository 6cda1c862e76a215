"""Inference logs in the shapes that services write them in, all of the same requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

NOW: Final = "2026-05-01T12:00:00Z"

Request = dict[str, Any]


def request(number: int, **members: Any) -> Request:
    """A request as this module knows it; a shape below says how it is written."""
    hour, minute = divmod(number, 60)
    return {
        "id": f"r-{number}",
        "at": f"2026-05-01T{hour:02}:{minute:02}:00Z",
        "features": {"amount": 1.5 * number, "country": "NL" if number % 3 else "BE"},
        "answer": number % 2,
        "chance": 0.25 + 0.5 * (number % 2),
        "version": "7",
        **members,
    }


def nested(of: Request) -> Request:
    return {
        "request_id": of["id"],
        "timestamp": of["at"],
        "deployment_id": "fraud-eu",
        "model": {"name": "fraud", "version": of["version"]},
        "features": of["features"],
        "prediction": of["answer"],
        "probability": of["chance"],
    }


def as_text(of: Request) -> Request:
    return nested(of) | {"features": json.dumps(of["features"])}


def flat(of: Request) -> Request:
    return {
        "request_id": of["id"],
        "ts": of["at"],
        "endpoint": "fraud-eu",
        "model_name": "fraud",
        "model_version": of["version"],
        "latency_ms": 12.5,
        "score": of["chance"],
        "y_pred": of["answer"],
        **of["features"],
    }


SHAPES: Final[dict[str, Callable[[Request], Request]]] = {
    "nested": nested,
    "as text": as_text,
    "flat": flat,
}


def write_lines(path: Path, rows: Iterable[Any]) -> Path:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_parquet(path: Path, rows: Iterable[Request]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path
