"""Everything that is wrong now: one line, then a block for each origin; and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lineage_bridge.answers.cause import Ill, Origin, Trouble
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.assess.status.faults import BAD, OK, WARN
from lineage_bridge.commands import PROGRAM, command, pasteable
from lineage_bridge.graph.model import End
from lineage_bridge.naming import Slot
from lineage_bridge.show.formats import present
from lineage_bridge.show.layout import folded
from lineage_bridge.show.statuses import status_of
from lineage_bridge.show.text import printable
from lineage_bridge.show.trouble.causes import evidence_json, evidence_text, reason_text
from lineage_bridge.show.trouble.nodes import fault_json, fault_text
from lineage_bridge.show.units import age, counted, moment, number
from lineage_bridge.times import format_time

WIDTH: Final = 80
MOST_SHOWN: Final = 5  # deployments, and reasons of one, in a block
_LABELS: Final = 10
_MARGIN: Final = "   "


def overview_lines(found: Trouble, names: Mapping[str, str], *, every: bool) -> Iterator[str]:
    """Write it for people, no line longer than 80 places.

    Args:
        found: what is wrong.
        names: of nodes by their ids, as short as a command understands them.
        every: also list what is only warned of and hits nobody, and what has retired.
    """
    listed = [one for one in found.origins if every or _matters(one)]
    yield from folded(_first_line(found, names), WIDTH, at_blanks=True)
    for place, origin in enumerate(listed, 1):
        yield ""
        yield from _block(place, origin, found, names)
    yield from _left_out(found, len(found.origins) - len(listed), every=every)


def _matters(origin: Origin) -> bool:
    return origin.level == BAD or bool(origin.ill)


def _first_line(found: Trouble, names: Mapping[str, str]) -> str:
    if not found.origins:
        return f"Nothing is wrong. {_asked(found.requests_per_minute)} are asked."
    first = found.origins[0]
    bad = sum(origin.level == BAD for origin in found.origins)
    shown = sum(origin.level == WARN and _matters(origin) for origin in found.origins)
    parts = [f"{bad:,} broken" if bad else "", f"{shown:,} degraded" if shown else ""]
    what = ", ".join(filter(None, parts)) or "Nothing is broken"
    hit = f"{_rate(found.hit_per_minute)} of {_asked(found.requests_per_minute)} are hit"
    if not _matters(first):
        return f"{what}; {hit}."
    begun = [o.since for o in found.origins if _matters(o) and o.since is not None]
    since = f", since {moment(min(begun))}" if begun else ""
    return f"{what}; {hit}{since}. Likeliest cause: {_name(first, names)}."


def _name(origin: Origin, names: Mapping[str, str]) -> str:
    """Say where it begins: the deployment itself where nothing above it explains it."""
    if _is_its_own(origin):
        return f"{_slot(origin.ill[0].deployment.slot)} itself"
    return printable(_short(origin.end, names))


def _short(end: End, names: Mapping[str, str]) -> str:
    name = names.get(end.node, end.node)
    return name if end.mark is None else f"{name}@{end.mark}"


def _is_its_own(origin: Origin) -> bool:
    return bool(origin.ill) and origin.end.node == origin.ill[0].deployment.deployment.predictions


def _block(place: int, origin: Origin, found: Trouble, names: Mapping[str, str]) -> Iterator[str]:
    look = status_of("degraded" if origin.ill and origin.level == WARN else origin.level)
    yield from _hanging(
        f"{place}. {look.symbol} {look.word}: ", _name(origin, names), at_blanks=False
    )
    for label, text in _facts(origin, found, names):
        yield from _hanging(f"{_MARGIN}{label:<{_LABELS}}", text)


def _facts(origin: Origin, found: Trouble, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if origin.since is not None:
        ago = age((found.at - origin.since).total_seconds())
        yield "since", f"{moment(origin.since)} ({ago})"
    yield from _labelled("cause", _causes(origin))
    yield from _labelled("hits", _hits(origin))
    yield from _labelled("shows", _shown(origin))
    yield from _labelled("next", map(command, next_commands(origin, names)))


def _labelled(label: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for place, text in enumerate(texts):
        yield (label if place == 0 else ""), text


def _causes(origin: Origin) -> Iterator[str]:
    cause = origin.cause
    if cause is not None:
        yield f"{evidence_text(cause.candidate)} (score {cause.scored.score:.2f})"
    elif origin.ill:
        yield "nothing in the lineage explains it"
    named = None if cause is None else cause.candidate.fault
    yield from (fault_text(f) for f in origin.faults[:MOST_SHOWN] if f != named)


def _hits(origin: Origin) -> Iterator[str]:
    for one in origin.ill[:MOST_SHOWN]:
        yield f"{_slot(one.deployment.slot)}: {_asked(one.requests_per_minute)}"
    if len(origin.ill) > MOST_SHOWN:
        yield f"and {counted(len(origin.ill) - MOST_SHOWN, 'more deployment')}"
    others = [hit for hit in origin.hits if hit.deployment not in _ill(origin)]
    if others and not _is_its_own(origin):
        asked = _asked(sum(hit.requests_per_minute for hit in others))
        yield f"{counted(len(others), 'deployment')} below that show nothing: {asked}"
    if not origin.ill and not others:
        yield "nobody that is asked now"


def _ill(origin: Origin) -> list[object]:
    return [one.deployment.deployment for one in origin.ill]


def _shown(origin: Origin) -> Iterator[str]:
    for one in origin.ill[:1]:
        yield from (reason_text(reason) for reason in one.reasons[:MOST_SHOWN])


def next_commands(origin: Origin, names: Mapping[str, str]) -> list[str]:
    """List what to run next, each in the words behind `lineage-bridge`."""
    found = []
    if origin.ill:
        found.append(f"blame {_quoted(_slot(origin.ill[0].deployment.slot))}")
    if not _is_its_own(origin):
        found.append(f"impact {_quoted(_short(origin.end, names))}")
    if origin.ill:
        found.append(f"changes {_quoted(_slot(origin.ill[0].deployment.slot))} --since -1d")
    return found


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(printable(text))


def _left_out(found: Trouble, warned: int, *, every: bool) -> Iterator[str]:
    retired = len(found.retired)
    if every and retired:
        yield ""
        yield f"Retired, nobody waits for them: {counted(retired, 'deployment')}"
        for one in found.retired:
            codes = ", ".join(reason.code for reason in one.health.reasons)
            yield from _hanging(_MARGIN, f"{_slot(one.slot)} ({codes})")
    elif not every and (warned or retired):
        parts = [
            f"{counted(warned, 'warning')} of data that hit nobody" if warned else "",
            f"{counted(retired, 'retired deployment')}" if retired else "",
        ]
        text = f"Not shown: {', '.join(filter(None, parts))} (`{PROGRAM} status --all`)."
        yield ""
        yield from folded(pasteable(text), WIDTH, at_blanks=True)


def _hanging(head: str, text: str, *, at_blanks: bool = True) -> Iterator[str]:
    """Write a text behind a head, its further lines below its first."""
    lines = folded(text, WIDTH - len(head), at_blanks=at_blanks) or [""]
    for place, line in enumerate(lines):
        yield f"{head if place == 0 else ' ' * len(head)}{line}".rstrip()


def _slot(slot: Slot) -> str:
    return printable(f"{slot.environment}/{slot.deployment}")


def _rate(per_minute: float) -> str:
    return number(round(per_minute, 1))


def _asked(per_minute: float) -> str:
    return f"{_rate(per_minute)} requests a minute"


def overview_json(found: Trouble, *, every: bool) -> dict[str, Any]:
    """Make the document of `status --json`."""
    return present(
        at=format_time(found.at),
        status=found.level,
        requests_per_minute=round(found.requests_per_minute, 3),
        hit_per_minute=round(found.hit_per_minute, 3),
        origins=[_origin_json(one) for one in found.origins],
        retired=[_deployment_json(one) for one in found.retired] if every else None,
        retired_count=len(found.retired),
    )


def _origin_json(origin: Origin) -> dict[str, Any]:
    cause = origin.cause
    return present(
        node=str(origin.end),
        status=origin.level,
        since=None if origin.since is None else format_time(origin.since),
        requests_per_minute=round(origin.requests_per_minute, 3),
        score=None if cause is None else round(cause.scored.score, 6),
        evidence=[] if cause is None else list(evidence_json(cause.candidate)),
        reasons=[fault_json(fault) for fault in origin.faults],
        deployments=[_ill_json(one) for one in origin.ill],
        below=sorted(
            f"{hit.deployment.slot.environment}/{hit.deployment.slot.deployment}"
            for hit in origin.hits
        ),
        next=[f"{PROGRAM} {words}" for words in next_commands(origin, {})],
    )


def _ill_json(ill: Ill) -> dict[str, Any]:
    return {
        **_deployment_json(ill.deployment),
        "requests_per_minute": round(ill.requests_per_minute, 3),
        "reasons": [
            present(code=r.code, since=None if r.since is None else format_time(r.since))
            for r in ill.reasons
            if r.level != OK
        ],
    }


def _deployment_json(one: DeploymentHealth) -> dict[str, Any]:
    slot = one.slot
    return {
        "service": slot.service,
        "environment": slot.environment,
        "deployment": slot.deployment,
        "status": one.health.status,
    }
