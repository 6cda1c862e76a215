"""Run ids as Marquez reads them: a UUID stays what it is, any other text is hashed to one.

Source: Java's `UUID.fromString` and `UUID.nameUUIDFromBytes`, as Marquez 0.51 uses them.
"""

from __future__ import annotations

import hashlib
import re

_JAVA_UUID = re.compile(
    r"([0-9a-fA-F]{1,8})-([0-9a-fA-F]{1,4})-([0-9a-fA-F]{1,4})-([0-9a-fA-F]{1,4})-([0-9a-fA-F]{1,12})"
)
_GROUP_DIGITS = (8, 4, 4, 4, 12)


def run_uuid(run_id: str) -> str:
    """Return the UUID of the run that an event's `runId` names."""
    return java_uuid(run_id) or name_uuid(run_id)


def java_uuid(text: str) -> str | None:
    """Return the UUID that Java's `UUID.fromString` reads, short groups too; None if it refuses."""
    match = _JAVA_UUID.fullmatch(text)
    if match is None:
        return None
    return "-".join(
        group.lower().rjust(digits, "0")
        for group, digits in zip(match.groups(), _GROUP_DIGITS, strict=True)
    )


def name_uuid(text: str) -> str:
    """Compute Java's `UUID.nameUUIDFromBytes` of a text."""
    digest = bytearray(hashlib.md5(text.encode(errors="replace"), usedforsecurity=False).digest())
    digest[6] = (digest[6] & 0x0F) | 0x30
    digest[8] = (digest[8] & 0x3F) | 0x80
    return dashed(digest.hex())


def dashed(digits: str) -> str:
    """Write 32 hex digits as a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
