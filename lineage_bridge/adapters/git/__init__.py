"""Git: what a history says was changed, commit by commit.

A repository is read by the `git` program, with nothing of the repository's own but its objects: no
configuration, hook, attribute or filter of it is ever looked at, so none can run anything. Nothing
is written, and no network is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.git.changes import changes_of
from lineage_bridge.adapters.git.repository import is_repository, open_repository
from lineage_bridge.records import Record

_SAYS: Final = ("packed-refs", "refs/heads/", "logs/HEAD", "shallow")
REPOSITORY: Final = Kind("commits", companions=_SAYS, encloses=True)
NAMED: Final = Kind("commits", companions=_SAYS)  # or a file of that name in any other folder


class Git:
    """The adapter of git's histories."""

    api = API
    name = "git"
    title = "Git histories: changed files and dependencies"
    version = 1

    def enters(self, folder: str) -> bool:
        """Look into `.git`, which is hidden."""
        return folder == ".git"

    def recognise(self, place: Place) -> Kind | None:
        """Recognise HEAD in `.git`, in a bare repository, or in the folder that is named itself."""
        if place.name != "head" or place.is_folder:
            return None
        if not place.folders:
            return NAMED
        return REPOSITORY if place.folders[-1].lower().endswith(".git") else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read the history behind HEAD."""
        if artifact.kind is NAMED and not is_repository(artifact):
            return
        with open_repository(artifact) as repository:
            if repository is not None:
                yield from changes_of(repository, artifact.source)


ADAPTER: Final = Git()
