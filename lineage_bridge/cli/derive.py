"""Keep derived tables up to date: `python -m lineage_bridge.cli.derive HOME MODEL...`.

`up` and `collector` start this process beside themselves (see `serve.follower_process`).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from lineage_bridge.cli.models import models_of
from lineage_bridge.errors import LineageBridgeError
from lineage_bridge.journal import Journal
from lineage_bridge.journal.follower import FollowerThread, Mark
from lineage_bridge.show.messages import error_text, make_logs_printable

STDIN = 0
NICENESS = 5  # on a busy machine appending and asking go first


def main(home: str, *names: str) -> None:
    """Follow the journal until standard input ends."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the input
    make_logs_printable()
    # The parent logs it too when the home is gone: once is enough.
    logging.getLogger("lineage_bridge.journal.store").setLevel(logging.CRITICAL)
    with Journal(Path(home)) as journal:
        follower = FollowerThread(journal, models_of(names), on_move=_tell)
        try:
            while os.read(STDIN, 65_536):
                follower.wake()
        finally:
            follower.close()


def _tell(mark: Mark) -> None:
    device, inode = mark.journal or (0, 0)
    with suppress(BrokenPipeError):  # the parent has ended, and the input will too
        os.write(1, b"%d %d %d\n" % (device, inode, mark.seq))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except LineageBridgeError as exc:
        sys.exit(error_text(exc))
