"""One prediction as the code that makes it tells of it, and the request that it is part of."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from itertools import islice
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Protocol, Self

from lineage_bridge.service.counting import OPTIONAL, OUTCOMES, outcome_of

MAX_JUDGED: Final = 10_000  # values of one answer
NOT_TOLD: Final = object()

Range = tuple[float, float]


class Request:
    """A request under way: what its predictions say of it.

    Attributes:
        endpoint: as a window names it.
        fields: more counters that it moves, each once.
        sort: how it failed, as its code says it; a key of `OUTCOMES`.
        crashed: a prediction raised, which is the reason if the answer is an error of the service.
        exec_ms: spent on predictions.
    """

    __slots__ = ("crashed", "endpoint", "exec_ms", "fields", "sort")

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.fields: tuple[str, ...] = ()
        self.sort: str | None = None
        self.crashed = False
        self.exec_ms: float | None = None

    def outcome(self, status: int) -> str:
        """Return how it ended: as its code says, if it is an error at all; else by the status."""
        found = outcome_of(status)
        if found == "success":
            return found
        if self.sort is not None:
            return self.sort
        return "inference" if self.crashed and status == 500 else found


CURRENT: ContextVar[Request | None] = ContextVar("lineage_bridge_request", default=None)


class Counting(Protocol):
    """What a prediction is told to: the service."""

    endpoint: str
    valid_range: Range | None

    def finish(self, request: Request, latency_ms: float, status: int) -> None:
        """Count a request that has ended."""

    def log(self, answer: Prediction, spent_ms: float, error: str | None) -> None:
        """Keep a prediction for the log, if it is drawn."""


class Prediction:
    """A prediction under way; made by `Service.prediction`, used by `with`.

    Outside of a request that a middleware counts, it counts as a request of its own. Several in one
    request are one prediction of the window, the worst of them, and a row each in the log.

    Attributes:
        value: the answer: a number, a text, or a list of them. None is a null prediction.
        probability: of the positive class, from 0 to 1; for the log.
        fallback: whether it is a substitute, because the model could not be asked.
        request_id: by which labels are joined later; made up if none was given.
    """

    def __init__(
        self,
        service: Counting,
        features: Mapping[str, Any] | None,
        request_id: str,
        entity: str | None,
        group: str | None,
    ) -> None:
        self._service = service
        self._request = CURRENT.get()
        self._is_alone = self._request is None
        self._fields: tuple[str, ...] = ()
        self._begun = 0.0
        self.features = features
        self.request_id = request_id
        self.entity = entity
        self.group = group
        self.value: Any = NOT_TOLD
        self.probability: float | None = None
        self.fallback = False

    def failed(self, sort: str) -> None:
        """Say how this request fails, such as `feature_lookup`, `dependency`, `domain`.

        Raises:
            ValueError: no failure is called so; the message lists them.
        """
        if sort not in OUTCOMES or sort == "success":
            raise ValueError(f"`{sort}` is none of {', '.join(list(OUTCOMES)[1:])}")
        self._request_of().sort = sort

    def note(self, field: str) -> None:
        """Count what the contract has a field for, such as `stale_feature_count`, for this request.

        Raises:
            ValueError: the contract has no such field; the message lists them.
        """
        if field not in OPTIONAL:
            raise ValueError(f"`{field}` is none of {', '.join(OPTIONAL)}")
        self._fields = (*self._fields, field)

    def __enter__(self) -> Self:
        self._begun = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        spent_ms = (perf_counter() - self._begun) * 1e3
        request = self._request_of()
        request.exec_ms = (request.exec_ms or 0.0) + spent_ms
        request.crashed = request.crashed or kind is not None
        found = self._fields + self._faults()
        if found:
            request.fields = tuple(dict.fromkeys(request.fields + found))
        if self._is_alone:
            is_failure = kind is not None or request.sort is not None
            self._service.finish(request, spent_ms, 500 if is_failure else 200)
        self._service.log(self, spent_ms, kind.__name__ if kind else None)

    def _request_of(self) -> Request:
        if self._request is None:
            self._request = Request(self._service.endpoint)
        return self._request

    def _faults(self) -> tuple[str, ...]:
        found: tuple[str, ...] = ()
        if self.value is not NOT_TOLD:
            with contextlib.suppress(Exception):  # whatever it is, it was answered
                found = faults(self.value, self._service.valid_range)
        return (*found, "fallback_prediction_count") if self.fallback else found


def faults(value: Any, valid: Range | None) -> tuple[str, ...]:
    """Return the counters of what is wrong with an answer; of a list, of all its members."""
    if hasattr(value, "tolist"):  # numpy's arrays and scalars, and whatever behaves so
        value = value.tolist()
    if value is None:
        return ("prediction_null_count",)
    if isinstance(value, str | bytes):
        return ()
    if isinstance(value, Sequence):
        members = islice(value, MAX_JUDGED)
        return tuple(dict.fromkeys(fault for one in members for fault in faults(one, valid)))
    return _faults_of_number(value, valid) if isinstance(value, int | float) else ()


def _faults_of_number(value: float, valid: Range | None) -> tuple[str, ...]:
    if math.isnan(value):
        return ("prediction_null_count", "prediction_non_finite_count")
    if math.isinf(value):
        return ("prediction_non_finite_count",)
    if valid is not None and not valid[0] <= value <= valid[1]:
        return ("prediction_out_of_range_count",)
    return ()
