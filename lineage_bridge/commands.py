"""Our own commands in our texts, written so that a reader can paste them.

Our texts call the program `lineage-bridge`. Whoever reads one may have started it by a path that is
on no PATH, as `make demo` does, or with a home of its own. So what is printed for people calls it
as it was started. JSON keeps the plain words: it is read elsewhere.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Final

PROGRAM: Final = "lineage-bridge"
_IN_TEXT: Final = re.compile(rf"`{PROGRAM} ([^`]+)`")

_started_as: ContextVar[str] = ContextVar("started_as", default=PROGRAM)
_home: ContextVar[Path | None] = ContextVar("home", default=None)


def started_as(call: str) -> None:
    """Remember how this process was started, and that it has named no home so far."""
    _started_as.set(call)
    _home.set(None)


def at_home(home: Path | None) -> None:
    """Remember the home that was named when the command was started; None if none was."""
    _home.set(home)


def call_of(argv0: str, typed: Sequence[str]) -> str:
    """Return what a reader can type to start this program in the same folder.

    Args:
        argv0: `sys.argv[0]`, the path of the script that runs.
        typed: `sys.orig_argv`, with the interpreter and its flags.
    """
    import shutil

    script = Path(argv0)
    if "-m" in typed and script.suffix == ".py":
        return shlex.join(typed[: typed.index("-m") + 2])
    found = shutil.which(script.name)
    is_on_path = found is not None and script.exists() and Path(found).samefile(script)
    return script.name if is_on_path else shlex.quote(argv0)


def command(words: str) -> str:
    """Return the command for words such as `doctor --json`, as this process was started.

    The home is added if one was named and the words name none.
    """
    home = _home.get()
    is_complete = home is None or "--home" in words
    place = "" if is_complete else f" --home {shlex.quote(str(home))}"
    return f"{_started_as.get()} {words}{place}"


def pasteable(text: str) -> str:
    """Write each command of ours that a text has in backticks as this process was started."""
    return _IN_TEXT.sub(lambda found: f"`{command(found[1])}`", text)
