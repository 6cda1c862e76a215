"""Connections that say nothing, half of it, nonsense or too much, under few file handles.

Well-behaved clients ask beside them, from the same address, and measure how long they wait.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from benchmarks.contending.load import get_of

from torture.accounts import settle
from torture.ground import Ground
from torture.house import House, endure, looked_after
from torture.ledger import Ledger
from torture.traffic import Caller, produce, read, runs

OPEN_FILES = 256
BAD = 400  # connections at once, more than there are file handles
HELD_SECONDS = 8.0
PER_SECOND = 5.0
# Of GETs over new connections nearly all must be answered; in a short run a few may have bad luck.
TURNED_AWAY = 3
TURNED_AWAY_SHARE = 0.1
LOG_LINES = 100  # of `up`; what happens again is said once a minute
_HOST = b"Host: localhost\r\n"
_POST = b"POST /api/v1/lineage HTTP/1.1\r\n" + _HOST + b"Content-Type: application/json\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Deed = Callable[[Ground, Streams], Awaitable[None]]


async def sockets(ground: Ground) -> None:
    """Torture one home by connections."""
    house, ledger = House(ground.folder, open_files=OPEN_FILES), Ledger()

    def caller(*, anew: bool) -> Caller:
        return Caller(house.api_base, anew=anew)

    asked = get_of("/namespaces/jobs/jobs?limit=10")
    async with looked_after(house, ground.outcome):
        await endure(
            ground,
            house,
            *(
                produce(
                    ground, caller(anew=anew), ledger, runs(anew), per_second=PER_SECOND, what=what
                )
                for anew, what in ((False, "POST, kept connection"), (True, "POST, new connection"))
            ),
            read(ground, caller(anew=True), "GET", lambda: asked, per_second=PER_SECOND),
            *(_misbehave(ground, house) for _ in range(BAD)),
        )
        await settle(ground, house, ledger)
    _judge(ground, house)


def _judge(ground: Ground, house: House) -> None:
    answered = len(ground.outcome.waits.get("GET", ()))
    refused = ground.outcome.figures["GET: refused"]
    if refused > TURNED_AWAY + TURNED_AWAY_SHARE * answered:
        text = f"of {answered + refused} GETs only {answered} were answered"
        ground.outcome.wrong.append(text)
    lines = house.processes.lines("up")
    ground.outcome.figures["lines that `up` logged"] = lines
    if lines > LOG_LINES:
        ground.outcome.wrong.append(f"`up` logged {lines:,} lines")


async def _misbehave(ground: Ground, house: House) -> None:
    deeds: tuple[Deed, ...] = (
        *(_idle, _half_head, _slow_head, _slow_body, _slow_reader, _nonsense, _churn, _reset),
        *(_huge_head, _pipelined, _bad_length),
    )
    while not ground.is_over:
        deed = ground.rng.choice(deeds)
        with suppress(OSError, asyncio.IncompleteReadError):
            parts = urlsplit(str(house.url))
            streams = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                await deed(ground, streams)
            finally:
                streams[1].transport.abort()
        ground.outcome.figures[deed.__name__.strip("_").replace("_", " ")] += 1
        await ground.pause(0.05)


async def _hold(ground: Ground, streams: Streams) -> None:
    """Keep a connection for a while, or until the server hangs up; read what it says."""
    with suppress(TimeoutError):
        async with asyncio.timeout(min(ground.left, ground.rng.uniform(0.5, HELD_SECONDS))):
            while await streams[0].read(65536):
                pass


async def _drip(ground: Ground, streams: Streams, content: bytes) -> None:
    for byte in content:
        if ground.is_over:
            return
        streams[1].write(bytes([byte]))
        await streams[1].drain()
        await ground.pause(ground.rng.uniform(0.05, 0.5))


async def _idle(ground: Ground, streams: Streams) -> None:
    await _hold(ground, streams)


async def _half_head(ground: Ground, streams: Streams) -> None:
    streams[1].write(_POST[: ground.rng.randrange(1, len(_POST))])
    await _hold(ground, streams)


async def _slow_head(ground: Ground, streams: Streams) -> None:
    await _drip(ground, streams, _POST[: ground.rng.randrange(10, 40)])


async def _slow_body(ground: Ground, streams: Streams) -> None:
    streams[1].write(_POST + b"Content-Length: 5000\r\n\r\n")
    await _drip(ground, streams, b'{"eventType": ' + b" " * ground.rng.randrange(30))


async def _slow_reader(ground: Ground, streams: Streams) -> None:
    """Ask for much again and again, and read nothing."""
    connection = streams[1].get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    streams[0]._transport.pause_reading()
    asked = get_of("/jobs?limit=100")
    streams[1].write(asked * ground.rng.randrange(1, 50))
    await ground.pause(ground.rng.uniform(0.5, HELD_SECONDS))


async def _nonsense(ground: Ground, streams: Streams) -> None:
    streams[1].write(ground.rng.randbytes(ground.rng.randrange(1, 3000)) + b"\r\n\r\n")
    await _hold(ground, streams)


async def _churn(ground: Ground, streams: Streams) -> None:
    """Ask, and go before the answer."""
    streams[1].write(get_of("/namespaces"))
    await streams[1].drain()


async def _reset(ground: Ground, streams: Streams) -> None:
    connection = streams[1].get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _huge_head(ground: Ground, streams: Streams) -> None:
    streams[1].write(b"GET / HTTP/1.1\r\n" + _HOST)
    for _ in range(ground.rng.randrange(1, 64)):
        streams[1].write(b"X-Filler: " + b"y" * 16_000 + b"\r\n")
        await streams[1].drain()
    await _hold(ground, streams)


async def _pipelined(ground: Ground, streams: Streams) -> None:
    streams[1].write(get_of("/namespaces?limit=1") * ground.rng.randrange(2, 100))
    await _hold(ground, streams)


async def _bad_length(ground: Ground, streams: Streams) -> None:
    length = ground.rng.choice([b"-1", b"1e3", b"99999999999999999999", b"5, 6", b"", b"0x10"])
    streams[1].write(_POST + b"Content-Length: " + length + b"\r\n\r\n{}")
    await _hold(ground, streams)
