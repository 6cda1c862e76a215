from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from lineage_bridge.assess.checks.facts import Roles
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.assess.checks.registry import ALL, BY_CODE
from lineage_bridge.settings import CheckSettings
from lineage_bridge.show.data.check_page import checks_tables

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"


def test_the_tables_are_made_of_the_definitions():
    assert PAGE.read_text(encoding="utf-8").endswith(checks_tables())


def test_every_check_is_described_and_has_a_code_of_its_own():
    assert len(BY_CODE) == sum(map(len, ALL.values()))
    for check in BY_CODE.values():
        assert check.compares, check.code
        assert check.may_be_wrong, check.code


def test_every_limit_can_be_set_and_belongs_to_a_check():
    limits = {field.name for field in fields(CheckPolicy)}
    assert limits | set(Roles._fields) == CheckSettings.model_fields.keys()
    used = {limit for check in BY_CODE.values() for limit in check.limits}
    assert used == limits - {"baseline", "severity"}
