"""Both sides of a finding again, as long as the home keeps what they are made of."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from lineage_bridge.facets.drift import DriftFacet
from lineage_bridge.naming import Slot, dataset_id
from lineage_bridge.observe.content import versions
from lineage_bridge.observe.logs.hours import list_hours, profile_of
from lineage_bridge.times import to_micros

if TYPE_CHECKING:
    from lineage_bridge.profiles.profile import Profile


def sides_of(
    connection: sqlite3.Connection, namespace: str, found: DriftFacet
) -> tuple[Profile, Profile] | None:
    """Return the reference and the rows of the longest window; None if one is not kept.

    Args:
        connection: on the journal's database.
        namespace: of the dataset that the log was held against.
        found: the finding.
    """
    from lineage_bridge.profiles.profile import Profile

    held, window = found.reference, found.windows[-1]
    node = dataset_id(namespace, held.dataset)
    reference = versions.profile_of(connection, node, held.version or "")
    slot = Slot(found.service, found.environment, found.deployment)
    hours = [
        hour
        for hour in list_hours(connection, slot, to_micros(window.begin))
        if (hour.model, hour.version) == (found.model, found.model_version)
        and hour.begin_us < to_micros(found.evaluated_at)
    ]
    if reference is None or not hours:
        return None
    return reference, Profile.sum(profile_of(connection, hour) for hour in hours)
