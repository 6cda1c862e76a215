"""Copies of a definition of features: what trains and what serves, held against each other.

A service that computes its features by a copy of the query that built the training set drifts from
it unseen. Two copies are the same if they are so for a database: comments, blanks, line ends and
the case of words outside of quotes do not count.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from lineage_bridge.adapters import files
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facets.change import ChangedFile
from lineage_bridge.records import Change, Source
from lineage_bridge.records.change import MAX_DIFFERENCE

FAMILY: Final = "copies"
MAX_BYTES: Final = 1024 * 1024
MAX_LINES: Final = 4_000  # of both copies, which take time by the square

_TOKEN: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<quoted>'(?:[^']|'')*'?|\"(?:[^\"]|\"\")*\"?)"
    r"|(?P<word>[A-Za-z0-9_.$]+)"
    r"|(?P<sign><=|>=|<>|!=|\|\||::|\S)",
    re.DOTALL,
)
_BEGINS: Final = re.compile(
    r"select|from|where|window|group|order|having|qualify|limit|union|with|join|left|right|inner|"
    r"full|cross|on|and|or|when|else|end|over"
)


@dataclass(frozen=True, slots=True)
class Unread:
    """A pair of copies that cannot be held against each other."""

    source: Source
    error: ArtifactError


def read_copies(copies: Mapping[str, tuple[Path, Path]]) -> Iterator[Change | Unread]:
    """Yield a change for each pair of copies that differ; those that agree say nothing.

    Args:
        copies: the pairs by the names of what they define: what trains first, what serves second.
    """
    for name, pair in sorted(copies.items()):
        trains, serves = (path.absolute() for path in pair)
        try:
            found = _compared(name, trains, serves)
        except ArtifactError as exc:
            error = ArtifactError(exc.reason, field=f"changes.copies.{name}")
            yield Unread(Source(FAMILY, str(serves), serves.name), error)
        else:
            if found is not None:
                yield found


def mark_of_copies(copies: Mapping[str, tuple[Path, Path]]) -> list[str]:
    """Return size and time of change of each copy."""
    return [files.mark_of(str(path)) for pair in copies.values() for path in pair]


def _compared(name: str, trains: Path, serves: Path) -> Change | None:
    lines = [_lines(path) for path in (trains, serves)]
    if lines[0] == lines[1]:
        return None
    before, after = ("\n".join(one) for one in lines)
    return Change(
        source=Source(FAMILY, str(serves), serves.name),
        time=max(_modified(trains), _modified(serves)),
        kind="feature_definition",
        what=name,
        sentence=f"{serves.name}, which serves, is not {trains.name}, which trains",
        before=sha256(before.encode()).hexdigest(),
        after=sha256(after.encode()).hexdigest(),
        files=tuple(ChangedFile(path=path.name) for path in (trains, serves)),
        difference="\n".join(difference_of(*lines))[:MAX_DIFFERENCE] or None,
    )


def _lines(path: Path) -> list[str]:
    try:
        text = files.read_file(str(path), max_bytes=MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ArtifactError(f"{path.name} is not UTF-8 (byte {exc.start})") from exc
    except ArtifactError as exc:
        raise ArtifactError(f"{path.name} {exc.reason}") from exc
    if path.suffix.lower() == ".sql":
        return normalised_sql(text)
    stripped = (re.sub(r"(?:^|\s)#.*", "", line).rstrip() for line in text.splitlines())
    return [line for line in stripped if line]


def normalised_sql(text: str) -> list[str]:
    """Write a query as lines that depend on its words alone: one a clause or a column."""
    lines: list[list[str]] = [[]]
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "comment":
            continue
        token = found[0] if found.lastgroup == "quoted" else found[0].lower()
        if _BEGINS.fullmatch(token) and lines[-1]:
            lines.append([])
        lines[-1].append(token)
        if token in {",", ";"}:
            lines.append([])
    joined = (" ".join(line) for line in lines if line and line != [";"])
    return [line.removesuffix(" ;") for line in joined]


def difference_of(before: list[str], after: list[str]) -> list[str]:
    """Return the lines that differ, `-` before and `+` after; none of what is very long."""
    if len(before) + len(after) > MAX_LINES:
        return []
    compared = difflib.unified_diff(before, after, lineterm="", n=0)
    return [line for line in compared if not line.startswith(("---", "+++", "@@"))]


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
