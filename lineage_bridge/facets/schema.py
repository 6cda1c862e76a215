"""The published JSON Schema of a facet, made from its definition.

`python -m lineage_bridge.facets.schema KEY` prints one. The files in `schemas/` are such documents,
and a test compares them with the definitions.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import orjson

from lineage_bridge.facets.definition import Facet
from lineage_bridge.facets.registry import definitions

_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
_OURS = ("title", "default")  # members about our struct, not about the fact itself


def published_schema(definition: type[Facet]) -> dict[str, Any]:
    """Make the document: the facet on OpenLineage's own base, with its parts."""
    (schema,), parts = msgspec.json.schema_components([definition], ref_template="#/$defs/{name}")
    del schema
    defs = {name: _plain(part) for name, part in parts.items()}
    own = defs.pop(definition.__name__)
    base = "RunFacet" if definition.is_of_run() else "DatasetFacet"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": definition.schema_url(),
        "$defs": {
            definition.schema: {"allOf": [{"$ref": f"{_SPEC}/{base}"}, own], "type": "object"},
            **defs,
        },
        "type": "object",
        "properties": {definition.key: {"$ref": f"#/$defs/{definition.schema}"}},
    }


def _plain(node: Any) -> Any:
    """Drop titles and defaults, and let an optional member be left out instead of null."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _plain(value) for key, value in node.items() if key not in _OURS}
    kinds = [kind for kind in found.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del found["anyOf"]
        found.update(kinds[0])
    if "enum" in found:
        found.setdefault("type", "string")
    return found


if __name__ == "__main__":
    document = published_schema(definitions()[sys.argv[1]])
    sys.stdout.write(f"{orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()}\n")
