"""The scenarios of `contention.py` by name.

Each is a function of the version to measure, an empty folder of its own and the options; it gives
figures by name. None is a figure that there is none of: what was waited for did not happen. What
is measured, and in which unit, is said by each function's docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from contending.figures import Figures, Options
from contending.giant import giant
from contending.homes import deleted_home, emit_idle, many_processes, slow_files
from contending.ingest import generator, ingest_1, ingest_16
from contending.processes import Target

Scenario = Callable[[Target, Path, Options], Figures]

SCENARIOS: Mapping[str, Scenario] = {
    "generator": generator,
    "ingest-1": ingest_1,
    "ingest-16": ingest_16,
    "giant": giant,
    "slow-files": slow_files,
    "many-processes": many_processes,
    "deleted-home": deleted_home,
    "emit-idle": emit_idle,
}
