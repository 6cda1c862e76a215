"""A collector that can be emptied, for replaying recordings on it from outside.

    python tests/conformance/serve.py PORT

serves Marquez's API on the port; `POST /reset` leaves it fresh and empty. So a tool that takes a
reset command can use `curl -sf -X POST http://127.0.0.1:PORT/reset`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import uvicorn

from lineage_bridge.collector.server import CollectorSite
from lineage_bridge.journal import Journal


class Resettable:
    """The collector of a fresh journal, and of another fresh one after each reset."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._reset()

    def _reset(self) -> None:
        if self._folder is not None:
            self._app.close()
            self._journal.close()
            self._folder.cleanup()
        self._folder = tempfile.TemporaryDirectory()
        self._journal = Journal(Path(self._folder.name))
        self._app = CollectorSite(self._journal)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/reset":
            self._reset()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(Resettable(), port=int(sys.argv[1]), lifespan="off", log_level="warning")
