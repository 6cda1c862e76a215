"""What somebody names to be read: folders, single files, and servers by their URLs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lineage_bridge.adapters.servers import check_url, is_url
from lineage_bridge.errors import ArtifactError, SettingsError


@dataclass(frozen=True, slots=True)
class Server:
    """A server, named by its URL; it answers what a path is asked where roots are walked."""

    url: str

    def exists(self) -> bool:
        """Return that it is there: whether it answers is found out by asking it."""
        return True

    def resolve(self) -> Server:
        """Return itself."""
        return self

    def __str__(self) -> str:
        return self.url


Root: TypeAlias = Path | Server


def root_of(named: str) -> Root:
    """Return what somebody named, by a path or a URL.

    Raises:
        SettingsError: it is a URL that cannot be asked.
    """
    if not is_url(named):
        return Path(named)
    try:
        return Server(check_url(named))
    except ArtifactError as exc:
        raise SettingsError(f"`{named.rsplit('@', maxsplit=1)[-1]}` {exc.reason}.") from exc
