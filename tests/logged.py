"""Hours of inference logs in a home, as if their files had been read."""

from __future__ import annotations

import pyarrow as pa

from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.observe.logs.hours import HOUR_US, Answered, add_hours
from lineage_bridge.observe.logs.tables import LOGS
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.profile import RowKeys


class Rows:
    """A source: one table in memory."""

    notes = frozenset()

    def __init__(self, table):
        self.table = table
        self.types = {field.name: field.type for field in table.schema}

    def bites(self):
        table = self.table.combine_chunks()
        yield table.num_rows, {name: table[name].combine_chunks() for name in table.column_names}


def profile_of_rows(table):
    return make_profile(Rows(table), RowKeys())


def answered(deployment, *, model="lightgbm_default", version="v1", environment="batch"):
    return Answered(Slot("mobility-serving-layer", environment, deployment), model, version)


def log_hours(home, who, hours, *, file=1):
    """Put hours into a home: each the number of the hour since 1970 and a table, or columns."""
    tables = [
        (hour, rows if isinstance(rows, pa.Table) else pa.table(rows)) for hour, rows in hours
    ]
    parts = [(who, hour * HOUR_US, profile_of_rows(table)) for hour, table in tables]
    with Journal(home) as journal:
        journal.prepare(LOGS)
        with journal.transaction() as tx:
            add_hours(tx.connection, file, parts)
