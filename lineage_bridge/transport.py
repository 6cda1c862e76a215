"""The OpenLineage transport for pipelines: `emit()` returns when the event is in the journal.

Any pipeline on openlineage-python (Airflow, dbt, Dagster, Prefect, Spark's Python side) is pointed
here by configuration alone, in `openlineage.yml`:

    transport:
      type: lineage_bridge.transport.LineageBridgeTransport
      home: /srv/lineage/.lineage-bridge

The pipeline's process sends nothing over the network, so a collector that is down or slow cannot
disturb it: `lineage-bridge up` or `journal forward` sends the events to Marquez.

If the journal cannot be written within two seconds, the event becomes a file beside it, in the
spool; the next process that opens the journal appends it from there.

Invariants: an event is durable when `emit()` returns; a failure is logged and never raised into the
task, unless `raise_on_error` is set; each `emit()` opens the journal for itself, so threads and any
number of processes may share a home; a process may fork at any time (`forks`).
Source: the interface of `openlineage.client.transport`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import enum
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import attr
import orjson
from openlineage.client.transport import Config, Transport

from lineage_bridge import forks
from lineage_bridge.errors import EventError, JournalError, SettingsError
from lineage_bridge.events import Event, check_names, event_of
from lineage_bridge.journal import Journal, spool
from lineage_bridge.settings import DEFAULT_HOME

if TYPE_CHECKING:
    from openlineage.client.client import Event as ClientEvent

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0  # for other processes that write to the journal

_INTEGERS = range(-(2**63), 2**64)  # those that JSON readers and our encoder keep exact


_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _home(value: object) -> Path:
    if value is None:
        raise _wrong("home", value, "a folder; YAML reads a bare `~` as nothing, so quote it")
    if isinstance(value, str | os.PathLike) and str(value).strip():
        try:
            return Path(value).expanduser()
        except (RuntimeError, TypeError) as exc:  # `~name` of nobody, or a path of bytes
            raise _wrong("home", value, f"a folder ({exc})") from exc
    raise _wrong("home", value, "a folder, as a text that is not empty")


def _flag(value: object) -> bool:
    # YAML gives a boolean; the client reads environment variables as JSON, where that succeeds, and
    # gives `True`, `yes` or `on` as a text, `1` as a number.
    found = _FLAGS.get(str(value).strip().lower())
    if found is None or not isinstance(value, bool | int | str):
        raise _wrong("raise_on_error", value, "true or false")
    return found


def _wrong(option: str, value: object, expected: str) -> SettingsError:
    found = "nothing" if value is None else repr(value)
    return SettingsError(
        f"The option `{option}` of the lineage_bridge transport is {found}; expected {expected}. "
        f"It comes from openlineage.yml or a variable such as OPENLINEAGE__…__{option.upper()}."
    )


@attr.define
class LineageBridgeConfig(Config):
    """The options of this transport in `openlineage.yml`.

    Attributes:
        home: the data folder; else LINEAGE_BRIDGE_HOME, else `.lineage-bridge`. `~` is that of
            the user.
        raise_on_error: raise a failure into the pipeline instead of logging it; `true`, `yes`,
            `on`, `1` or their opposites, in letters of any case.

    Raises:
        SettingsError: an option has a value that it cannot have.
    """

    home: Path = attr.field(converter=_home)
    raise_on_error: bool = attr.field(default=False, converter=_flag)

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> Self:
        """Read the options; warn of unknown ones, because the client merges in stray settings."""
        unknown = sorted(set(params) - {"type", "home", "raise_on_error"})
        if unknown:
            log.warning("The lineage_bridge transport has no option %s.", ", ".join(unknown))
        given = {"home": os.environ.get("LINEAGE_BRIDGE_HOME") or DEFAULT_HOME} | params
        return cls(given["home"], given.get("raise_on_error", False))


class LineageBridgeTransport(Transport):
    """Appends events to a journal. Made by openlineage-python from its configuration."""

    kind = "lineage_bridge"
    config_class = LineageBridgeConfig

    def __init__(self, config: LineageBridgeConfig) -> None:
        self.config = config

    def emit(self, event: ClientEvent) -> None:
        """Append the event; it is durable on return.

        Raises:
            LineageBridgeError: the event could not be kept, and `raise_on_error` is set.
        """
        try:
            self._keep(encode(event))
        except Exception as exc:
            if self.config.raise_on_error:
                raise
            log.warning("A lineage event was not kept in `%s`: %s", self.config.home, exc)
            log.debug("The failure in full", exc_info=True)

    def _keep(self, event: Event) -> None:
        """Append the event to the journal, or to the spool if the journal cannot be written."""
        home = self.config.home
        try:
            with (
                forks.passage(),
                Journal(home, busy_seconds=WAIT_SECONDS, take_over=False) as journal,
            ):
                journal.append([event], "transport")
                self._empty_spool(journal)
        except JournalError as exc:
            spool.put(home, event, "transport")
            log.info("A lineage event waits in the spool of `%s`: %s", home, exc)

    def _empty_spool(self, journal: Journal) -> None:
        # The new event is in the journal by now; what fails here is left to the next process.
        with contextlib.suppress(JournalError):
            spool.take_in(journal)

    def close(self, timeout: float = -1) -> bool:  # noqa: ARG002 - the client's interface
        """Do nothing: each event was durable when `emit()` returned."""
        return True


def encode(event: ClientEvent) -> Event:
    """Turn the client's event into one for the journal: valid JSON, whatever its facets contain.

    The client's own encoder writes a bare NaN, and a placeholder for most numpy scalars.

    Raises:
        EventError: the event has no usable event time, does not name its run or job, or contains
            itself.
    """
    try:
        document = _plain(attr.asdict(event))
    except RecursionError as exc:
        raise EventError("the event is nested too deeply") from exc
    check_names(document)
    return event_of(document, orjson.dumps(document))


def _plain(value: Any) -> Any:
    """Convert a value to JSON's types; members that become None are left out of their container."""
    if isinstance(value, Mapping):
        members = ((_text(str(_scalar(key))), _plain(member)) for key, member in value.items())
        return {key: member for key, member in members if member is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [member for member in map(_plain, value) if member is not None]
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain(value.tolist())
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return _scalar(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value in _INTEGERS else str(value)
    if isinstance(value, float | decimal.Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    return _text(value.isoformat() if isinstance(value, dt.date | dt.time) else str(value))


def _text(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()
