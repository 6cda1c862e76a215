"""The facets of a node, a version or a run, by key: decoded when asked for, as most never are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import orjson

from lineage_bridge.errors import FacetError
from lineage_bridge.events import as_object, as_text
from lineage_bridge.facets import Facet, read_facet
from lineage_bridge.journal.trouble import derived_is_damaged

Definition = TypeVar("Definition", bound=Facet)


class Facets(Mapping[str, Any]):
    """Facets by key, decoded when asked for: most are never looked at."""

    __slots__ = ("_encoded", "_read")

    def __init__(self, encoded: Mapping[str, str] | None = None) -> None:
        self._encoded = dict(sorted(encoded.items())) if encoded else {}
        self._read: dict[str, Facet] = {}

    def __getitem__(self, key: str) -> Any:
        try:
            return orjson.loads(self._encoded[key])
        except orjson.JSONDecodeError as exc:
            raise derived_is_damaged(f"facet `{key}`: {exc}") from exc

    def of(self, definition: type[Definition]) -> Definition | None:
        """The facet of ours of that definition, None if there is none.

        What is broken was left out when the event was taken in (`graph.facts`).

        Raises:
            JournalError: it was damaged since then.
        """
        encoded = self._encoded.get(definition.key)
        if encoded is None:
            return None
        known = self._read.get(definition.key)
        if not isinstance(known, definition):
            try:
                known = self._read[definition.key] = read_facet(definition, encoded)
            except FacetError as exc:
                raise derived_is_damaged(f"facet `{definition.key}`: {exc}") from exc
        return known

    @property
    def dataset_type(self) -> str | None:
        """What sort of dataset it is, by the standard facet; None where nobody says it."""
        return as_text(as_object(self.get("datasetType")).get("datasetType"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)

    def __contains__(self, key: object) -> bool:
        return key in self._encoded

    def __repr__(self) -> str:
        return f"Facets({list(self._encoded)})"

    def changed(self, values: Mapping[str, str | None]) -> Facets:
        """These facets with other JSON at some keys, None for no such facet; itself if equal."""
        kept = {key: value for key, value in self._encoded.items() if key not in values}
        kept |= {key: value for key, value in values.items() if value is not None}
        return self if kept == self._encoded else Facets(kept)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Facets):  # by what is written: exact, and nothing is decoded
            return self._encoded == other._encoded
        return Mapping.__eq__(self, other)

    __hash__ = None  # type: ignore[assignment]
