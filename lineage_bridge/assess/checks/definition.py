"""What a check is: a small definition, and the verdict that it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.policy import CheckPolicy, Severity

Status = Literal["passed", "failed", "skipped"]
Later = Literal["", "also", "alone"]
Need = Literal["schema", "rows", "time", "entity", "target", "cutoff", "reference"]
Judged = TypeVar("Judged")

MOST_NAMES: Final = 12  # of columns that one verdict names


class Case(NamedTuple):
    """What a check judges.

    Attributes:
        now: the version.
        policy: what is expected of the dataset.
        passed: the versions that passed this check, in the order of their build.
        failures: how often in a row this check failed on the versions before.
        earlier: all versions before this one, in the order of their build.
    """

    now: Version
    policy: CheckPolicy
    passed: Sequence[Version] = ()
    failures: int = 0
    earlier: Sequence[Version] = ()

    @property
    def before(self) -> Version | None:
        """The last version that passed this check; None: there is none."""
        return self.passed[-1] if self.passed else None

    @property
    def reference(self) -> Version:
        """The version to compare with; only for checks that need one."""
        assert self.before is not None
        return self.before


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        actual: what was found, with its unit.
        expected: what it is held against, with its unit.
        columns: those that it is about, worst first; none: the dataset as a whole.
        reason: why it was skipped.
        later: whether later versions are compared with this one though it did not pass: `also`,
            beside those that passed; `alone`, instead of them.
    """

    status: Status
    actual: str = ""
    expected: str = ""
    columns: tuple[str, ...] = ()
    reason: str = ""
    later: Later = ""


def verdict(actual: str, expected: str, *, holds: bool, columns: Sequence[str] = ()) -> Verdict:
    """Say what was found, and whether it is as expected."""
    return Verdict("passed" if holds else "failed", actual, expected, tuple(columns))


def skipped(reason: str) -> Verdict:
    """Say why nothing can be said."""
    return Verdict("skipped", reason=reason)


FIRST: Final = Verdict("skipped", reason="no earlier version to compare with", later="also")


def listed(names: Sequence[str]) -> str:
    """Name some things, the first dozen in full."""
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def share_text(share: float) -> str:
    """Write a share in per cent, with as many digits as tell it from a limit."""
    return f"{100 * share:.4g} %"


@dataclass(frozen=True)  # with slots it could not be made by its alias
class CheckOf(Generic[Judged]):
    """One check of one sort of thing.

    Attributes:
        code: its name, the same for ever.
        severity: how bad it is that it fails, unless the settings say otherwise.
        compares: what with what, in a sentence for docs/checks.md.
        may_be_wrong: why a finding of it can be false, or miss what is there.
        judge: comes to the verdict; what it needs is there.
        needs: without these it is skipped.
        limits: the fields of the policy that it goes by.
        unit: of what is compared.
        looks_back: of how many versions, the last that passed, it compares the rows.
    """

    code: str
    severity: Severity
    compares: str
    may_be_wrong: str
    judge: Callable[[Judged], Verdict]
    needs: tuple[Need, ...] = ()
    limits: tuple[str, ...] = ()
    unit: str = ""
    looks_back: int = 1


Check: TypeAlias = CheckOf[Case]  # of a dataset version, among the versions before it
