"""Why something is as it is: the likeliest causes first, with what speaks for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from lineage_bridge.answers.cause.candidates import Candidate, Gathering
from lineage_bridge.answers.cause.data_symptom import of_data
from lineage_bridge.answers.cause.situation import Situation
from lineage_bridge.answers.cause.symptom import symptom_of
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.assess.cause.kinds import explains
from lineage_bridge.assess.cause.ranking import Scored, ranked
from lineage_bridge.assess.cause.score import Parts, onset_of, specificity
from lineage_bridge.assess.cause.symptoms import Reason
from lineage_bridge.graph.model import End


@dataclass(frozen=True, slots=True)
class Cause:
    """One that may be it.

    Attributes:
        candidate: the fault or change.
        scored: its score.
        explains: the codes of the reasons that it explains well.
    """

    candidate: Candidate
    scored: Scored
    explains: tuple[str, ...]


class Rejected(NamedTuple):
    """What was looked at and is not named, and why: the part that spoke most against it."""

    candidate: Candidate
    score: float
    against: str


@dataclass(frozen=True, slots=True)
class Blame:
    """The answer.

    Attributes:
        at: the instant.
        end: what was asked about.
        symptom: what it shows; nothing if it is well.
        causes: the likeliest first; carriers last. None: there is none in the lineage.
        looked_at: how many ends upstream were looked at.
        rejected: what is wrong there or was changed, and is no cause, the nearest to one first.
    """

    at: datetime
    end: End
    symptom: tuple[Reason, ...]
    causes: tuple[Cause, ...]
    looked_at: int
    rejected: tuple[Rejected, ...]


def blame(situation: Situation, end: End) -> Blame:
    """Say why a node is as it is.

    Args:
        situation: what is known.
        end: a deployment by its predictions, its job or its log; or any other node, version or run.
    """
    one = _deployment(situation, end)
    if one is None:
        return _of_data(situation, end)
    reasons = symptom_of(situation, one)
    gathering = Gathering(situation, one)
    found = list(gathering.all(reasons)) if reasons else []
    scored = [_scored(situation, one, candidate, reasons) for candidate in found]
    looked_at = len({*gathering.reached["bound"], *gathering.reached["live"]}) if reasons else 0
    return _answer(situation, end, reasons, list(zip(found, scored, strict=True)), looked_at)


def _deployment(situation: Situation, end: End) -> DeploymentHealth | None:
    for one in situation.health:
        deployment = one.deployment
        named = {deployment.predictions, deployment.log}
        named |= {run.job for activation in deployment.activations for run in activation.runs[:1]}
        for name in (deployment.predictions, deployment.log):
            node = None if name is None else situation.graph.called(name)
            if node is not None:
                named.add(node.id)
        if end.node in named:
            return one
    return None


def _of_data(situation: Situation, end: End) -> Blame:
    reasons, found, looked_at = of_data(situation, end)
    scored = [
        Scored(
            str(candidate.end),
            candidate.sort,
            Parts(1.0, 1.0, candidate.severity, candidate.link, 1.0),
            0,
            (1.0,),
        )
        for candidate in found
    ]
    return _answer(situation, end, reasons, list(zip(found, scored, strict=True)), looked_at)


def _scored(
    situation: Situation, one: DeploymentHealth, candidate: Candidate, reasons: Sequence[Reason]
) -> Scored:
    parts = [_parts(situation, one, candidate, reason) for reason in reasons]
    best = max(range(len(parts)), key=lambda n: (parts[n].score, -n))
    kinds = tuple(part.kind if part.onset > 0 else 0.0 for part in parts)
    return Scored(str(candidate.end), candidate.sort, parts[best], best, kinds)


def _parts(
    situation: Situation, one: DeploymentHealth, candidate: Candidate, reason: Reason
) -> Parts:
    kind = explains(candidate.sort, reason.of, candidate.columns, reason.columns)
    timeless = reason.of in {"drift", "inherited"}
    reached = None if timeless else candidate.reached
    onset = onset_of(candidate.sort, reached, reason.since)
    return Parts(
        kind,
        onset,
        candidate.severity,
        candidate.link,
        1.0 if reason.of == "inherited" else _specificity(situation, one, candidate, reason),
    )


def _specificity(
    situation: Situation, one: DeploymentHealth, candidate: Candidate, reason: Reason
) -> float:
    place = None if candidate.way is None else (candidate.end, candidate.way)
    own = specificity(*situation.counts(one.deployment.predictions, place, reason.of))
    if candidate.sort != "slot":
        return own
    # A slot may have its trouble by itself, or from what all slots of its service stand on.
    return max(own, specificity(*situation.counts_of_service(one, reason.of)))


def _answer(
    situation: Situation,
    end: End,
    reasons: Sequence[Reason],
    found: Sequence[tuple[Candidate, Scored]],
    looked_at: int,
) -> Blame:
    merged = _merged(found)
    kept = ranked(scored for _, scored in merged.values())
    causes = tuple(Cause(merged[one.node][0], one, _explained(one, reasons)) for one in kept)
    named = {one.node for one in kept}
    others = [(c, s) for c, s in merged.values() if s.node not in named]
    rejected = sorted(
        (Rejected(candidate, s.score, _against(s.parts)) for candidate, s in others),
        key=lambda one: (-one.score, str(one.candidate.end)),
    )
    return Blame(situation.at, end, tuple(reasons), causes, looked_at, tuple(rejected))


def _merged(
    found: Iterable[tuple[Candidate, Scored]],
) -> Mapping[str, tuple[Candidate, Scored]]:
    """Make one entry of each node, by its best candidate, with what all of them explain.

    The slot and its release are one.
    """
    merged: dict[str, tuple[Candidate, Scored]] = {}
    above: dict[End, set[str]] = {}  # by an end, the nodes of the candidates whose ways lead to it
    for candidate, scored in found:
        entry = _entry(candidate)
        for end in candidate.path[1:]:
            above.setdefault(end, set()).add(scored.node)
        known = merged.get(entry)
        if known is None:
            merged[entry] = candidate, scored
            continue
        kinds = _most(scored.kinds, known[1].kinds)
        best = known if _order(known[1]) >= _order(scored) else (candidate, scored)
        merged[entry] = best[0], replace(best[1], kinds=kinds)
    everywhere = frozenset(scored.node for _, scored in merged.values())
    return {
        scored.node: (candidate, replace(scored, above=_above(candidate, above, everywhere)))
        for candidate, scored in merged.values()
    }


def _above(
    candidate: Candidate, above: Mapping[End, set[str]], everywhere: frozenset[str]
) -> frozenset[str]:
    """Return the nodes of the candidates above one; of a slot, all others are."""
    if candidate.sort in {"slot", "release"}:
        return everywhere
    return frozenset(above.get(candidate.end, ()))


def _entry(candidate: Candidate) -> str:
    return candidate.end.node if candidate.sort in {"slot", "release"} else str(candidate.end)


def _order(scored: Scored) -> tuple[float, str]:
    return scored.score, scored.sort


def _most(some: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    return tuple(max(pair) for pair in zip(some, others, strict=True))


def _explained(one: Scored, reasons: Sequence[Reason]) -> tuple[str, ...]:
    found = (r.code for r, kind in zip(reasons, one.kinds, strict=False) if kind >= 0.5)
    return tuple(dict.fromkeys(found))


def _against(parts: Parts) -> str:
    named = parts.as_dict()
    return min(named, key=lambda name: (named[name], name))
