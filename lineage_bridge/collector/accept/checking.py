"""Check an event's body before it is appended: find its kind, and whether it may be refused.

A pure function of the body. A huge body is checked in a process of its own: decoding it blocks
every other thread of a Python process for a tenth of a second, and walking through it for seconds.
"""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
from typing import IO, Any

import msgspec

from lineage_bridge.collector.accept.screen import has_sign, namespaces_of
from lineage_bridge.collector.accept.validation import Limits, check_event
from lineage_bridge.collector.dialect.errors import ApiError
from lineage_bridge.collector.dialect.java import decode
from lineage_bridge.collector.fold.poison import poison
from lineage_bridge.collector.rows.refused import REFUSED
from lineage_bridge.events import event_of, kind_of
from lineage_bridge.http.errors import too_busy

NICENESS = 5  # on a busy machine small events, in the other process, go first
_LENGTH_BYTES = 8


class Checked(msgspec.Struct):
    """An event that Marquez would accept, or would at least begin to process.

    Attributes:
        kind: `run`, `dataset` or `job`, or `refused`.
        time_us: its event time, microseconds since the epoch.
        id: its id, if it is one of ours.
        has_sign: some part of it may be refused half-way (see `screen`).
        namespaces: of its datasets.
        body: the event's own bytes, if the request's body has more than the event.
    """

    kind: str
    time_us: int
    id: str | None = None
    has_sign: bool = False
    namespaces: list[str] = []
    body: bytes | None = None


class _Refusal(msgspec.Struct):
    status: int
    body: Any = None


class _Answer(msgspec.Struct):
    checked: Checked | None = None
    refusal: _Refusal | None = None


_encode = msgspec.json.Encoder().encode
_answer_of = msgspec.json.Decoder(_Answer).decode


def check(body: bytes, limits: Limits) -> Checked:
    """Check the event of a body.

    Raises:
        ApiError: Marquez would not accept it.
    """
    document, event = decode(body)
    kind = kind_of(document) if isinstance(document, dict) else "run"
    check_event(document, kind, event, limits)
    envelope = event_of(document, event)
    own_body = None if event is body else event
    if poison(document, kind) is not None:
        return Checked(REFUSED, envelope.time_us, body=own_body)
    return Checked(
        kind,
        envelope.time_us,
        envelope.id,
        has_sign(document, kind),
        sorted(namespaces_of(document, kind)),
        own_body,
    )


class CheckProcess:
    """A child process that checks huge bodies, one at a time; the first of them starts it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def check(self, body: bytes) -> Checked:
        """Check the event of a body in the child, as `check` does.

        Raises:
            HttpError: Marquez would not accept it; or, with 503, the child died.
        """
        with self._lock:
            try:
                answer = _answer_of(self._ask(body))
            except (OSError, EOFError) as exc:
                self._end()
                raise too_busy("The process that checks large events ended.") from exc
        if answer.refusal is not None:
            raise ApiError(answer.refusal.status, answer.refusal.body)
        assert answer.checked is not None
        return answer.checked

    def _ask(self, body: bytes) -> bytes:
        if self._child is None:
            limits = _encode(self._limits).decode()
            command = [sys.executable, "-m", "lineage_bridge.collector.accept.checking", limits]
            self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        _write(self._child.stdin, body)
        return _read(self._child.stdout)

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(OSError):
            child.communicate()


def _write(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(content)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    length = pipe.read(_LENGTH_BYTES)
    content = pipe.read(int.from_bytes(length, "big"))
    if len(length) < _LENGTH_BYTES or len(content) < int.from_bytes(length, "big"):
        raise EOFError("the other process has ended")
    return content


def _serve(limits: Limits) -> None:
    """Check each body on the input and write the result, until the input ends."""
    gc.disable()  # a decoded body stays in use until its check ends, and has no reference cycles
    with contextlib.suppress(EOFError):
        while True:
            body = _read(sys.stdin.buffer)
            try:
                answer = _Answer(check(body, limits))
            except ApiError as error:
                answer = _Answer(refusal=_Refusal(error.status, error.body))
            _write(sys.stdout.buffer, _encode(answer))


if __name__ == "__main__":
    import os
    import signal

    if hasattr(os, "nice"):
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the input
    _serve(msgspec.json.decode(sys.argv[1], type=Limits))
