"""The identity of an event in a feed: the same whoever wrote it, and however a Marquez writes it.

An event of ours is known by its id. A Marquez writes any event back from its classes: with a null
for each member that is absent, keys in another order, times in UTC. So anybody else's event is
known by a digest of its plain form, which has none of these differences.

Source: Marquez keeps raw events as `jsonb` and reads them into `LineageEvent` (see
`collector.dialect.typed`); numbers keep their digits, `1e3` becomes `1000` and `-0.0` `0.0`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.typed import shown_event
from lineage_bridge.errors import EventError
from lineage_bridge.events import Event, check_names, decode, digest_of, event_of

_FAR = 400  # digits; a larger exponent stays one, or a few bytes would become a gigabyte

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def read(body: bytes) -> tuple[Event, bytes]:
    """Read an event of a feed; return it as the journal keeps it, and its identity.

    Raises:
        EventError: it is none that the journal can hold.
    """
    document = decode(body)
    check_names(document)
    plain = plain_form(body)
    event = event_of(document, plain)
    return event, identity_of(event)


def identity_of(event: Event) -> bytes:
    """Return the identity of an event in its plain form, or of one of ours in any form."""
    return digest_of(event.body if event.id is None else event.id.encode())


def plain_form(body: bytes) -> bytes:
    """Write a run event plainly: sorted, without nulls, converted as a Marquez converts it.

    Raises:
        EventError: it is no JSON, or nested too deeply.
    """
    try:
        document = _decoder.decode(body)
        try:
            shown = shown_event(document)
        except (AttributeError, KeyError, TypeError, ValueError):  # never went through a Marquez
            shown = document
        return _encoder.encode(_plain(shown))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise EventError(f"the event is not JSON that can be held: {exc}") from exc


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Decimal) -> Decimal | int:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0 and value.adjusted() < _FAR:
        return int(value)
    return value or abs(value)
