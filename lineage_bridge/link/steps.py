"""The identities of what steps of pipelines read and wrote: by content first, then by path.

A file that has the content of a known dataset version is that version, wherever it lies. Any other
file is one of its pipeline: `files.<project>.<path>`, and its content is its version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lineage_bridge.link.datasets import Words, by_hash
from lineage_bridge.link.known import KnownDatasets, declared_target
from lineage_bridge.naming import model_dataset
from lineage_bridge.records import Claim, Reference
from lineage_bridge.records.identity import Bound, DatasetVersion, Link
from lineage_bridge.records.step import LinkedStep, Step, file_dataset
from lineage_bridge.records.words import path_parts

_Made = Mapping[tuple[str, str], str]  # project and path -> the name of what is written there


def link_steps(records: Sequence[Step], known: KnownDatasets) -> list[LinkedStep]:
    """Link steps, by time; of one that was recorded several times the first time counts."""
    first: dict[str, Step] = {}
    for record in records:  # what outranks comes first
        other = first.get(record.subject)
        is_earlier = other is not None and record.time < other.time
        if other is None or (is_earlier and record.source.second_hand == other.source.second_hand):
            first[record.subject] = record
    made: dict[tuple[str, str], str] = {}
    for record in first.values():
        for claim in record.writes:
            made[record.project, claim.path or claim.name] = _name_of(claim, record, known)
    linked = (_linked(record, made, known) for record in first.values())
    return sorted(linked, key=lambda step: step.record.time)


def _linked(record: Step, made: _Made, known: KnownDatasets) -> LinkedStep:
    reads = tuple(Bound(one, _read(one, record, made, known)) for one in record.reads)
    writes = tuple(_written(claim, record, known) for claim in record.writes)
    return LinkedStep(record, known.namespace, reads, writes)


def _read(one: Reference, record: Step, made: _Made, known: KnownDatasets) -> DatasetVersion:
    if one.namespace is not None and one.name is not None:
        link = Link("named", 1.0, "the artifact names it in full")
        return DatasetVersion(one.namespace, one.name, one.version, link)
    path = one.path or ""
    declared = _declared(path, known)
    if declared is not None:
        return DatasetVersion(*declared.key[:2], declared.version or one.md5, declared.link)
    found = by_hash(Words.of(one), known)
    if found is not None:
        return found
    name = made.get((record.project, path)) or file_dataset(record.project, path_parts(path))
    return DatasetVersion(known.namespace, name, one.md5, _by_path(path))


def _written(claim: Claim, record: Step, known: KnownDatasets) -> DatasetVersion:
    name = _name_of(claim, record, known)
    return DatasetVersion(known.namespace, name, claim.version, _by_path(claim.path or claim.name))


def _name_of(claim: Claim, record: Step, known: KnownDatasets) -> str:
    path = claim.path or claim.name
    declared = _declared(path, known)
    if declared is not None:
        return declared.name
    if claim.declared is not None:
        return claim.declared
    if claim.what == "model":
        return model_dataset(claim.name)
    return file_dataset(record.project, path_parts(path))


def _declared(path: str, known: KnownDatasets) -> DatasetVersion | None:
    parts = path_parts(path)
    names: Iterable[str] = (path, *parts[-1:], *(part.rpartition(".")[0] for part in parts[-1:]))
    target = next((known.aliases[name] for name in names if name in known.aliases), None)
    return declared_target(target, known.namespace, path) if target is not None else None


def _by_path(path: str) -> Link:
    return Link("path", 0.95, f"its path in the pipeline is {path!r}")
