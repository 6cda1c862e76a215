"""The open connections of a server, and room for a new one.

There is always room for who has something to say: when all places are taken, the connection that
has waited longest for a request (or for the rest of one) gives up its place. One address gets only
a share of all places, and so do bodies and answers that take their time. A few file handles are
left for everything else in the process.

asyncio accepts connections until it has no file handle left, and then logs each attempt; uvicorn
bounds the requests, and no connection. So the listening socket itself (`Door`) decides whom it
lets in.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice, takewhile
from typing import Any

from lineage_bridge.http.access import unmapped
from lineage_bridge.http.limits import HttpLimits
from lineage_bridge.http.repeats import Repeats

BACKLOG = 2048
HANDLES_FREED = 16  # at once, when there are none left
STALLED_SECONDS = 2.0  # a body, or an answer that is not read, keeps its place at least so long
PROMPT_SECONDS = 0.5  # whoever has not said what it wants by then gives up its place before others
QUARTER = 4
READ_SECONDS = 0.02  # what a newcomer asks is read by then, unless it has not said anything yet
_OUT_OF_HANDLES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
_log = logging.getLogger(__name__)


class Doing(Enum):
    """What is waited for on a connection."""

    WAITING = "a request, or the client to read the last answer"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    ANSWER = "the answer"


_SILENT = frozenset({Doing.WAITING, Doing.HEAD})


@dataclass(slots=True, eq=False)
class Visit:
    """One open connection.

    Attributes:
        peer: the address of the other end.
        doing: what is waited for.
        since: since when, in seconds of the server's clock.
        hang_up: closes it at once.
        is_known: it has had an answer already.
        unsent: returns how many bytes of its last answer the client has not taken.
        unsent_before: how many those were when it was last overdue.
    """

    peer: str
    doing: Doing
    since: float
    hang_up: Callable[[], object]
    is_known: bool = False
    unsent: Callable[[], int] = int
    unsent_before: int | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it has no request under way, and nothing to read."""
        return self.doing in _SILENT and not self.unsent()


