"""Recorded scenarios, replayed on a server: in this process, or anywhere by HTTP.

The format of the recordings is described in README.md.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from conformance.matching import Bound, Json, Matcher

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.json"))
EXCEPTIONS: dict[str, dict[str, str]] = json.loads((HERE / "exceptions.json").read_text())
_MEMBERS = re.compile(r"(\w+(?:, \w+)*): ")  # at the start of a reason: nothing else may differ
_REFERENCE = re.compile(r"\{([a-z][a-z0-9_]*|uuid:\d+)\}")


@dataclass(frozen=True)
class Answer:
    """An HTTP response; `text` is set if the body is neither JSON nor empty."""

    status: int
    media_type: str | None
    body: Json = None
    text: str | None = None
    is_empty: bool = False


Ask = Callable[[str, str, Mapping[str, str], bytes], Answer]


def answer_of(status: int, content_type: str | None, content: bytes) -> Answer:
    media_type = content_type.partition(";")[0].strip() if content_type else None
    if not content:
        return Answer(status, media_type, is_empty=True)
    try:
        return Answer(status, media_type, body=json.loads(content))
    except ValueError:
        return Answer(status, media_type, text=content.decode("utf-8", "replace"))


def ask_app(app: Any, runner: asyncio.Runner) -> Ask:
    """Ask an ASGI application, without a socket in between."""

    def ask(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return runner.run(_call(app, method, target, headers, body))

    return ask


async def _call(
    app: Any, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    path, _, query = target.partition("?")
    length = {"content-length": str(len(body))} if body or method in {"POST", "PUT"} else {}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in {**length, **headers}.items()
        ],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return answer_of(sent[0]["status"], got.get("content-type"), content)


def ask_url(url: str) -> Ask:
    """Ask a server by HTTP, a connection for each request."""
    parts = urlsplit(url)

    def ask(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
        try:
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
            return answer_of(response.status, response.getheader("Content-Type"), response.read())
        finally:
            connection.close()

    return ask


@dataclass(frozen=True)
class Compared:
    """A step's answer beside its recording.

    Attributes:
        number: of the step.
        mismatch: what does not match; empty if nothing.
        is_excused: whether an exception names the step, and all that does not match.
    """

    number: int
    mismatch: str
    is_excused: bool


def replay(name: str, ask: Ask) -> Iterator[Compared]:
    """Send a scenario's requests in order, and compare each answer."""
    scenario = json.loads((HERE / "scenarios" / f"{name}.json").read_text())
    bound: Bound = {}
    values: dict[str, str] = {}
    for number, step in enumerate(scenario["steps"], 1):
        request = step["request"]
        target = _resolved(request["path"], {**values, **bound})
        headers, body = _content(request)
        answer = ask(request["method"], target, headers, body)
        for value, path in step.get("capture", {}).items():
            values[value] = str(_at(answer.body, path))
        matched, mismatch = _match(step["response"], step, answer, bound)
        is_excused = False
        reason = EXCEPTIONS.get(name, {}).get(str(number))
        if mismatch and reason is not None:
            members = _MEMBERS.match(reason)
            if members is not None:
                expected = _without(step["response"], members[1].split(", "))
                matched, _ = _match(expected, step, answer, bound)
            is_excused = members is None or matched is not None
        bound = bound if matched is None else matched
        yield Compared(number, mismatch, is_excused)


def _without(expected: Json, members: Collection[str]) -> Json:
    """Return what was recorded, with whatever these members are, wherever they are."""
    if isinstance(expected, dict):
        return {
            name: "<any>" if name in members else _without(value, members)
            for name, value in expected.items()
        }
    if isinstance(expected, list):
        return [_without(item, members) for item in expected]
    return expected


def reads(name: str) -> list[str]:
    """The paths that a scenario reads, without those that name an id of an earlier answer."""
    scenario = json.loads((HERE / "scenarios" / f"{name}.json").read_text())
    requests = [step["request"] for step in scenario["steps"]]
    paths = {request["path"] for request in requests if request["method"] == "GET"}
    return sorted(path for path in paths if not _REFERENCE.search(path))


def _resolved(path: str, values: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: quote(values[found[1]], safe=""), path)


def _content(request: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    headers = dict(request.get("headers") or {})
    body = str(request.get("text", "")).encode()
    if "body" in request:
        body = json.dumps(request["body"], ensure_ascii=False).encode()
        headers.setdefault("Content-Type", "application/json")
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.compress(body)
    return headers, body


def _at(document: Json, path: str) -> Json:
    for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        document = document[key] if key else document[int(index)]
    return document


def _match(
    expected: Mapping[str, Any], step: Mapping[str, Any], answer: Answer, bound: Bound
) -> tuple[Bound | None, str]:
    for part in ("status", "media_type"):
        if expected[part] not in ("<any>", getattr(answer, part)):
            return None, f"{part}: expected {expected[part]}, got {getattr(answer, part)}"
    matcher = Matcher(step["request"]["path"].partition("?")[0], step.get("unordered") or ())
    if "<any>" in (expected.get("text"), expected.get("body")):
        return bound, ""
    if answer.is_empty or ("body" not in expected and "text" not in expected):
        is_same = answer.is_empty and "body" not in expected and "text" not in expected
        return (bound, "") if is_same else (None, f"body: got {answer}"[:300])
    kind = "text" if "text" in expected else "body"
    matched = matcher.match(expected[kind], getattr(answer, kind), bound)
    return matched, "" if matched is not None else matcher.mismatch or "no order matches"
