"""The JSON of run events as the feed writes them back, made of the stored bytes.

`typed` says how Marquez's classes change an event; going through it takes ten times as long as what
is done here. An event is taken apart down to its facets, and those that Marquez has no class for
are copied as they are. Of the others, most lack nothing but nulls, which come in while they are
decoded and encoded. Only what is not as the specification has it goes through `typed`: a facet, or
a whole event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from types import GenericAlias
from typing import Any

import msgspec

from lineage_bridge.collector.dialect import instants, typed
from lineage_bridge.events import event_time

REMEMBERED = 1000  # facets that took longer to make
REMEMBERED_BYTES = 8 * 1024  # a longer one is made again

_Facets = dict[str, msgspec.Raw]

_NULL = b"null"
_RUN = dict.fromkeys(typed.RUN_FACETS, msgspec.Raw(_NULL))  # each is shown, if only as a null
_JOB = dict.fromkeys(typed.JOB_FACETS, msgspec.Raw(_NULL))
_DATASET = dict.fromkeys(typed.DATASET_FACETS, msgspec.Raw(_NULL))


class _Run(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    run_id: str
    facets: _Facets | None = None


class _Job(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    namespace: str
    name: str
    facets: _Facets | None = None


class _Dataset(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    namespace: str
    name: str
    facets: _Facets | None = None
    input_facets: _Facets | None = None
    output_facets: _Facets | None = None


class _Event(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    event_type: str | None = None
    event_time: str
    run: _Run
    job: _Job
    inputs: list[_Dataset | None] | None = None
    outputs: list[_Dataset | None] | None = None
    producer: str
    schema_url: str | None = msgspec.field(default=None, name="schemaURL")


def _plain_facets() -> Mapping[str, msgspec.json.Decoder[Any]]:
    """Return decoders of facets that have nothing but texts, or a list of what has only texts."""
    types = {name: _object_of(_OF_ALL, _may_be(*texts)) for name, texts in typed.TEXTS.items()}
    for name, (member, texts) in typed.LISTS.items():
        item: Any = _object_of([], _may_be(*texts))
        items = GenericAlias(list, (item | None,))
        types[name] = _object_of(_OF_ALL, [(member, items | None, None)])
    return {name: msgspec.json.Decoder(kind) for name, kind in types.items()}


def _object_of(required: Iterable[Any], optional: Iterable[Any]) -> Any:
    members = [*required, *optional]
    return msgspec.defstruct("_Object", members, forbid_unknown_fields=True, gc=False)


def _may_be(*texts: str) -> list[tuple[str, Any, None]]:
    return [(name, str | None, None) for name in texts]


_OF_ALL = [("_producer", str), ("_schemaURL", str)]
_PLAIN = _plain_facets()

_take_apart = msgspec.json.Decoder(_Event).decode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode  # numbers keep their digits
_encode = msgspec.json.Encoder(decimal_format="number").encode


def shown_event(body: bytes) -> bytes:
    """Return the JSON of a run event as the feed shows it.

    What nobody checked (an import, say) and is no run event is shown as it is.
    """
    try:
        try:
            event = _take_apart(body)
        except msgspec.ValidationError:
            return _encode(typed.shown_event(_decode(body)))
        return _encode(_changed(event))
    except (AttributeError, KeyError, TypeError, ValueError):
        return body


def _changed(event: _Event) -> _Event:
    if not instants.is_canonical(event.event_time):
        event.event_time = instants.format_nanos(event_time.parse_nanos(event.event_time))
    event.run.facets = _shown(event.run.facets, _RUN)
    event.job.facets = _shown(event.job.facets, _JOB)
    for dataset in (*(event.inputs or ()), *(event.outputs or ())):
        if dataset is not None:
            dataset.facets = _shown(dataset.facets, _DATASET)
            dataset.input_facets = _without_nulls(dataset.input_facets)
            dataset.output_facets = _without_nulls(dataset.output_facets)
    return event


def _shown(facets: _Facets | None, known: _Facets) -> _Facets | None:
    """Return facets with all that Marquez has a class for, these first."""
    if facets is None:
        return None
    shown = known.copy()
    for name, facet in typed.renamed(facets, known).items():
        if name in known:
            shown[name] = _known(name, bytes(facet))
        else:
            _add_without_nulls(shown, name, facet)
    return shown


def _known(name: str, facet: bytes) -> msgspec.Raw:
    if name in _PLAIN:
        try:
            return msgspec.Raw(_encode(_PLAIN[name].decode(facet)))
        except msgspec.ValidationError:
            pass  # it has a further member, or what is no text
    return _remembered(name, facet) if len(facet) <= REMEMBERED_BYTES else _made(name, facet)


def _made(name: str, facet: bytes) -> msgspec.Raw:
    return msgspec.Raw(_encode(typed.known_facet(name, _decode(facet))))


_remembered = lru_cache(maxsize=REMEMBERED)(_made)


def _without_nulls(facets: _Facets | None) -> _Facets | None:
    if not facets:
        return facets
    shown: _Facets = {}
    for name, facet in facets.items():
        _add_without_nulls(shown, name, facet)
    return shown


def _add_without_nulls(shown: _Facets, name: str, facet: msgspec.Raw) -> None:
    value = bytes(facet)
    if _NULL not in value:
        shown[name] = facet
    elif value != _NULL:
        shown[name] = msgspec.Raw(_encode(typed.without_nulls(_decode(value))))
