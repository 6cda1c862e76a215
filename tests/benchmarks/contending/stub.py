"""A server that answers 201 to whatever comes and does nothing else: `python stub.py`.

It shows what the load generator of `contention.py` could do at most. It prints its URL.
"""

from __future__ import annotations

import asyncio
import re

ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)")


class Stub(asyncio.Protocol):
    """One connection: as many answers as whole requests have come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._pending, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._pending) < whole:
                return
            self._pending = self._pending[whole:]
            self._transport.write(ANSWER)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
    print(f"Collector: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
