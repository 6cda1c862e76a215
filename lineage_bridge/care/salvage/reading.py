"""Read the events that can still be read of a damaged journal, and say which ones are lost.

SQLite opens no file whose first page is broken, and stops at a page that makes no sense. So the
pages are read without it. Nothing is written, locked or brought up to date: the home stays as it
is, and a log that SQLite would cut off at its first damaged frame is read to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from lineage_bridge.care.salvage.digests import Digests
from lineage_bridge.care.salvage.event_pages import Numbers, find_events, gaps
from lineage_bridge.care.salvage.pages.file import Pages
from lineage_bridge.care.salvage.pages.log import HEADER, read_log
from lineage_bridge.care.salvage.pages.record import MalformedError, Value
from lineage_bridge.care.salvage.pages.table import Row, in_order, root_of, rows, values_of
from lineage_bridge.errors import JournalError
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.journal.trouble import no_journal


class Salvage:
    """The events that can be read of a journal, in order: iterate over them once.

    An event is one here if its row is whole; what its body says is for others to judge.

    Args:
        pages: of the journal.
        at_least: a number that an event is known to have had.

    Attributes:
        lost: numbers of events that cannot be read; complete after the last event.
        is_end_known: whether the journal says which number was given last; if not, later ones may
            be lost besides.
        may_be_pruned: whether events may be among these that were pruned.
        digests: of anybody's events, as far as the journal still has them.
    """

    def __init__(self, pages: Pages, *, at_least: int = 0) -> None:
        self._pages = pages
        self.digests = Digests(pages)
        self._found = find_events(pages, at_least)
        self.lost: list[Numbers] = []
        self.is_end_known = self._found.is_end_known
        self.may_be_pruned = self._found.may_be_pruned

    def __iter__(self) -> Iterator[Stored]:
        broken: list[Numbers] = []
        found = in_order(self._pages, self._found.pieces)
        for seq, copies in groupby(found, attrgetter("cell.key")):
            stored = next(filter(None, map(self._read, copies)), None)
            if stored is None:
                broken.append(Numbers(seq, seq))
            elif stored.id is None or stored.id not in self._found.pruned:
                yield stored
        self.lost = joined([*gaps(self._found.pieces, self._found.end), *broken])

    def _read(self, row: Row) -> Stored | None:
        try:
            is_of_log = row.cell.key > self._found.in_file
            return _stored(row.cell.key, values_of(self._pages, row, is_of_log=is_of_log))
        except MalformedError:
            return None


def _stored(seq: int, values: Sequence[Value]) -> Stored | None:
    """Make an event of a row; None if it has not the columns of one."""
    match values:
        case [None, str() | None as event_id, str(kind), int(time_us), int(received_us), *rest]:
            pass
        case _:
            return None
    match rest:
        case [str(origin), bytes() | str() as body]:
            body = body.encode() if isinstance(body, str) else body
            return Stored(seq, event_id, kind, time_us, received_us, origin, body)
    return None


def joined(several: Iterable[Numbers]) -> list[Numbers]:
    """Sort ranges of numbers, and make one of those that overlap or follow each other."""
    found: list[Numbers] = []
    for numbers in sorted(several):
        if found and numbers.first <= found[-1].last + 1:
            found[-1] = Numbers(found[-1].first, max(found[-1].last, numbers.last))
        else:
            found.append(numbers)
    return found


@contextmanager
def salvaging(home: Path) -> Iterator[Salvage]:
    """Open a home's journal, however damaged, for salvage; no file of the home is written.

    Raises:
        JournalError: there is no journal, it may not be read, or another process changed it in
            the meantime, so that what was read is of no one state.
    """
    path = home / "journal.db"
    at_least = _derived_up_to(home)  # before the journal: what is derived is never ahead of it
    with ExitStack() as files:
        main, log = _opened(path, files), _opened(_log_of(path), files)
        if log is None and not path.exists():
            raise no_journal(home)
        state = _state(path)
        yield Salvage(Pages(main or BytesIO(), log), at_least=at_least)
        if _state(path) != state:
            raise JournalError(
                f"The journal `{path}` was changed while it was read, so events may be missing "
                "that it has. Stop what uses this home (`up`, `collector`, pipelines), and do it "
                "again."
            )


def has_broken_log(home: Path) -> bool:
    """Return whether a home's log is damaged before its last commit.

    SQLite would take what comes after that for nothing, and delete it with the log in the end.
    """
    path = home / "journal.db"
    with ExitStack() as files:
        log = _opened(_log_of(path), files)
        before: set[int] = set()
        while log is not None:
            state = _state(path)
            found = read_log(log)
            if not found.is_broken:
                return False
            if _state(path) != state:  # it was begun anew while it was read
                before = set()
            elif not found.broken or found.broken & before:
                return True
            else:  # frames that were just being written are whole when they are read again
                before = found.broken
    return False


def _opened(path: Path, files: ExitStack) -> BinaryIO | None:
    try:
        return files.enter_context(path.open("rb"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as exc:
        raise JournalError(f"Cannot read `{path}`: {exc.strerror}.") from exc


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _state(path: Path) -> tuple[int, int, bytes]:
    """Return what changes when pages that were there already are written over.

    New frames at the end of the log, as whoever appends events writes them, do not matter.
    """
    header = b""
    with suppress(OSError), _log_of(path).open("rb") as log:
        header = log.read(HEADER)
    try:
        found = path.stat()
    except OSError:
        return 0, 0, header
    return found.st_size, found.st_mtime_ns, header


def _derived_up_to(home: Path) -> int:
    """Return the number of the last event of which something was derived, 0 if nothing says.

    The journal had that event, even if its log was lost since then.
    """
    reached = 0
    for path in home.glob("models*.db"):
        with suppress(JournalError), ExitStack() as files:
            pages = Pages(_opened(path, files) or BytesIO(), _opened(_log_of(path), files))
            root = root_of(pages, "models")
            for row in rows(pages, root) if root is not None else ():
                match row:
                    case [str(), int(), int(seq), *_]:
                        reached = max(reached, seq)
    return reached
