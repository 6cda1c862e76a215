"""Several records of one run: which of them counts, what the others add, and what it is called.

A bundle and an experiment tracker may both tell of a run, each with facts that the other lacks. The
one that has a name of its own for the model counts; what it does not say is taken from the others.
Where no record has a name, but a registry does, the model is called as it is registered first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from lineage_bridge.naming import one_spelling
from lineage_bridge.records import Claim, Publication, Reference, Training
from lineage_bridge.records.training import MISPLACED

_ADDED = (
    "parameters",
    "metrics",
    "tags",
    "parent",
    "user",
    "artifact_uri",
    "model_type",
    "started",
)


def outranking_first(group: Sequence[Training]) -> list[Training]:
    """Return the records of one run, the one that counts first.

    First hand goes before second hand, a name of the model's own before an experiment's, and what
    lies in a folder that is called by the run before what does not.
    """
    return sorted(
        group, key=lambda r: (r.source.second_hand, not _is_named(r), MISPLACED in r.flags)
    )


def added_up(group: Sequence[Training]) -> Training:
    """Return the first record of a run, with what it lacks and a later one of another family says.

    One that runs still is outdone by one that tells how it ended.
    """
    first, *others = group
    found: dict[str, Any] = {}
    for other in others:
        if other.source.family == first.source.family or other.source.second_hand:
            continue
        for name in _ADDED:
            if not getattr(first, name) and name not in found and getattr(other, name):
                found[name] = getattr(other, name)
        if not any(map(_says, first.reads)) and any(map(_says, other.reads)):
            found.setdefault("reads", other.reads)
        if first.code == type(first.code)():
            found.setdefault("code", other.code)
        if not first.model.spellings and other.model.spellings:
            spellings = other.model.spellings
            found.setdefault("model", msgspec.structs.replace(first.model, spellings=spellings))
    return msgspec.structs.replace(first, **found) if found else first


def _is_named(record: Training) -> bool:
    """Tell whether the model has a name of its own, rather than that of what it was made in."""
    return record.model.within is None


def _says(read: Reference) -> bool:
    return bool(read.said)


class Registered:
    """What registries call the models of runs.

    Args:
        published: all records of published models, those of registries among them.
    """

    def __init__(self, published: Sequence[Publication]) -> None:
        self._by_run: dict[str, list[Publication]] = defaultdict(list)
        self._by_id: dict[str, list[Publication]] = defaultdict(list)
        for record in published:
            if not record.registers:
                continue
            if record.trained.run_id is not None:
                self._by_run[one_spelling(record.trained.run_id)].append(record)
            if record.trained.path is not None:
                self._by_id[record.trained.path].append(record)

    def named(self, record: Training) -> Training:
        """Return a training under the name by which its model was registered first."""
        if _is_named(record) or record.looks_at is not None:
            return record
        of_run = self._by_run.get(one_spelling(record.run_id), [])
        of_run = of_run or [p for word in record.model.spellings for p in self._by_id.get(word, ())]
        if not of_run:
            return record
        first = min(of_run, key=_registered_first)
        made = record.model
        model = Claim(
            what="model",
            name=first.model.name,
            version=first.model.version,
            spellings=made.spellings,
            path=made.path or first.model.path,
            sha256=made.sha256,
            field=first.model.field,
        )
        return msgspec.structs.replace(record, model=model, made=True)


def _registered_first(record: Publication) -> tuple[str, int, str]:
    version = record.model.version or ""
    return (record.model.name, int(version) if version.isdecimal() else 0, version)


def nearest_with_reads(
    run: str, parents: Mapping[str, str], reads: Mapping[str, Collection[Any]]
) -> str | None:
    """Return the nearest run above one without reads of its own that has some; None if none has.

    Args:
        run: as all keys are spelled.
        parents: the run that each is nested in; runs may be nested in a circle by mistake.
        reads: what was found of each run's reads.
    """
    seen, above = {run}, parents.get(run)
    while above is not None and above not in seen and not reads.get(run):
        if reads.get(above):
            return above
        seen.add(above)
        above = parents.get(above)
    return None
