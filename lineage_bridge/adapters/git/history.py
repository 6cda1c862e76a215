"""The commits of a history, oldest first, each with the files that it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from lineage_bridge.adapters.git.repository import Repository
from lineage_bridge.errors import ArtifactError
from lineage_bridge.times import parse_time

MAX_COMMITS: Final = 10_000  # the newest

Change = Literal["added", "modified", "deleted", "renamed"]
_CHANGES: Final[dict[str, Change]] = {"A": "added", "D": "deleted", "R": "renamed"}
_MARK: Final = "\x01"
_FORMAT: Final = "%x01%H%x02%P%x02%cI%x02%s"
_LINK: Final = "160000"  # the mode of another repository within this one


@dataclass(frozen=True, slots=True)
class File:
    """A file that a commit changed.

    Attributes:
        before, after: the ids of its contents, None where there is none.
    """

    path: str
    change: Change
    before: str | None
    after: str | None
    former: str | None = None


@dataclass(slots=True)
class Commit:
    """One commit; `time` is when it came into the history (its committer's)."""

    id: str
    parent: str | None
    time: datetime
    subject: str
    files: list[File] = field(default_factory=list)


def read_history(repository: Repository) -> list[Commit]:
    """Return the commits behind HEAD, oldest first; merges have no change of their own.

    Raises:
        ArtifactError: the history cannot be read.
    """
    printed = repository.run(
        "log",
        repository.head,
        f"--max-count={MAX_COMMITS}",
        "--no-merges",
        "--root",
        "--raw",
        "--no-abbrev",
        "--find-renames",
        "--no-ext-diff",
        "--no-textconv",
        "-z",
        f"--format={_FORMAT}",
    )
    tokens = printed.decode("utf-8", "backslashreplace").split("\0")
    commits = [one for one in _commits(tokens) if one.id not in repository.shallow]
    return sorted(commits, key=lambda one: one.time)


def _commits(tokens: Sequence[str]) -> Iterator[Commit]:
    commit: Commit | None = None
    rest = iter(tokens)
    for token in rest:
        said = token.lstrip("\n")
        if said.startswith(_MARK):
            if commit is not None:
                yield commit
            commit = _commit(said[1:])
        elif said.startswith(":") and commit is not None:
            found = _file(said, rest)
            if found is not None:
                commit.files.append(found)
    if commit is not None:
        yield commit


def _commit(said: str) -> Commit:
    parts = said.split("\x02", 3)
    if len(parts) != 4:
        raise ArtifactError("git lists a commit in another form than expected")
    commit, parents, time, subject = parts
    try:
        instant = parse_time(time).instant
    except ValueError as exc:
        raise ArtifactError(f"has a commit at no time: {exc}", field=commit) from exc
    return Commit(commit, next(iter(parents.split()), None), instant, subject.strip())


def _file(said: str, rest: Iterator[str]) -> File | None:
    """Read `:<mode> <mode> <id> <id> <letter>` and the paths that follow it."""
    _, mode, before, after, letter = said[1:].split(" ")
    path = next(rest, "")
    is_renamed = letter[:1] in {"R", "C"}
    former, path = (path, next(rest, "")) if is_renamed else (None, path)
    if mode == _LINK or not path:
        return None
    change = _CHANGES.get(letter[:1], "modified")
    return File(path, change, _known(before), _known(after), former)


def _known(one: str) -> str | None:
    return None if set(one) == {"0"} else one
