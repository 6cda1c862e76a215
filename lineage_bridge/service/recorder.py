"""The service: what requests tell, counted in memory; one thread brings it into files."""

from __future__ import annotations

import inspect
import itertools
import logging
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from lineage_bridge.errors import SettingsError
from lineage_bridge.naming import UNKNOWN
from lineage_bridge.service import endings
from lineage_bridge.service.counting import OUTCOMES, Key, Tallies
from lineage_bridge.service.endpoints import Endpoints
from lineage_bridge.service.files import InstanceFiles
from lineage_bridge.service.model import Model, check_name
from lineage_bridge.service.predictions import NOT_TOLD, Prediction, Range, Request
from lineage_bridge.service.rows import Row, Rows
from lineage_bridge.service.writer import Counters, Slot, Writer

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])

PACE_SECONDS: Final = 1.0  # between two looks of the writer
JOIN_SECONDS: Final = 2.0  # for the writer's thread, at the end

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    outcome: (*fields, "prediction_count") if outcome == "success" else fields
    for outcome, fields in OUTCOMES.items()
}


class Service:
    """Counts what a model service answers, and writes it as serving windows.

    Threads may use one at once, and a process with it may fork: the child begins anew, as an
    instance of its own. It starts by itself with the first request; a middleware starts it earlier.

    Args:
        root: the folder; each instance writes into one of its own there.
        name: of the service.
        model: that it serves; see `serve`.
        deployment: the slot that is judged; else the name.
        environment: such as `production`, `canary`, `batch`.
        version: of the service's code.
        endpoints: the paths that are counted; `{x}` in one is any text without a slash. The first
            is that of predictions outside of a request.
        valid_range: lowest and highest prediction that can be true.
        log_share: of predictions that the inference log has, with their features; 0: none.
        clock: seconds since 1970; whoever gives one has to call `write`, as no thread does.

    Raises:
        SettingsError: an argument cannot be.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        name: str,
        model: Model,
        deployment: str | None = None,
        environment: str = "production",
        version: str = UNKNOWN,
        endpoints: Sequence[str] = ("/predict",),
        valid_range: Range | None = None,
        log_share: float = 0.1,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._root = Path(root).absolute()
        self._slot = Slot(name, version, environment, name if deployment is None else deployment)
        for field in ("name", "environment", "deployment"):
            check_name(f"the service's {field}", getattr(self._slot, field))
        if not version.isprintable() or not version.strip():
            raise SettingsError(f"Expected a text for the service's version, found {version!r}.")
        if not 0.0 <= log_share <= 1.0:
            raise SettingsError(f"Expected a share from 0 to 1 for `log_share`, found {log_share}.")
        self._endpoints = Endpoints(endpoints)
        self.endpoint_of = self._endpoints.find
        self.endpoint = self._endpoints.first
        self.valid_range = valid_range
        self._log_share = log_share
        self._clock = time.time if clock is None else clock
        self._writes_by_itself = clock is None
        self._model = model
        self._begin()
        endings.begin_anew_in_children(self)

    def _begin(self) -> None:
        """Be an instance that has counted nothing yet."""
        self._guard = threading.RLock()
        self._is_started = False
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self.instance = re.sub(r"[^\w.-]", "_", f"{socket.gethostname()}-{os.getpid()}")
        self.counters = Counters()
        self._tallies = Tallies()
        self._rows = Rows()
        self._numbers = itertools.count(1)
        self._prefix = f"{self.instance}-{time.time_ns() // 1000:x}"
        files = InstanceFiles(self._root, self.instance)
        self._writer = Writer(files, self._slot, self.instance, self.counters)

    begin_anew = _begin  # in the child of a fork: what was counted is the parent's to write

    def start(self) -> None:
        """Tell that this instance serves from now on; nothing if it does already."""
        with self._guard:
            if self._is_started:
                return
            self._is_started = True
            self._tell_start("startup")
            self._writer.begin(self._current()[-1])
            endings.close_at_exit(self)
            if self._writes_by_itself:
                self._start_thread()

    def serve(self, model: Model, reason: str = "reload") -> None:
        """Tell that another model answers from now on.

        Args:
            model: the new one.
            reason: for people.
        """
        with self._guard:
            self._model = model
            if self._is_started:
                self._tell_start(reason)

    def prediction(
        self,
        features: Mapping[str, Any] | None = None,
        *,
        request_id: str | None = None,
        entity: str | None = None,
        group: str | None = None,
    ) -> Prediction:
        """Return a context in which one prediction is made; set its `value` there.

        Args:
            features: by name, as the model gets them.
            request_id: by which labels are joined later; else one is made up, which the answer has.
            entity: what it is about, such as a customer or a station.
            group: by which answers are to be compared.
        """
        known = request_id or f"{self._prefix}-{next(self._numbers)}"
        return Prediction(self, features, known, entity, group)

    def predicted(self, function: Function) -> Function:
        """Decorate a function of the features that returns the prediction, async or not."""
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def awaited(features: Any, *args: Any, **options: Any) -> Any:
                with self.prediction(features) as answer:
                    answer.value = await function(features, *args, **options)
                return answer.value

            return cast("Function", awaited)

        @wraps(function)
        def called(features: Any, *args: Any, **options: Any) -> Any:
            with self.prediction(features) as answer:
                answer.value = function(features, *args, **options)
            return answer.value

        return cast("Function", called)

    def finish(self, request: Request, latency_ms: float, status: int) -> None:
        """Count a request that has ended. Never raises, never waits for a file.

        Args:
            request: what is known of it.
            latency_ms: from its begin to the end of its answer.
            status: of HTTP.
        """
        if not self._is_started:
            self.start()
        outcome = request.outcome(status)
        fields = _FIELDS[outcome]
        if request.fields:
            fields = self._with_predictions(fields, request.fields, outcome)
        key = Key(self._minute(), request.endpoint, self._model)
        if not self._tallies.add(key, fields, latency_ms, request.exec_ms):
            self.counters.requests_dropped += 1

    @staticmethod
    def _with_predictions(
        fields: tuple[str, ...], more: tuple[str, ...], outcome: str
    ) -> tuple[str, ...]:
        # A request that failed has no prediction, so none of it is null or out of range.
        if outcome == "success":
            return fields + more
        return fields + tuple(f for f in more if "prediction" not in f)

    def log(self, answer: Prediction, spent_ms: float, error: str | None) -> None:
        """Keep a prediction for the inference log, if it is drawn."""
        share = self._log_share
        if share < 1.0 and random.random() >= share:  # noqa: S311 - no secret
            return
        features = answer.features
        model = self._model
        row = Row(
            at=self._clock(),
            request_id=answer.request_id,
            model=(model.name, model.version),
            features=dict(features) if isinstance(features, Mapping) else features,
            value=None if answer.value is NOT_TOLD else answer.value,
            probability=answer.probability,
            entity=answer.entity,
            group=answer.group,
            latency_ms=spent_ms,
            error=error,
        )
        if not self._rows.put(row):
            self.counters.rows_dropped += 1

    def write(self) -> None:
        """Bring what has ended into the files, as the thread does every second."""
        self._writer.write(self._tallies, self._rows, self._current())

    def close(self) -> None:
        """Write all that is left, also of this minute; the service may be started again."""
        with self._guard:
            if not self._is_started:
                return
            self._is_started = False
            self._stopping.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)
        self._writer.write(self._tallies, self._rows, self._current(), is_end=True)
        endings.forget(self)

    def _tell_start(self, reason: str) -> None:
        self._writer.tell_start(self._model, self._now(), reason)

    def _start_thread(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._write_on, args=(self._stopping,), name="lineage_bridge", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter ends; what is left is written then
            self._thread = None

    def _write_on(self, stopping: threading.Event) -> None:
        while not stopping.wait(PACE_SECONDS):
            try:
                self.write()
            except Exception:
                log.exception("A bug of lineage_bridge.service; serving windows may be missing.")

    def _current(self) -> tuple[datetime, int, list[Key]]:
        minute = self._minute()
        keys = [Key(minute, endpoint, self._model) for endpoint in self._endpoints.literal]
        return self._now(), minute, keys

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _minute(self) -> int:
        return int(self._clock() // 60)
