"""Causes: in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from lineage_bridge.answers.cause import Blame, Cause, Rejected
from lineage_bridge.answers.cause.candidates import Candidate
from lineage_bridge.assess.cause.symptoms import Reason
from lineage_bridge.assess.status.faults import Fault
from lineage_bridge.show.formats import present
from lineage_bridge.show.text import printable
from lineage_bridge.show.trouble.nodes import fault_json, fault_text
from lineage_bridge.show.units import counted, moment
from lineage_bridge.times import format_time

MOST_REJECTED: Final = 5
_PARTS: Final = {
    "kind": "such a fault does not show so",
    "onset": "it began at another time",
    "severity": "it is mild",
    "link": "the way from it is unsure",
    "specificity": "others have it and are well, or show the same without it",
}


def blame_lines(found: Blame) -> Iterator[str]:
    """Write the answer for people, a line at a time."""
    yield f"{found.end} at {moment(found.at)}"
    if not found.symptom:
        yield "  is well: there is nothing to explain."
        return
    for reason in found.symptom:
        yield f"  shows {reason_text(reason)}"
    if not found.causes:
        yield from _no_cause(found)
        return
    for number, cause in enumerate(found.causes, 1):
        yield ""
        yield from _cause(number, cause)


def reason_text(reason: Reason) -> str:
    """Say what a deployment shows."""
    if reason.of == "inherited" and reason.code == "inherited":
        return f"nothing itself, and inherits a fault ({reason.level})"
    fault = Fault(
        reason.code, reason.level, "serving", reason.since, reason.value, reason.threshold,
        reason.columns,
    )  # fmt: skip
    return fault_text(fault)


def _cause(number: int, cause: Cause) -> Iterator[str]:
    candidate, scored = cause.candidate, cause.scored
    carries = f" (passes on {', '.join(scored.carrier_of)})" if scored.carrier_of else ""
    yield f"{number}. {candidate.end}{carries}"
    yield f"   {evidence_text(candidate)}"
    parts = " x ".join(f"{name} {value:.2g}" for name, value in scored.parts.as_dict().items())
    yield f"   score {scored.score:.2f} = {parts}"
    if candidate.reached is not None:
        yield f"   reached it at {moment(candidate.reached)}"
    if len(candidate.path) > 1:
        yield f"   {' -> '.join(str(end) for end in candidate.path)}"


def evidence_text(candidate: Candidate) -> str:
    """Say what speaks for a cause: what is wrong there, or what was changed."""
    if candidate.fault is not None:
        return fault_text(candidate.fault)
    began = "" if candidate.since is None else f" at {moment(candidate.since)}"
    if candidate.sort == "release":
        return printable(f"released {candidate.value} after {candidate.before}{began}")
    if candidate.sort == "other_dataset":
        return printable(f"read {candidate.value}, and {candidate.before} ever before{began}")
    return "the deployment itself: nothing above it explains this"


def _no_cause(found: Blame) -> Iterator[str]:
    yield ""
    looked = counted(found.looked_at, "version and run", "versions and runs")
    yield f"No cause in the lineage: {looked} upstream were looked at."
    for one in found.rejected[:MOST_REJECTED]:
        yield f"  not {one.candidate.end}: {evidence_text(one.candidate)}; {_PARTS[one.against]}"


def blame_json(found: Blame) -> dict[str, Any]:
    """Make the document of `blame --json`."""
    return {
        "at": format_time(found.at),
        "symptom": {"node": str(found.end), "reasons": [_reason_json(r) for r in found.symptom]},
        "causes": [_cause_json(cause) for cause in found.causes],
        "looked_at": {
            "ends": found.looked_at,
            "rejected": [_rejected_json(one) for one in found.rejected],
        },
    }


def _reason_json(reason: Reason) -> dict[str, Any]:
    return present(
        code=reason.code,
        level=reason.level,
        since=None if reason.since is None else format_time(reason.since),
        value=reason.value,
        threshold=reason.threshold,
        columns=list(reason.columns) or None,
    )


def _cause_json(cause: Cause) -> dict[str, Any]:
    candidate, scored = cause.candidate, cause.scored
    return present(
        node=str(candidate.end),
        score=round(scored.score, 6),
        parts={name: round(value, 6) for name, value in scored.parts.as_dict().items()},
        sort=candidate.sort,
        onset=None if candidate.reached is None else format_time(candidate.reached),
        explains=list(cause.explains),
        carrier_of=list(scored.carrier_of) or None,
        path=[str(end) for end in candidate.path],
        evidence=list(evidence_json(candidate)),
    )


def evidence_json(candidate: Candidate) -> Iterable[dict[str, Any]]:
    """Make the `evidence` of a cause."""
    if candidate.fault is not None:
        yield {**fault_json(candidate.fault), "text": evidence_text(candidate)}
    else:
        yield present(
            code=candidate.sort,
            since=None if candidate.since is None else format_time(candidate.since),
            value=candidate.value,
            before=candidate.before,
            text=evidence_text(candidate),
        )


def _rejected_json(one: Rejected) -> dict[str, Any]:
    return {
        "node": str(one.candidate.end),
        "score": round(one.score, 6),
        "against": one.against,
        "evidence": list(evidence_json(one.candidate)),
    }
