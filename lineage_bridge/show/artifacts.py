"""The result of reading artifacts: records, rejections, and edges that could not be linked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from lineage_bridge.commands import PROGRAM, command
from lineage_bridge.show.tables import Column, Table, line
from lineage_bridge.show.units import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from lineage_bridge.ingest.backfill import Backfill
    from lineage_bridge.ingest.doctor import Diagnosis
    from lineage_bridge.ingest.observing import Observed
    from lineage_bridge.link.gaps import Gap
    from lineage_bridge.observe.quarantine import Rejections

SHOWN_REJECTIONS: Final = 20


def print_backfill(out: Console, done: Backfill, home: object) -> None:
    """Print how much was read and ignored, what was rejected and why, and how much is unlinked."""
    table = Table(
        Column("read", fold="blanks", narrowest=32),
        Column("records", right=True),
        title=f"Backfill into {home}",
        caption=f"{counted(done.events, 'event')} appended.",
    )
    for what, count in _counts(done):
        table.add(what, f"{count:,}")
    out.print(table)
    _print_rejected(out, done.rejected)
    faults = [gap for gap in done.gaps if not gap.is_note]
    if faults:
        out.print()
        out.print(
            line(
                f"{counted(len(faults), 'edge')} could not be linked; `lineage-bridge doctor` says"
                " which, why, and what mends them."
            ),
            soft_wrap=True,
        )


def print_observed(out: Console, done: Observed) -> None:
    """Print how much was looked into, and how much was found; nothing where nothing changed."""
    for what, count in sorted(done.read.items()):
        if count:
            out.print(line(f"{counted(count, what)} looked into."), soft_wrap=True)
    found = done.events.total()
    if found:
        out.print(line(f"{counted(found, 'finding')} appended."), soft_wrap=True)


def _counts(done: Backfill) -> Iterator[tuple[str, int]]:
    yield from sorted(done.read.items())
    for what, count in (
        ("p5 windows", done.windows),
        ("p5 windows that counted before", done.duplicates),
        ("unchanged files", done.unchanged),
    ):
        if count:
            yield what, count
    for reason, count in sorted(done.ignored.items()):
        yield f"ignored: {reason}", count


def print_diagnosis(out: Console, found: Diagnosis) -> None:
    """Print the missing edges, the rejected files and lines, and the notes."""
    out.print(line(f"Missing edges: {len(found.gaps):,}", "bold"))
    _print_gaps(out, found.gaps)
    _print_rejected(out, found.rejected)
    out.print()
    out.print(line(f"Notes: {len(found.notes):,}", "bold"))
    _print_gaps(out, found.notes)


def _print_rejected(out: Console, found: Rejections) -> None:
    """Print the first rejected files and lines, each with its reason, and how many there are."""
    if not found:
        return
    table = Table(
        Column("where", fold="anywhere", narrowest=32),
        Column("field", 1, fold="anywhere", narrowest=12),
        Column("why", fold="blanks", narrowest=28),
        title=f"Rejected: {found.count:,}",
    )
    shown = found.listed[:SHOWN_REJECTIONS]
    for item in shown:
        where = f"{item.path}:{item.line}" if item.line > 0 else item.path
        several = f"{item.count:,} lines from this one on: " if item.count > 1 else ""
        table.add(where, item.field or "", f"{several}{item.reason}")
    if len(found.listed) > SHOWN_REJECTIONS:
        left = found.count - sum(item.count for item in shown)
        table.caption = f"{left:,} more: --json lists {_how_many(found)}."
    out.print()
    out.print(table)


def _how_many(found: Rejections) -> str:
    is_all = sum(item.count for item in found.listed) == found.count
    return "all" if is_all else f"the first {len(found.listed):,}"


def _print_gaps(out: Console, gaps: Sequence[Gap]) -> None:
    """Print what could not be linked, like gaps together: place, edge, and what mends it."""
    groups: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        groups.setdefault((gap.kind, gap.group or gap.what), []).append(gap)
    for same in groups.values():
        first = same[0]
        is_group = len(same) > 1 and first.group is not None
        heading = (first.group or "").replace("{count}", f"{len(same):,}")
        out.print(line(heading if is_group else first.what, "bold"))
        mends = {gap.mend for gap in same}
        for gap in same:
            for text in _details(gap, with_mend=len(mends) > 1):
                out.print(text, soft_wrap=True)  # the terminal wraps it: a command stays one line
        if len(mends) == 1 and first.mend:
            out.print(line(f"  mend  {_mend(first.mend)}"), soft_wrap=True)


def _details(gap: Gap, *, with_mend: bool) -> Iterator[Text]:
    place = f"{gap.path or ''}{f':{gap.line}' if gap.line else ''}"
    where = " ".join(filter(None, [place, gap.field and f"field `{gap.field}`"]))
    guess = gap.guess and f"{gap.guess.target}: {gap.guess.evidence}"
    mend = _mend(gap.mend) if with_mend and gap.mend else None
    for label, value in (("where", where), ("costs", gap.edge), ("guess", guess), ("mend", mend)):
        if value:
            yield line(f"  {label:<6}{value}")


def _mend(text: str) -> str:
    """Write what mends a gap: it may end in a command of ours, to be pasted."""
    before, is_ours, words = text.partition(f"{PROGRAM} ")
    return f"{before}{command(words)}" if is_ours else text