class Connections:
    """All open connections of one event loop, the one that has waited longest first.

    Args:
        limits: of the server.
        clock: returns seconds that only grow.
    """

    def __init__(self, limits: HttpLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._visits: OrderedDict[Visit, None] = OrderedDict()
        self._of_peer: Counter[str] = Counter()
        self._allowed = {
            Doing.WAITING: limits.idle_seconds,
            Doing.HEAD: limits.head_seconds,
            # The application gives up first, and says so to the client.
            Doing.BODY: limits.body_seconds + STALLED_SECONDS,
            Doing.ANSWER: limits.idle_seconds,  # unless the application is still at work
        }

    def enter(self, peer: str, hang_up: Callable[[], object]) -> Visit | None:
        """Add a connection, if need be in place of another one; None if there is no room."""
        if self._of_peer[peer] >= self._limits.per_peer:
            has_room = self.make_room(peer)
        else:
            has_room = len(self._visits) < self._limits.connections_max or self.make_room()
        if not has_room:
            return None
        visit = Visit(peer, Doing.WAITING, self._clock(), hang_up)
        self._visits[visit] = None
        self._of_peer[peer] += 1
        return visit

    def must_read_first(self) -> bool:
        """Whether so many came just now that the next one should wait.

        What they ask is read in one of the next turns of the event loop, unless more and more
        newcomers push them out before.
        """
        now = self._clock()
        last = takewhile(lambda one: now - one.since < READ_SECONDS, reversed(self._visits))
        unread = (one for one in last if one.doing is Doing.WAITING and not one.is_known)
        allowed = max(1, self._limits.per_peer // QUARTER // 2)
        return sum(1 for _ in islice(unread, allowed)) == allowed

    def leave(self, visit: Visit) -> None:
        """Remove a connection that is closed; a second time changes nothing."""
        if visit not in self._visits:
            return
        del self._visits[visit]
        self._of_peer[visit.peer] -= 1
        if not self._of_peer[visit.peer]:
            del self._of_peer[visit.peer]

    def turns_to(self, visit: Visit, doing: Doing) -> None:
        """Note that a connection begins with something else."""
        if visit in self._visits:
            visit.doing, visit.since = doing, self._clock()
            self._visits.move_to_end(visit)

    def end_overdue(self) -> None:
        """Hang up on every connection that has taken too long."""
        now = self._clock()
        for visit in [one for one in self._visits if now - one.since > self._allowed[one.doing]]:
            unsent = visit.unsent()
            if visit.doing is Doing.ANSWER and not unsent:
                continue  # the application has a time limit of its own
            if unsent and (visit.unsent_before is None or unsent < visit.unsent_before):
                visit.unsent_before = unsent  # a slow client, but it takes its answer
                self.turns_to(visit, visit.doing)
            else:
                self._hang_up(visit)

    def hang_up_idle(self) -> None:
        """Hang up on whoever has no request under way."""
        for visit in [v for v in self._visits if v.doing in _SILENT]:
            self._hang_up(visit)

    def make_room(self, peer: str | None = None) -> bool:
        """Hang up on the connection that can best be spared; return whether there was one.

        Args:
            peer: the address whose connection it must be; any by default.
        """
        visit = next(self._spared(peer), None)
        if visit is None:
            return False
        self._hang_up(visit)
        return True

    def _spared(self, peer: str | None) -> Iterator[Visit]:
        """Yield those that can be spared, the best choice first."""
        now = self._clock()
        for visit in self._of(peer):  # mostly the first, however many there are
            if now - visit.since < PROMPT_SECONDS:
                break
            if visit.is_silent and not visit.is_known:
                yield visit
        # Newcomers keep a quarter of what is not at work, or they would push each other out before
        # anybody has read what they ask. So do clients that may ask again on the same connection.
        new, known, under_way = self._kinds(peer)
        places = len(new) + len(known) + len(under_way)
        quarter = places // QUARTER
        for kind, share in ((new, quarter), (known, quarter), (under_way, places - 2 * quarter)):
            if len(kind) > share:
                yield kind[0]
        yield from (*new, *known)
        yield from (visit for visit in under_way if now - visit.since >= STALLED_SECONDS)

    def _kinds(self, peer: str | None) -> tuple[list[Visit], list[Visit], list[Visit]]:
        """Return those that were never answered, those that were, and those under way."""
        new: list[Visit] = []
        known: list[Visit] = []
        under_way: list[Visit] = []
        for visit in self._of(peer):
            if visit.is_silent:
                (known if visit.is_known else new).append(visit)
            elif visit.doing is Doing.BODY or visit.unsent():
                under_way.append(visit)
        return new, known, under_way

    def _of(self, peer: str | None) -> Iterator[Visit]:
        return (visit for visit in self._visits if peer is None or visit.peer == peer)

    def _hang_up(self, visit: Visit) -> None:
        self.leave(visit)
        visit.hang_up()


class Door(socket.socket):
    """A listening socket that lets in only whom there is room for.

    It raises BlockingIOError where nobody more is to be let in now, which to asyncio means that
    nobody waits.

    Args:
        family: of its address.
        limits: of the server.
        says_busy: answer 503 to whom is turned away; one who expects TLS could not read it.

    Attributes:
        connections: those that it let in.
        visits: the same by file descriptor.
    """

    def __init__(
        self, family: socket.AddressFamily, limits: HttpLimits, *, says_busy: bool
    ) -> None:
        # asyncio turns Nagle's algorithm off only for sockets made with an explicit protocol.
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.limits = limits
        self.connections = Connections(limits)
        self.visits: dict[int, Visit] = {}
        self._says_busy = says_busy
        self._repeats = Repeats()
        self._spare: int | None = None
        self._keep_spare()

    def listen(self, _: int = BACKLOG, /) -> None:
        """Listen with the same backlog, whatever is asked for.

        asyncio takes as many connections at one go as it asks for here. That must be few: those
        that are hung up on give back their file handles only afterwards.
        """
        super().listen(BACKLOG)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept the next connection that there is room for."""
        if self.connections.must_read_first():
            raise BlockingIOError  # the next one waits in the kernel
        try:
            accepted, address = super().accept()
        except OSError as exc:
            if exc.errno in _OUT_OF_HANDLES:
                self._free_handles(exc)
                raise BlockingIOError(str(exc)) from exc
            raise
        caller = _Caller(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._keep_spare()
        visit = self.connections.enter(peer_of(caller.family, address[0]), caller.cut)
        if visit is None:
            self._repeats.warn(_log, "Every place for a connection is taken; one was turned away.")
            if self._says_busy:
                with contextlib.suppress(OSError):
                    caller.setblocking(False)  # noqa: FBT003 # the standard library's signature
                    caller.send(_BUSY)
            caller.close()
            raise BlockingIOError
        if not self._says_busy:  # it has as long for the handshake as for a head
            self.connections.turns_to(visit, Doing.HEAD)
        caller.door, caller.visit = self, visit
        self.visits[caller.fileno()] = visit
        return caller, address

    def _free_handles(self, exc: OSError) -> None:
        """Hang up on some, whose handles the next caller gets; if nobody can be spared, on him."""
        self._repeats.warn(_log, f"No connection can be accepted now: {exc}.")
        freed = sum(self.connections.make_room() for _ in range(HANDLES_FREED))
        if freed or self._spare is None:
            return
        os.close(self._spare)
        self._spare = None
        with contextlib.suppress(OSError):
            super().accept()[0].close()
        self._keep_spare()

    def _keep_spare(self) -> None:
        """Have a file handle to hang up on a caller with; another thread may have taken it."""
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        """Close the socket, and give back the spare file handle."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        super().close()


def peer_of(family: int, address: str) -> str:
    """Return whose an address is: in IPv6 one customer has 2**64 of them."""
    address = unmapped(address)
    if family != socket.AF_INET6 or ":" not in address:
        return address
    return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:8].hex()


class _Caller(socket.socket):
    """An accepted connection, which gives up its place when it is closed."""

    door: Door | None = None
    visit: Visit | None = None

    def close(self) -> None:
        if self.door is not None and self.visit is not None:
            self.door.visits.pop(self.fileno(), None)
            self.door.connections.leave(self.visit)
            self.door = None
        super().close()

    def cut(self) -> None:
        """End the connection; who reads or writes it finds it closed, and closes it."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
