"""A pipeline, to be killed: `python -m torture.pipeline HOME SERIES PER_SECOND`.

It emits through the OpenLineage transport until it is killed, and prints a line for each `emit()`
that has ended: the number of the event, with a minus sign if it raised; and the seconds it took.
"""

from __future__ import annotations

import sys
import threading
import time
from itertools import count

from benchmarks.contending.emitter import TRANSPORT, run_event, turns
from openlineage.client import OpenLineageClient


def main(home: str, series: int, per_second: float) -> None:
    transport = {"type": TRANSPORT, "home": home, "raise_on_error": True}
    client = OpenLineageClient(config={"transport": transport})
    numbers = count(1)
    for _ in turns(per_second, None, threading.Event()):
        number = next(numbers)
        event = run_event(series, number)
        began = time.perf_counter()
        try:
            client.emit(event)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the event is not promised
            print(f"{type(exc).__name__}: {exc}", file=sys.stderr)
            number = -number
        print(number, time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
