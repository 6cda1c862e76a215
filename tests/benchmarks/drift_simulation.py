"""How often drift is a false alarm, and how often it is found: `python drift_simulation.py`.

Prints the tables of docs/findings.md: all, or `false`, `power` and `blocks` by name. Each report
has 14 features and a reference of 5,000 rows. Independent rows are just that; dependent ones come
in blocks (an entity on a day), whose own level makes up half of the variance. REPORTS=2000 in the
environment takes more reports; they share 40 references of each sort.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from lineage_bridge.assess.drift.finding import Drift
from lineage_bridge.assess.drift.judge import judge
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.profile import Profile, RowKeys

REPORTS = int(os.environ.get("REPORTS", "400"))
SIZES = (30, 50, 100, 200, 500, 1_000, 5_000)
REFERENCE = 5_000
REFERENCES = 40
FEATURES = 14
ROWS_A_BLOCK = 20
DAY_US = 86_400_000_000

Columns = dict[str, object]
Rows = Callable[[np.random.Generator, int], Columns]


class Table:
    """A source: columns in memory."""

    notes = frozenset()

    def __init__(self, columns: Columns) -> None:
        self.table = pa.table(columns).combine_chunks()
        self.types = {field.name: field.type for field in self.table.schema}

    def bites(self) -> Iterator[tuple[int, Columns]]:
        """All rows at once."""
        names = self.table.column_names
        yield self.table.num_rows, {name: self.table[name].combine_chunks() for name in names}


def profile(columns: Columns) -> Profile:
    """Profile rows, with the keys if they have some."""
    keys = RowKeys("entity", "time") if "entity" in columns else RowKeys()
    return make_profile(Table(columns), keys)


def independent(rng: np.random.Generator, rows: int) -> Columns:
    """Independent rows: numbers of several shapes, and labels."""
    columns: Columns = {f"n{i}": rng.normal(size=rows) for i in range(6)}
    columns |= {f"l{i}": rng.lognormal(size=rows) for i in range(3)}
    columns |= {f"c{i}": rng.poisson(3, rows) for i in range(2)}
    columns |= {f"z{i}": labels(rng, rows) for i in range(3)}
    return columns


def labels(rng: np.random.Generator, rows: int) -> list[str]:
    """Labels, some of them rare."""
    return [f"v{i}" for i in np.minimum(rng.zipf(1.8, rows), 60)]


def dependent(rng: np.random.Generator, rows: int, days: int = 14) -> Columns:
    """Rows in blocks: each of one entity and day, with a level of its own."""
    blocks = -(-rows // ROWS_A_BLOCK)
    block = np.repeat(np.arange(blocks), ROWS_A_BLOCK)[:rows]
    day = np.arange(blocks) % days
    columns: Columns = {
        f"n{i}": (rng.normal(size=blocks)[block] + rng.normal(size=rows)) / np.sqrt(2)
        for i in range(FEATURES)
    }
    columns["entity"] = [f"e{b}" for b in block]
    columns["time"] = pa.array(day[block] * DAY_US, pa.timestamp("us"))
    return columns


def flagged(found: Drift, feature: str | None = None) -> bool:
    """Whether a feature, or any, is a warning or critical."""
    return any(one.severity != "none" and feature in {None, one.feature} for one in found.features)


def beyond_variation(found: Drift) -> bool:
    """Whether any feature drifted by more than the reference does itself."""
    return any(
        one.severity != "none" and not one.within_reference_variation for one in found.features
    )


def references(rng: np.random.Generator, rows: Rows) -> list[Profile]:
    """Make the references."""
    return [profile(rows(rng, REFERENCE)) for _ in range(REFERENCES)]


def false_alarms(rng: np.random.Generator) -> None:
    """Print the share of reports with any flag, where nothing drifted."""
    print("| rows | independent | dependent | dependent, beyond the reference's variation |")
    print("|---|---|---|---|")
    plain_references = references(rng, independent)
    block_references = references(rng, dependent)
    for rows in SIZES:
        plain = in_blocks = beyond = 0
        for report in range(REPORTS):
            which = report % REFERENCES
            plain += flagged(judge(plain_references[which], profile(independent(rng, rows))))
            found = judge(block_references[which], profile(dependent(rng, rows, 1)))
            in_blocks += flagged(found)
            beyond += beyond_variation(found)
        shares = (f"{100 * count / REPORTS:.1f} %" for count in (plain, in_blocks, beyond))
        print(f"| {rows:,} | {' | '.join(shares)} |", flush=True)


def shifted(rng: np.random.Generator, columns: Columns) -> str:
    """Move one feature by half a standard deviation."""
    columns["n0"] = columns["n0"] + 0.5
    return "n0"


def unseen(rng: np.random.Generator, columns: Columns) -> str:
    """Give a tenth of the rows a label that the reference does not have."""
    columns["z0"] = [v if rng.random() > 0.1 else "new" for v in columns["z0"]]
    return "z0"


def missing(rng: np.random.Generator, columns: Columns) -> str:
    """Make a tenth of the rows null."""
    columns["l0"] = [v if rng.random() > 0.1 else None for v in columns["l0"]]
    return "l0"


def beyond_range(rng: np.random.Generator, columns: Columns) -> str:
    """Move three in ten rows beyond the reference's range."""
    columns["n1"] = np.where(rng.random(len(columns["n1"])) < 0.3, 40, columns["n1"])
    return "n1"


