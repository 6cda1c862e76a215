"""The tables at the end of docs/checks.md, made of the definitions of all checks.

`python -m lineage_bridge.show.data.check_page` prints them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from lineage_bridge.assess.checks.definition import CheckOf
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.assess.checks.registry import ALL

_DEFAULTS: Final = CheckPolicy()
_HEAD: Final = """\
| check | severity | compares | limits, with their defaults | unit | why it can be wrong |
|---|---|---|---|---|---|
"""


def checks_tables() -> str:
    """Write a table for each sort of thing that is judged, with a row for each check."""
    return "\n".join(
        f"### Of {judged}\n\n{_HEAD}{''.join(map(_row, checks))}" for judged, checks in ALL.items()
    )


def _row(check: CheckOf[Any]) -> str:
    limits = ", ".join(_limits(check))
    cells = (f"`{check.code}`", check.severity, check.compares, limits, check.unit)
    return f"| {' | '.join((*cells, check.may_be_wrong))} |\n"


def _limits(check: CheckOf[Any]) -> Iterator[str]:
    for name in check.limits:
        yield f"`{name}` {_text(getattr(_DEFAULTS, name))}".rstrip()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else ""


if __name__ == "__main__":
    sys.stdout.write(checks_tables())
