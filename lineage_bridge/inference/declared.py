"""Which map of the settings is that of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from lineage_bridge.settings import InferenceLog

UNDECLARED: Final = InferenceLog()


def declared_for(path: str, logs: Mapping[str, InferenceLog]) -> InferenceLog:
    """Return the map that the settings have for a file; the first pattern that fits counts.

    Args:
        path: of the file.
        logs: by a pattern of the path or its end; `*` is any text, also with `/` in it.
    """
    real = os.path.realpath(path)
    fitting = (log for glob, log in logs.items() if fnmatchcase(real, f"*/{glob.lstrip('/')}"))
    return next(fitting, UNDECLARED)
