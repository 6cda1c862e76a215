"""Why something is as it is, in words: the only table from reason codes to sentences.

JSON keeps the codes; people read what a code measures, the value in its unit, and the limit that it
is over. A code that is not in the table, because a stranger or a later version wrote it, is shown
as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lineage_bridge.show.text import printable
from lineage_bridge.show.units import Unit, in_unit, moment, percent_floor


class Wording(NamedTuple):
    """How the reasons of one code are said.

    Attributes:
        words: with `{}` where the value goes.
        unit: of the value and of its limit.
        has_limit: a value over a limit, as against how long something holds, or how often.
        certain: with `{}` where goes what is certain: the share that statistics leave no doubt of.
    """

    words: str
    unit: Unit | None = None
    has_limit: bool = False
    certain: str = "surely over {}"


def _share(words: str) -> Wording:
    return Wording(words, "ratio", has_limit=True)


def _latency(percentile: str) -> Wording:
    certain = "at least {} of requests are slower"
    return Wording(f"{percentile} latency {{}}", "ms", has_limit=True, certain=certain)


_WORDINGS: Final[Mapping[str, Wording]] = {
    "failure_ratio": _share("failures {} of requests"),
    "timeout_ratio": _share("timeouts {} of requests"),
    "rejection_ratio": _share("rejections {} of requests"),
    "prediction_non_finite_ratio": _share("non-finite values {} of predictions"),
    "prediction_null_ratio": _share("nulls {} of predictions"),
    "prediction_out_of_range_ratio": _share("values out of range {} of predictions"),
    "prediction_fallback_ratio": _share("fallbacks {} of predictions"),
    "latency_p95_ms": _latency("p95"),
    "latency_p99_ms": _latency("p99"),
    "windows_missing": Wording("{} windows missing", "count", has_limit=True),
    "window_gap_seconds": Wording("{} from window to window", "seconds", has_limit=True),
    "silent": Wording("silent for {}", "seconds"),
    "stopped": Wording("stopped for {}", "seconds"),
    "finished": Wording("finished for {}", "seconds"),
    "no_traffic": Wording("no requests for {}", "seconds"),
    "no_requests_yet": Wording("no requests yet after {}", "seconds"),
    "no_evidence": Wording("no start and no window was ever seen"),
    # Notes, without effect on a status.
    "late_windows": Wording("{} windows came late", "count"),
    "insufficient_requests": Wording("only {} requests, too few to judge", "count"),
    "inconsistent_windows": Wording("{} windows contradict themselves", "count"),
    "window_lost": Wording("{} windows were lost", "count"),
}
# What a code that is not in the table says of its own unit.
_UNITS: Final[Mapping[str, Unit]] = {"_ratio": "ratio", "_ms": "ms", "_seconds": "seconds"}


def reason_text(reason: Mapping[str, Any]) -> str:
    """A reason: `failures 80 % of requests (limit 5 %; surely over 75 %)`.

    Args:
        reason: in the published shape: `code`, and `value`, `threshold` and `lower` if any.
    """
    code = str(reason.get("code", ""))
    wording = _WORDINGS.get(code) or _as_it_is(code, reason)
    value = in_unit(reason.get("value"), wording.unit)
    if not value and "{}" in wording.words:
        return printable(code)
    text = wording.words.format(value)
    limits = "; ".join(_limits(wording, reason)) if wording.has_limit else ""
    return printable(f"{text} ({limits})" if limits else text)


def since_text(reason: Mapping[str, Any]) -> str:
    """Since when: `since 2026-04-07T09:25:00Z`; nothing if nobody knows."""
    since = reason.get("since")
    return printable(f"since {moment(since)}") if since else ""


def _as_it_is(code: str, reason: Mapping[str, Any]) -> Wording:
    unit = next((unit for end, unit in _UNITS.items() if code.endswith(end)), None)
    shown = printable(code).replace("{", "{{").replace("}", "}}")
    return Wording(f"{shown} {{}}" if "value" in reason else shown, unit, has_limit=True)


def _limits(wording: Wording, reason: Mapping[str, Any]) -> list[str]:
    limits = []
    threshold = in_unit(reason.get("threshold"), wording.unit)
    if threshold:
        limits.append(f"limit {threshold}")
    lower = reason.get("lower")
    if isinstance(lower, int | float) and 0 < lower <= 1:
        limits.append(wording.certain.format(percent_floor(lower)))
    return limits
