"""The journal in lines for a terminal: its content, and what was forwarded, refused or pruned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineage_bridge.care.set_aside import REASONS
from lineage_bridge.show.formats import present
from lineage_bridge.show.text import printable
from lineage_bridge.show.units import counted

MOST_RANGES = 20  # that are listed; nobody reads more
MOST_EVENTS = 20  # likewise

if TYPE_CHECKING:
    from lineage_bridge.care.prune import Pruned
    from lineage_bridge.care.restore import Imported
    from lineage_bridge.care.salvage.event_pages import Numbers
    from lineage_bridge.care.salvage.rescue import Rescued
    from lineage_bridge.follow.follower import FollowReport
    from lineage_bridge.share.dead_letters import DeadLetter
    from lineage_bridge.share.forward import ForwardReport
    from lineage_bridge.share.sent.comparison import Comparison


def status_lines(shape: Mapping[str, Any]) -> Iterator[str]:
    """Write the content of `journal status --json` as lines."""
    yield printable(
        f"{shape['path']}: {counted(shape['events'], 'event')}, {shape['bytes']:,} bytes"
    )
    for origin, count in shape["origins"].items():
        yield printable(f"  {origin}: {count:,}")
    if "first" in shape:
        yield f"Event times: {shape['first']} to {shape['last']}"
    for model in shape["models"]:
        yield printable(f"Model {model['name']}: has reached event {model['reached']}")
    for target in shape["forward"]:
        states = ", ".join(f"{count:,} {state}" for state, count in target["states"].items())
        yield printable(f"Marquez {target['url']}: {states}")
        if "hidden" in target:
            hidden = counted(target["hidden"], "job or dataset", "jobs and datasets")
            yield f"  hidden there: {hidden}"
        if "parked" in target:
            yield printable(f"  parked: {target['parked']}")
    for source in shape["follow"]:
        yield printable(f"Followed {source['url']}: {_followed(source)}")
        yield from (printable(f"  {line}") for line in _how_complete(source))


def letter_lines(letters: Iterable[DeadLetter]) -> Iterator[str]:
    """Write dead letters, two lines each."""
    for letter in letters:
        said = f"answered {letter.status}" if letter.status else "not sent"
        yield printable(f"{letter.id}  {letter.time}  {letter.job}")
        yield printable(
            f"  {letter.target}, {counted(letter.tries, 'try', 'tries')}, {said}: {letter.answer}"
        )


def forward_lines(report: ForwardReport) -> Iterator[str]:
    """Write how many events were sent, and how many were not and why."""
    now = report.status
    yield printable(f"{counted(report.sent, 'event')} sent to {now.url} in {report.seconds:.1f} s.")
    if now.collapsed:
        yield f"{now.collapsed:,} heartbeats were left out: a later one says the same."
    if now.dead:
        yield (
            f"{counted(now.dead, 'dead letter')}: `lineage-bridge journal dead` lists them; "
            "`retry` or `dismiss` them."
        )


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Write how many events were compared with what Marquez holds, and what it does not hold."""
    if found.since is None:
        yield "Marquez keeps no event any more that was sent: there is nothing to compare with."
        return
    whole = found.checked - len(found.incomplete)
    yield f"Of {counted(found.checked, 'event')} since {found.since}, Marquez has {whole:,} whole."
    for event in found.incomplete[:MOST_EVENTS]:
        yield printable(f"  {event.time} {event.job}: it lacks {', '.join(event.missing)}")
    if len(found.incomplete) > MOST_EVENTS:
        yield f"  and {len(found.incomplete) - MOST_EVENTS:,} more"


def follow_lines(report: FollowReport) -> Iterator[str]:
    """Write how many events came in, and what there is to know of them."""
    came = counted(report.appended, "event of others", "events of others")
    yield printable(
        f"{came} came from {report.state.url} in {report.seconds:.1f} s; {report.recognised:,} were"
        " here already."
    )
    if report.unreadable:
        yield f"{counted(report.unreadable, 'event')} could not be taken; the log says why."
    if report.gone:
        since = report.state.complete_since
        yield f"{counted(report.gone, 'event')} are gone from there, and stay here."
        yield f"What it shows is complete since {since}." if since else "It has no events left."


