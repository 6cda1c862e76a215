"""Which nodes a change is of: those that the settings say are made of the files that changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

from lineage_bridge.naming import dataset_id, is_features, is_model, job_id
from lineage_bridge.records import Change
from lineage_bridge.records.change import LinkedChange
from lineage_bridge.records.words import JOURNAL
from lineage_bridge.settings import Settings

_KINDS: Final = ("job:", "dataset:")


def link_changes(records: Iterable[Change], settings: Settings) -> list[LinkedChange]:
    """Link changes, by time; of one that is told several times, the artifact at hand counts.

    A change in files that no node is said to be made of stands for its repository alone.
    """
    by_subject: dict[str, list[Change]] = defaultdict(list)
    for record in records:
        by_subject[record.subject].append(record)
    linked = [
        LinkedChange(record, settings.namespace, node)
        for group in by_subject.values()
        for record, node in _nodes_of(group, settings)
    ]
    return sorted(linked, key=lambda one: (one.record.time, one.job, one.run_id))


def _nodes_of(group: list[Change], settings: Settings) -> Iterator[tuple[Change, str | None]]:
    """Yield the nodes of one change: by the settings, else as the artifact or the journal says."""
    first = group[0]
    if first.what in settings.changes.copies:
        yield first, node_called(first.what, settings.namespace)
        return
    declared = sorted(_declared(first, settings))
    if declared:
        yield from ((first, node) for node in declared)
    elif first.source.family != JOURNAL:
        # Who says what is made of which files does not want to hear of all others.
        if first.of is not None or not settings.changes.files:
            yield first, first.of
    else:
        told = {record.declared: record for record in reversed(group)}
        yield from ((record, node) for node, record in told.items())


def _declared(record: Change, settings: Settings) -> Iterator[str]:
    paths = [path for file in record.files for path in (file.path, file.former) if path]
    for name, patterns in settings.changes.files.items():
        if any(fnmatchcase(path, pattern) for path in paths for pattern in patterns):
            yield node_called(name, settings.namespace)


def node_called(name: str, namespace: str) -> str:
    """Return the id of a node that the settings call by its name, or by its id."""
    if name.startswith(_KINDS):
        return name
    is_dataset = is_features(name) or is_model(name)
    return dataset_id(namespace, name) if is_dataset else job_id(namespace, name)
