"""Names of files that belong to one tool each, so that no other family need open them."""

from __future__ import annotations

import re
from typing import Final

# YAML and JSON of other tools, which need not be opened for this.
OF_OTHERS: Final = re.compile(
    r"(?:meta|params|dvc|conda|python_env|mlmodel|mkdocs|dbt_project|profiles|packages|schema|"
    r"sources|properties|docker-compose.*|compose.*|metadata|metrics.*|model_metadata|manifest|"
    r"feature_schema|run_results|catalog|package|package-lock|tsconfig.*)\.(?:json|ya?ml)"
)

# A manifest of thousands of models is larger than any file that others read whole.
OF_DBT: Final = re.compile(r"run_results.*\.json|(?:semantic_)?manifest\.json|catalog\.json")


def is_of_another(name: str) -> bool:
    """Return whether a file, by its name in lower case, is of a tool that has one name for it."""
    return bool(OF_OTHERS.fullmatch(name) or OF_DBT.fullmatch(name))
