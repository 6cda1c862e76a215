"""All facets of ours: every module of this folder is imported, so that none has to be listed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from lineage_bridge.facets.definition import Facet


@cache
def definitions() -> Mapping[str, type[Facet]]:
    """Return the definition of each facet of ours, by its key, sorted."""
    package = __name__.rpartition(".")[0]
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"{package}.{module.name}")
    found = {definition.key: definition for definition in Facet.__subclasses__()}
    return dict(sorted(found.items()))


@cache
def fingerprint() -> int:
    """Return a number that changes with any definition's version: facets are then read again."""
    versions = repr([(key, found.version) for key, found in definitions().items()])
    return int.from_bytes(blake2b(versions.encode(), digest_size=4).digest())