def _followed(source: Mapping[str, Any]) -> str:
    newest = f", the newest of {source['newest']}" if "newest" in source else ""
    return (
        f"{source['appended']:,} events of others came in, {source['recognised']:,} were here "
        f"already{newest}"
    )


def _how_complete(source: Mapping[str, Any]) -> Iterator[str]:
    if "audited" in source:
        yield f"complete as of {source['audited']}, when it counted {source['counted']:,}"
    else:
        yield "not read to its end yet"
    if source["gone"]:
        since = f"; what it shows is complete since {source['complete_since']}"
        yield f"gone there: {source['gone']:,}{since if 'complete_since' in source else ''}"
    if source["unreadable"]:
        yield f"not taken: {source['unreadable']:,}"
    if "problem" in source:
        yield f"nothing comes since {source['problem_since']}: {source['problem']}"


def imported_lines(imported: Imported) -> Iterator[str]:
    """Write how much was imported, what was set aside and where, and where the file broke off."""
    yield f"{imported.appended} events appended, {imported.known} known already."
    if imported.rejected:
        lines = counted(imported.rejected, "line is no event", "lines are no events")
        kept = f"`{imported.set_aside}`, and why in `{imported.set_aside}{REASONS}`"
        yield printable(f"{lines}; kept in {kept}:")
        yield from (printable(f"  {problem}") for problem in imported.problems)
        more = imported.rejected - len(imported.problems)
        if more:
            yield f"  and {more:,} more"
    if imported.broken is not None:
        yield printable(f"The file could not be read any further {imported.broken}.")


def imported_json(imported: Imported) -> dict[str, Any]:
    """Make the shape of `journal import --json`; what did not happen is absent."""
    shape: dict[str, Any] = {"appended": imported.appended, "known": imported.known}
    if imported.rejected:
        shape |= {
            "rejected": imported.rejected,
            "set_aside": imported.set_aside,
            "problems": list(imported.problems),
        }
    return shape | present(broken=imported.broken)


def rescued_lines(rescued: Rescued) -> Iterator[str]:
    """Write how many events of a damaged journal were written, and which were not and why."""
    yield f"{counted(rescued.written, 'event')} written."
    if rescued.lost:
        yield f"Cannot be read: {_numbers_text(rescued.lost)}."
    if rescued.altered:
        yield f"Left out, no longer what their ids say: {_numbers_text(rescued.altered)}."
    if rescued.doubtful:
        yield (
            "Written, though other bytes came once, or the note of what came is damaged: "
            f"{_numbers_text(rescued.doubtful)}."
        )
    if not rescued.is_end_known:
        yield "The journal does not say any more which event was its last: later ones may be lost."
    if rescued.may_be_pruned:
        yield "It does not say any more what was deleted: events may be written that were pruned."


def _numbers_text(several: Sequence[Numbers]) -> str:
    """Write numbers of events, each range once: `events 3, 101 to 350`."""
    shown = ", ".join(
        f"{first:,}" if first == last else f"{first:,} to {last:,}"
        for first, last in several[:MOST_RANGES]
    )
    more = len(several) - MOST_RANGES
    rest = f" and {counted(more, 'more range')}" if more > 0 else ""
    total = sum(last - first + 1 for first, last in several)
    what = "event" if total == 1 else f"up to {total:,} events,"
    return f"{what} {shown}{rest}"


def pruned_text(pruned: Pruned) -> str:
    """Write how much was pruned, or would be."""
    verb = "would go" if pruned.dry_run else "went"
    line = (
        f"{pruned.pruned:,} of {pruned.events:,} events from before {pruned.before} {verb},"
        f" among them {pruned.runs:,} whole runs"
    )
    if pruned.dry_run:
        return f"{line}."
    return (
        f"{line}; {pruned.bytes_before:,} bytes became {pruned.bytes_after:,}"
        f" in {pruned.seconds:.1f} s ({pruned.vacuum_seconds:.1f} s of it vacuum)."
    )
