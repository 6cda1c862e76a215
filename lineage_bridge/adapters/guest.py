"""An adapter of another package, behind a check of all that it gives.

Whatever goes wrong in it loses its artifacts only, with a reason that names its package. So what it
gives is looked at here: a value that no record can have would stop the whole backfill later on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import msgspec

from lineage_bridge.adapters.api import Adapter, Kind, Place, Problem, enters, server_kind
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record, decode_record, encode_record, shape_of

_FORMS = ("whole", "lines", "part")  # `windows` are judged by rules of our own


class Guest:
    """An adapter of another package: what it raises or returns by mistake costs its artifact."""

    def __init__(self, adapter: Adapter, package: str) -> None:
        self._adapter = adapter
        self.package = package
        self.api = adapter.api
        self.name = adapter.name
        self.title = adapter.title
        self.version = adapter.version
        self.server = server_kind(adapter)

    def recognise(self, place: Place) -> Kind | None:
        """Recognise as the adapter does; what it cannot recognise is none of its files.

        Raises:
            ArtifactError: the adapter failed.
        """
        try:
            kind = self._adapter.recognise(place)
        except (Exception, SystemExit) as exc:
            raise self._failed(exc) from exc
        if kind is not None and not _is_kind(kind):
            raise self._failed(TypeError(f"recognise() returned {kind!r}"))
        return kind

    def enters(self, folder: str) -> bool:
        """Return whether the adapter looks into a folder of a tool's.

        Raises:
            ArtifactError: the adapter failed.
        """
        try:
            return enters(self._adapter, folder)
        except (Exception, SystemExit) as exc:
            raise self._failed(exc) from exc

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read as the adapter does.

        Raises:
            ArtifactError: the artifact cannot be read, or the adapter failed.
        """
        try:
            for item in self._adapter.read(artifact):
                yield _checked(item)
        except ArtifactError:
            raise
        except (Exception, SystemExit) as exc:
            raise self._failed(exc) from exc

    def _failed(self, error: BaseException) -> ArtifactError:
        return ArtifactError(
            f"the adapter `{self.name}` of the package `{self.package}` failed: {one_line(error)}"
        )


def one_line(error: BaseException) -> str:
    """Say in one line what was raised."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _is_kind(kind: Any) -> bool:
    return (
        isinstance(kind, Kind)
        and isinstance(kind.name, str)
        and kind.form in _FORMS
        and isinstance(kind.companions, tuple)
        and all(isinstance(name, str) for name in kind.companions)
        and type(kind.encloses) is bool
        and type(kind.is_store) is bool
    )


def _checked(item: Any) -> Record | Problem:
    if isinstance(item, Problem):
        if not isinstance(item.companion, str) or not isinstance(item.error, ArtifactError):
            raise TypeError(f"read() returned {item!r}, expected a text and an ArtifactError")
        return item
    if type(item) not in get_args(Record):
        raise TypeError(f"read() returned a {type(item).__name__}")
    try:
        record = decode_record(shape_of(type(item)), encode_record(item))
    except (ArtifactError, TypeError, ValueError) as exc:
        raise TypeError(
            f"read() returned a {type(item).__name__} with a wrong value: {exc}"
        ) from exc
    _check_values(msgspec.to_builtins(record, builtin_types=(datetime,)))
    return record


def _check_values(record: dict[str, Any]) -> None:
    """Check what the types of a record do not say: zones of times, and the bounds."""
    from lineage_bridge.adapters.documents import check_lengths, check_number

    values = [(field, value) for field, value in record.items() if field != "source"]
    while values:
        field, value = values.pop()
        if isinstance(value, dict | list | tuple):
            check_number(f"values in {field}", len(value))
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            values += [(f"{field}.{name}", each) for name, each in inner]
        elif isinstance(value, datetime) and value.tzinfo is None:
            reason = f"expected a time with a zone, found {value.isoformat()}"
            raise ArtifactError(reason, field=field)
        else:
            check_lengths({field: value})
