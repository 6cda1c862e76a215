"""The reasons for a status in words: the only table from reason codes to sentences.

JSON keeps the codes; people read what a code measures, the value in its unit, and the limit that it
is over. A code that is not in the table, because another producer or a later version wrote it, is
shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from lineage_bridge.facets.serving_health import Reason
from lineage_bridge.show.text import printable
from lineage_bridge.show.units import Unit, in_unit, percent_floor


class Wording(NamedTuple):
    """The words for the reasons of one code.

    Attributes:
        words: with `{}` in place of the value.
        unit: of the value and of its limit.
        has_limit: whether the value is over a limit; if not, it is a duration or a number of times.
        certain: with `{}` in place of the share that is statistically certain.
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
# The unit of a code that is not in the table, by the code's ending.
_UNITS: Final[Mapping[str, Unit]] = {"_ratio": "ratio", "_ms": "ms", "_seconds": "seconds"}


def reason_text(reason: Reason) -> str:
    """Write a reason: `failures 80 % of requests (limit 5 %; surely over 75 %)`."""
    wording = _WORDINGS.get(reason.code) or _as_it_is(reason)
    value = in_unit(reason.value, wording.unit)
    if not value and "{}" in wording.words:
        return printable(reason.code)
    text = wording.words.format(value)
    limits = "; ".join(_limits(wording, reason)) if wording.has_limit else ""
    return printable(f"{text} ({limits})" if limits else text)


def _as_it_is(reason: Reason) -> Wording:
    unit = next((unit for end, unit in _UNITS.items() if reason.code.endswith(end)), None)
    shown = printable(reason.code).replace("{", "{{").replace("}", "}}")
    return Wording(f"{shown} {{}}" if reason.value is not None else shown, unit, has_limit=True)


def _limits(wording: Wording, reason: Reason) -> list[str]:
    limits = []
    threshold = in_unit(reason.threshold, wording.unit)
    if threshold:
        limits.append(f"limit {threshold}")
    if reason.lower is not None and 0 < reason.lower <= 1:
        limits.append(wording.certain.format(percent_floor(reason.lower)))
    return limits
