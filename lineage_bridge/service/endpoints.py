"""Which paths of a service are endpoints that are counted, and under which name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from lineage_bridge.errors import SettingsError

_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")


class Endpoints:
    """Paths and patterns of paths.

    Attributes:
        first: of those that were given.
        literal: those without a parameter.

    Raises:
        SettingsError: there is none, or one does not begin with a slash.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        if isinstance(paths, str) or not paths or not all(map(_is_path, paths)):
            raise SettingsError(
                f"Expected a list of paths such as ['/predict'] for `endpoints`, found {paths!r}."
            )
        self.first = paths[0]
        self.literal = [path for path in paths if not _PARAMETER.search(path)]
        self._patterns = [(_pattern(path), path) for path in paths if _PARAMETER.search(path)]
        self._exact = {path: path for path in self.literal}
        self.find: Callable[[str], str | None] = self._search if self._patterns else self._exact.get

    def _search(self, path: str) -> str | None:
        found = self._exact.get(path)
        if found is not None:
            return found
        return next((name for pattern, name in self._patterns if pattern.fullmatch(path)), None)


def _is_path(text: str) -> bool:
    return text.startswith("/") and text.isprintable()


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, _PARAMETER.split(path))))
