"""Ids of nodes: their grammar, and how Marquez splits them.

`dataset:<namespace>:<name>`, `datasetField:<namespace>:<name>:<field>`, `job:<namespace>:<name>`,
`run:<uuid>`; `#<uuid>` at the end names a version. Namespaces contain colons too, so an id is split
at the colons that are followed neither by `//` nor by a digit; that is often wrong, and `lookup`
knows better. Source: `NodeId`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.dialect.errors import generic, not_found
from lineage_bridge.events.run_ids import java_uuid
from lineage_bridge.marquez_limits import NAMESPACE

_NODE = re.compile(r"(dataset|datasetField|job|run):.*")
_SEPARATOR = re.compile(r":(?!//|\d)")
_PARTS = {"dataset": 3, "datasetField": 4, "job": 3, "run": 2}


@dataclass(frozen=True, slots=True)
class NodeId:
    """The parts of an id; `names` are namespace, name and field, as far as its kind has them."""

    text: str
    kind: str
    names: tuple[str, ...]
    version: str | None = None

    @property
    def namespace(self) -> str:
        """The namespace of the dataset or job."""
        return self.names[0]

    @property
    def name(self) -> str:
        """The name of the dataset or job."""
        return self.names[1]


def parse(text: str) -> NodeId:
    """Split an id into its parts.

    Raises:
        ApiError: the text is no id of a node (404), or cannot be split (500).
    """
    match = _NODE.fullmatch(text)
    if match is None:
        raise not_found()
    kind = match[1]
    head, _, suffix = text.rpartition("#")
    version = hashes.strict_uuid(suffix) if head and kind != "run" else None
    names = _split(head if version else text, kind)
    if kind == "run":
        if java_uuid(names[0]) is None:
            raise generic()
    elif not NAMESPACE.fullmatch(names[0]) or not names[1].strip():
        raise generic()
    return NodeId(text, kind, names, version)


def _split(text: str, kind: str) -> tuple[str, ...]:
    wanted = _PARTS[kind]
    parts = text.split(":")
    if len(parts) > wanted:
        parts = _SEPARATOR.split(text, maxsplit=wanted - 1)
    # Another server's journal may have a column without a name; nothing else goes without one.
    if len(parts) != wanted or not all(parts[:3]):
        raise generic()
    return tuple(parts[1:])


def dataset_id(namespace: str, name: str) -> str:
    """Return the id of a dataset's node."""
    return f"dataset:{namespace}:{name}"


def job_id(namespace: str, name: str) -> str:
    """Return the id of a job's node."""
    return f"job:{namespace}:{name}"


def field_id(namespace: str, dataset: str, field: str, version: str | None = None) -> str:
    """Return the id of a column's node, with the version of its dataset if one is given."""
    suffix = f"#{version}" if version else ""
    return f"datasetField:{namespace}:{dataset}:{field}{suffix}"


def java_key(text: str) -> bytes:
    """Return the key to sort ids by: Java compares UTF-16 code units."""
    return text.encode("utf-16-be", "surrogatepass")
