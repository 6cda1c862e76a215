"""A repository, opened so that nothing in it can act: only its objects are lent to `git`.

`git` runs in a folder of our own, with an empty configuration, and is pointed at the repository's
objects. What HEAD means is read here, through the same door as every artifact. Sources:
gitrepository-layout(5), git(1) under "Environment Variables".
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.errors import ArtifactError
from lineage_bridge.masking import public_url

SECONDS: Final = 120.0
MAX_CONFIG: Final = 64 * 1024
MAX_OUTPUT: Final = 128 * 1024 * 1024
PART_BYTES: Final = 16 * 1024 * 1024  # of contents that are read at a time
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REMOTE: Final = re.compile(
    r'\[remote "origin"\][^\[]*?^[ \t]*url[ \t]*=[ \t]*(\S+)[ \t]*$', re.MULTILINE
)
# What is built and deployed, whichever branch somebody works on here just now.
_MAIN: Final = ("refs/heads/main", "refs/heads/master")
_SAFE: Final = ("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "--no-pager")


@dataclass(frozen=True, slots=True)
class Repository:
    """An opened repository.

    Attributes:
        name: that it has where it comes from, else `place`.
        place: the folder that it lies in, or a bare one itself.
        url: where it says that it comes from, without login; `git:<name>` if it says nothing.
        head: the commit.
        branch: None of a detached head.
        shallow: commits whose parents are not here.
    """

    name: str
    place: str
    url: str
    head: str
    branch: str | None
    shallow: frozenset[str]
    folder: str
    objects: str

    def run(self, *args: str, stdin: bytes = b"") -> bytes:
        """Run `git`, and return what it prints.

        Raises:
            ArtifactError: it failed, took too long, or printed too much.
        """
        asked = Path(self.folder) / "asked"  # a file: neither end waits for the other
        asked.write_bytes(stdin)
        command = ["git", *_SAFE, "--no-optional-locks", *args]
        try:
            with asked.open("rb") as given, (Path(self.folder) / "said").open("w+b") as said:
                return self._printed(command, given, said)
        except FileNotFoundError as exc:
            raise ArtifactError("cannot be read: the program `git` is not installed") from exc

    def _printed(self, command: Sequence[str], given: BinaryIO, said: BinaryIO) -> bytes:
        with subprocess.Popen(  # noqa: S603 - no shell, and none of the words is a stranger's
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=said,
            env=self._environment(),
            cwd=self.folder,
        ) as process:
            watch = threading.Timer(SECONDS, process.kill)
            watch.start()
            try:
                assert process.stdout is not None, "it was asked for"
                printed = process.stdout.read(MAX_OUTPUT + 1)
            finally:
                is_over = not watch.is_alive()
                watch.cancel()
                if is_over or len(printed) > MAX_OUTPUT:
                    process.kill()
        if is_over:
            raise ArtifactError(f"cannot be read: `git` took over {SECONDS:.0f} s")
        if len(printed) > MAX_OUTPUT:
            raise ArtifactError(f"is larger than {MAX_OUTPUT // 2**20} MiB, expected less")
        if process.returncode:
            said.seek(0)
            words = said.read(500).decode("utf-8", "replace").strip().splitlines()
            raise ArtifactError(f"cannot be read: git says {words[0][:200] if words else '-'}")
        return printed

    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self.folder,
            "LC_ALL": "C",
            "GIT_DIR": self.folder,
            "GIT_OBJECT_DIRECTORY": self.objects,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def blobs(self, ids: Iterable[str], max_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Yield the contents of files after their ids; too large and missing ones are left out.

        Raises:
            ArtifactError: they cannot be read.
        """
        asked = "".join(f"{one}\n" for one in dict.fromkeys(ids)).encode()
        part: list[str] = []
        size = 0
        for line in self.run("cat-file", "--batch-check", stdin=asked).decode().splitlines():
            one, kind, length = (*line.split(), "", "")[:3]
            if kind != "blob" or int(length) > max_bytes:
                continue
            part.append(one)
            size += int(length)
            if size > PART_BYTES:
                yield from self._contents(part)
                part, size = [], 0
        yield from self._contents(part)

    def _contents(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        asked = "".join(f"{one}\n" for one in ids).encode()
        printed = self.run("cat-file", "--batch", stdin=asked) if ids else b""
        begin = 0
        while begin < len(printed):
            end = printed.index(b"\n", begin)
            one, _, length = printed[begin:end].decode().split()
            begin = end + 1 + int(length) + 1
            yield one, printed[end + 1 : begin - 1]


def is_repository(artifact: Artifact) -> bool:
    """Return whether a file that is called HEAD lies where a repository has it."""
    folder = Path(artifact.path).parent
    return (folder / "objects").is_dir() and (folder / "refs").is_dir()


@contextmanager
def open_repository(artifact: Artifact) -> Iterator[Repository | None]:
    """Open a repository for reading; None if it has no commit yet, or is none.

    Raises:
        ArtifactError: it cannot be read by what is here.
    """
    head, branch = _head(artifact)
    if head is None:
        yield None
        return
    objects = Path(artifact.path).parent / "objects"
    if objects.is_symlink() or not objects.is_dir():
        raise ArtifactError("has no folder `objects` beside it, expected one")
    if artifact.companion("objects/info/alternates"):
        raise ArtifactError("borrows the objects of another repository: name that one")
    shallow = frozenset((artifact.companion("shallow") or b"").decode().split())
    with tempfile.TemporaryDirectory(prefix="lineage-bridge-git-") as folder:
        _prepare(Path(folder), head, shallow)
        url = _remote(artifact)
        *_, above, own = ("", *artifact.folders)
        place = above if own == ".git" else own
        name = re.split(r"[/:]", url or place)[-1].removesuffix(".git") or place
        yield Repository(
            name,
            place.removesuffix(".git"),
            url or f"git:{name}",
            head,
            branch,
            shallow,
            folder,
            str(objects),
        )


def _head(artifact: Artifact) -> tuple[str | None, str | None]:
    """Return the commit that counts, and its branch: the main one, else what HEAD means."""
    said = artifact.content().decode("utf-8", "replace").strip()
    if _HASH.fullmatch(said):
        return said, None
    reference = said.removeprefix("ref: ")
    if reference == said or not re.fullmatch(r"refs/[^\0]+", reference) or ".." in reference:
        raise ArtifactError(f"names no commit: {said[:60]!r}")
    if reference == "refs/heads/.invalid":
        raise ArtifactError("keeps its references as a reftable, which is not read")
    for name in (*_MAIN, reference):
        if reference not in _MAIN or name == reference:
            commit = _commit_of(artifact, name)
            if commit is not None:
                return commit, name.removeprefix("refs/heads/")
    return None, reference.removeprefix("refs/heads/")


def _commit_of(artifact: Artifact, reference: str) -> str | None:
    loose = artifact.companion(reference)
    if loose is not None and _HASH.fullmatch(found := loose.decode("utf-8", "replace").strip()):
        return found
    packed = (artifact.companion("packed-refs") or b"").decode("utf-8", "replace")
    for line in packed.splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _HASH.fullmatch(commit):
            return commit
    return None


def _remote(artifact: Artifact) -> str | None:
    try:
        text = (artifact.companion("config", max_bytes=MAX_CONFIG) or b"").decode(
            "utf-8", "replace"
        )
    except ArtifactError:
        return None
    found = _REMOTE.search(text)
    url = public_url(found[1]) if found is not None else ""
    is_place = "://" in url or re.match(r"[\w.-]+@[\w.-]+:", url)
    return url if is_place and not url.startswith("file:") else None  # no path of this machine


def _prepare(folder: Path, head: str, shallow: frozenset[str]) -> None:
    """Make a repository of our own, without anything."""
    of_hash = len(head) == 64
    extension = "\n[extensions]\n\tobjectFormat = sha256" if of_hash else ""
    version = 1 if of_hash else 0
    config = f"[core]\n\trepositoryformatversion = {version}\n\tbare = true{extension}\n"
    (folder / "config").write_text(config, encoding="utf-8")
    (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
    (folder / "refs").mkdir()
    (folder / "objects").mkdir()
    if shallow:
        (folder / "shallow").write_text("\n".join(sorted(shallow)) + "\n", encoding="utf-8")
