"""The page on what people see tells the truth."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineage_bridge.facets.serving_health import Reason
from lineage_bridge.show.lineage.tables import link_text
from lineage_bridge.show.reasons import reason_text
from lineage_bridge.show.statuses import status_of

PAGE = (Path(__file__).parents[2] / "docs" / "screens.md").read_text(encoding="utf-8")


def _table(section):
    text = PAGE.split(f"## {section}")[1].split("## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))


REASONS, METHODS = _table("Why"), _table("Identified by")
# Value, limit and what is certain, by the unit that a code names.
EXAMPLES = {"%": (0.8, 0.05, 0.75), "ms": (812, 500, 0.75), "min": (540, 300, None)}


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_is_said_so(code):
    words = REASONS[code]
    unit = next((unit for unit in ("ms", "min", "%") if re.search(rf"\d {unit}", words)), None)
    value, threshold, lower = EXAMPLES.get(unit, (8, 3, None))
    reason = Reason(
        code=code,
        level="degraded",
        since=datetime(2026, 4, 7, tzinfo=UTC),
        value=value,
        threshold=threshold,
        lower=lower,
    )

    assert reason_text(reason) == words


@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_said_so(method):
    assert link_text(method, 1.0) == METHODS[method]


def test_each_status_has_its_word_and_symbol_there():
    table = PAGE.split("## Statuses")[1].split("## Why")[0]
    for name in ("unhealthy", "degraded", "unknown", "idle", "healthy"):
        assert _row(table, name).startswith(f"| `{status_of(name).symbol}`")
    for name in ("STALE", "LATE", "UNKNOWN", "FRESH", "FAILED", "ABORTED", "RUNNING", "COMPLETED"):
        look = status_of(name)
        assert f"`{look.symbol}`" in _row(table, look.word)


def _row(table, word):
    return next(line for line in table.splitlines() if f"| {word} |" in line)
