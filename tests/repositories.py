"""Git repositories for tests, made by one call of `git fast-import`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def git(folder: Path, *args: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, check=True)
    return done.stdout.decode()


def repository(
    folder: Path, commits: Sequence[tuple[str, str, Mapping[str, str | None]]]
) -> list[str]:
    """Make a repository: for each commit its time, its subject and files; None deletes one.

    Returns:
        the ids of the commits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    lines = []
    for number, (time, subject, files) in enumerate(commits, 1):
        lines += ["commit refs/heads/main", f"mark :{number}"]
        lines += [
            f"committer Ada <ada@example.com> {time}",
            f"data {len(subject.encode())}",
            subject,
        ]
        if number > 1:
            lines.append(f"from :{number - 1}")
        for path, content in files.items():
            if content is None:
                lines.append(f"D {path}")
            else:
                lines += [f"M 100644 inline {path}", f"data {len(content.encode())}", content]
    stream = "\n".join([*lines, ""]).encode()
    git(folder, "fast-import", "--quiet", "--date-format=rfc2822", stdin=stream)
    return git(folder, "rev-list", "--reverse", "main").split()