def one_unseen(rng: np.random.Generator, columns: Columns) -> str:
    """Give one row a label that the reference does not have: that is no drift."""
    columns["z1"] = ["once", *columns["z1"][1:]]
    return "z1"


def power(rng: np.random.Generator) -> None:
    """Print the share of reports in which the feature that was changed is flagged."""
    kinds = (shifted, unseen, missing, beyond_range, one_unseen)
    heads = ("0.5 sd", "as estimated", "10 % unseen", "10 % missing", "30 % beyond", "one unseen")
    print(f"| rows | {' | '.join(heads)} |")
    print(f"|{'---|' * (len(heads) + 1)}")
    reports = max(1, REPORTS // 2)
    made = references(rng, independent)
    for rows in SIZES:
        cells = []
        for kind in kinds:
            count = 0
            for report in range(reports):
                now = independent(rng, rows)
                feature = kind(rng, now)
                found = judge(made[report % REFERENCES], profile(now))
                count += flagged(found, feature)
            cells.append(f"{100 * count / reports:.0f} %")
        cells.insert(1, f"{100 * found.power:.0f} %")
        print(f"| {rows:,} | {' | '.join(cells)} |", flush=True)


def power_in_blocks(rng: np.random.Generator) -> None:
    """Print how often a shift of dependent rows is found, and told from the reference's own."""
    shifts = (0.5, 1.0, 2.0)
    heads = [f"{shift} sd: {what}" for shift in shifts for what in ("found", "beyond")]
    print(f"| rows | {' | '.join(heads)} |")
    print(f"|{'---|' * (len(heads) + 1)}")
    reports = max(1, REPORTS // 4)
    made = references(rng, dependent)
    for rows in SIZES:
        cells = []
        for shift in shifts:
            found = beyond = 0
            for report in range(reports):
                now = dependent(rng, rows, 1)
                now["n0"] = now["n0"] + shift
                moved = judge(made[report % REFERENCES], profile(now))
                (one,) = (one for one in moved.features if one.feature == "n0")
                found += one.severity != "none"
                beyond += one.severity != "none" and not one.within_reference_variation
            cells += [f"{100 * count / reports:.0f} %" for count in (found, beyond)]
        print(f"| {rows:,} | {' | '.join(cells)} |", flush=True)


TABLES = {"false": false_alarms, "power": power, "blocks": power_in_blocks}

if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        TABLES[name](np.random.default_rng(2026))
        print()
