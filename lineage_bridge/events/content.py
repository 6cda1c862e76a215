"""The content of anybody's event, by which it is known again.

An event of ours has an id. Anybody else's is the same event as another one if both have the same
bytes: a producer that got no answer sends them again. Other bytes that mean the same (fields in
another order, blanks inside) are another event.
"""

from __future__ import annotations

import hashlib

KINDS = frozenset({"run", "dataset", "job"})  # of events; a journal keeps rows of other kinds too

_DIGEST_BYTES = 16


def one_line(body: bytes) -> bytes:
    """Return an event's body as a line of a file.

    It may have been received over several lines. JSON allows line breaks only between tokens, so a
    blank in their place changes no value, not even a digit.
    """
    return body.replace(b"\r", b" ").replace(b"\n", b" ").strip()


def digest_of(body: bytes) -> bytes:
    """Return a hash of an event's content; the same before an export and after the import."""
    return hashlib.sha256(one_line(body)).digest()[:_DIGEST_BYTES]
