"""API keys: who may read, who may write. Without any key everyone may do everything."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping

from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.collector.dialect.errors import ApiError

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE = (("www-authenticate", "Bearer"),)


def check(config: CollectorConfig, method: str, headers: Mapping[str, str]) -> None:
    """Check the key of a request.

    Raises:
        ApiError: it has no known key (401), or would write with a key that may only read (403).
    """
    if not config.read_keys and not config.write_keys:
        return
    scheme, _, key = headers.get("authorization", "").partition(" ")
    key = key.strip() if scheme.lower() == "bearer" else ""
    may_write = _is_one_of(key, config.write_keys)
    may_read = _is_one_of(key, config.read_keys) or may_write
    if not may_read:
        raise ApiError(401, {"code": 401, "message": "HTTP 401 Unauthorized"}, _CHALLENGE)
    if method not in _READING and not may_write:
        raise ApiError(403, {"code": 403, "message": "HTTP 403 Forbidden"})


def _is_one_of(key: str, keys: Iterable[str]) -> bool:
    # Every key is compared, each in constant time: the time taken reveals nothing about the keys.
    return sum(hmac.compare_digest(key.encode(), known.encode()) for known in keys) > 0
