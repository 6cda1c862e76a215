"""Profiles: what a set of rows looks like, column by column, in bounded memory.

A profile is a function of the rows alone. Neither their order nor how they were cut into files,
hours or bites changes it: the profile of a day is the sum of those of its hours, bit by bit. So
whatever is bounded here is bounded by a rule that holds for any subset as well as for the whole:
numbers share a cell when there are too many different ones (`points`), labels are no longer told
apart (`labels`), days become longer periods (`days`).
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 1  # of what a profile says; raised with each change, so that it is made anew
