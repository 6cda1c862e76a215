"""A command that dies: `python dying_command.py POINT COMMAND...`, as `lineage-bridge COMMAND...`.

It ends as if killed at that statement of whatever writes the home's files.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import sys

from lineage_bridge.cli.main import main

_connect = sqlite3.connect


def dying(point: int):
    statements = itertools.count(1)

    def count(_: str) -> None:
        if next(statements) == point:
            os._exit(9)

    def connect(*args, **options):
        connection = _connect(*args, **options)
        if ".lock" not in str(args[0]):
            connection.set_trace_callback(count)
        return connection

    return connect


if __name__ == "__main__":
    sqlite3.connect = dying(int(sys.argv[1]))
    main(sys.argv[2:])
