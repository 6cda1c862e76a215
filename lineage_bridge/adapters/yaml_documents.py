"""YAML as plain objects, safely: no tags of Python, no dates guessed, no bombs of aliases.

Only what JSON can say comes out. Times stay texts, for the reader of the field to judge: a YAML
library would make dates of them, and of some versions too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

import yaml

from lineage_bridge.adapters.documents import MAX_DEPTH
from lineage_bridge.errors import ArtifactError

MAX_ALIASES: Final = 100  # each may stand for all that came before
MAX_NODES: Final = 500_000
MAX_DOCUMENTS: Final = 10_000  # in one file

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEMPLATE: Final = re.compile(r"\{\{.*\}\}")


class _Loader(_Base):  # type: ignore[misc]
    pass


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}


class YamlDocument(NamedTuple):
    """One document of a file, and the line that it begins at."""

    value: Any
    line: int


def parse_yaml(content: bytes) -> list[YamlDocument]:
    """Decode all documents of a file; those without content are left out.

    Raises:
        ArtifactError: it is no YAML, holds a tag of a programming language, or too much.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ArtifactError(f"is not UTF-8 (byte {exc.start}), expected YAML") from exc
    try:
        _check_size(text)
        return list(_documents(text))
    except ArtifactError:
        raise
    except yaml.YAMLError as exc:
        raise _translated(exc, text) from exc
    except (RecursionError, ValueError, TypeError) as exc:
        raise ArtifactError(f"is no YAML that can be read: {exc}") from exc


def _documents(text: str) -> Iterator[YamlDocument]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value, _ = _Plain().of(loader.construct_document(node))
            if value is not None:
                yield YamlDocument(value, node.start_mark.line + 1)
    finally:
        loader.dispose()


class _Plain:
    """Makes objects with texts as keys, as in JSON, and counts what aliases stand for."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()

    def of(self, value: Any) -> tuple[Any, int]:
        """Return a value, and how many there are in it.

        Raises:
            ArtifactError: it holds itself, or too much, or what JSON cannot say.
        """
        if not isinstance(value, dict | list):
            return _scalar(value), 1
        own = id(value)
        if own in self._open:
            raise ArtifactError("has an alias that stands for what it lies in")
        if own not in self._known:
            self._open.add(own)
            self._known[own] = self._inner(value)
            self._open.discard(own)
        return self._known[own]

    def _inner(self, value: dict[Any, Any] | list[Any]) -> tuple[Any, int]:
        members = value.items() if isinstance(value, dict) else enumerate(value)
        made = {str(key): self.of(member) for key, member in members}
        count = 1 + sum(size for _, size in made.values())
        if count > MAX_NODES:
            raise ArtifactError(f"holds over {MAX_NODES:,} values, expected fewer")
        plain = {key: member for key, (member, _) in made.items()}
        return (plain if isinstance(value, dict) else list(plain.values())), count


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    raise ArtifactError(f"holds a value of type {type(value).__name__}, which JSON has not")


def _check_size(text: str) -> None:
    """Check depth and number of nodes before any is built; as a stream, so that none can hide."""
    depth = nodes = aliases = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.events.NodeEvent)
        aliases += isinstance(event, yaml.events.AliasEvent)
        documents += isinstance(event, yaml.events.DocumentStartEvent)
        if depth > MAX_DEPTH:
            raise ArtifactError(f"is nested too deeply (over {MAX_DEPTH} levels), expected less")
        if nodes > MAX_NODES or documents > MAX_DOCUMENTS:
            raise ArtifactError(f"holds over {MAX_NODES:,} values, expected fewer")
        if aliases > MAX_ALIASES:
            raise ArtifactError(f"holds over {MAX_ALIASES} aliases, expected fewer")


def _translated(error: yaml.YAMLError, text: str) -> ArtifactError:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else None
    if _TEMPLATE.search(text):
        return ArtifactError("is a template, expected YAML: render it first", line=line)
    what = getattr(error, "problem", None) or "it cannot be read"
    return ArtifactError(f"is not YAML: {what}", line=line)
