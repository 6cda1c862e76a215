"""What a command is named to read, as a parameter: a folder, a file, or a server by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from lineage_bridge.adapters.roots import Root


class _Root(click.ParamType):  # type: ignore[type-arg] # only of late it has arguments
    """A path that exists, or a URL."""

    name = "root"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Root:
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return] # click converts a default once more
        if "://" not in value:
            return Path(str(click.Path(exists=True).convert(value, param, ctx)))
        from lineage_bridge.adapters.roots import root_of
        from lineage_bridge.errors import SettingsError

        try:
            return root_of(value)
        except SettingsError as exc:
            self.fail(str(exc), param, ctx)


ROOT: Final = _Root()
