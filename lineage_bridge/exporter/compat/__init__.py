"""Metrics as the systems before called them, for dashboards and alerts that ask for those names.

They are shown on request alone (`--compat`), and computed like all others, from the same snapshot:
so they have none of the defects of the old ones, and no series where there is no fact.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

Compat: TypeAlias = Literal["p6", "sentinelml"]
COMPATS: Final[tuple[Compat, ...]] = get_args(Compat)
