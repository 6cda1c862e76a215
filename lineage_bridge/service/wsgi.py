"""The middleware of WSGI services: Flask, Django, Bottle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lineage_bridge.service.predictions import CURRENT, Request
from lineage_bridge.service.recorder import Service

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class WsgiMiddleware:
    """Counts the requests to the service's endpoints.

    Args:
        app: what answers.
        service: what counts.
    """

    def __init__(self, app: WSGIApplication, service: Service) -> None:
        self._app = app
        self._service = service

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        endpoint = self._service.endpoint_of(path)
        if endpoint is None:
            return self._app(environ, start_response)
        answer = _Answer(self._service, Request(endpoint), start_response)
        return answer.of(self._app, environ)


class _Answer:
    """An answer under way; it ends when the server closes it, as WSGI asks of every server."""

    def __init__(self, service: Service, request: Request, start: StartResponse) -> None:
        self._service = service
        self._request = request
        self._start = start
        self._status = 500
        self._begun = perf_counter()
        self._is_counted = False
        self._body: Iterable[bytes] = ()
        self._parts: Iterator[bytes] = iter(())

    def of(self, app: WSGIApplication, environ: WSGIEnvironment) -> Iterable[bytes]:
        CURRENT.set(self._request)
        try:
            self._body = app(environ, self._noted)
            self._parts = iter(self._body)
        except BaseException:
            self._fail()
            raise
        return self

    def _noted(self, status: str, *others: Any) -> Callable[[bytes], object]:
        self._status = int(status[:3])
        return self._start(status, *others)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            raise
        except BaseException:
            self._fail()
            raise

    def close(self) -> None:
        """End the answer."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._count()

    def _fail(self) -> None:
        self._status = 500
        self._count()

    def _count(self) -> None:
        CURRENT.set(None)
        if not self._is_counted:
            self._is_counted = True
            spent_ms = (perf_counter() - self._begun) * 1e3
            self._service.finish(self._request, spent_ms, self._status)
