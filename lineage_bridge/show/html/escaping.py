"""Templates that escape every text.

Jinja2 is set up to do so. Before that, every character that would not show as itself is written as
an escape, as on a terminal.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lineage_bridge.show.statuses import status_of
from lineage_bridge.show.text import printable


def environment(package: str) -> Environment:
    """Return an environment for the templates of a package."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["status"] = status_of
    return made


def _shown(value: Any) -> Any:
    # Numbers and finished HTML stay as they are.
    return printable(value) if type(value) is str else value
