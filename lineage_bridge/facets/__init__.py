"""Facets of ours, one module each, and how they are read and written.

`definition` has their base class, `registry` finds all of them, `reading` reads any producer's JSON
into one, `schema` writes a definition as the published JSON Schema, and `standard` makes those of
OpenLineage's own facets that we fill.
"""

from __future__ import annotations

from lineage_bridge.facets.definition import PRODUCER, REPOSITORY, Facet
from lineage_bridge.facets.reading import facet_in, problem_of, read_facet
from lineage_bridge.facets.registry import definitions, fingerprint
from lineage_bridge.facets.standard import clean_facet, plain, standard_facet, standard_url

__all__ = [
    "PRODUCER",
    "REPOSITORY",
    "Facet",
    "clean_facet",
    "definitions",
    "facet_in",
    "fingerprint",
    "plain",
    "problem_of",
    "read_facet",
    "standard_facet",
    "standard_url",
]
