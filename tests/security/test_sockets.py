"""Connections that ask for nothing, or for ever: who has something to say is heard all the same."""

from __future__ import annotations

import os
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from itertools import product

import httpx
import pytest
from cases import others_slow
from conftest import HANG_SECONDS

from lineage_bridge.errors import ServerError
from lineage_bridge.http import HttpConfig, HttpLimits, Part, Response, Site, bodies, connections
from lineage_bridge.http.server import HttpServer

HALF = b"GET /small HTTP/1.1\r\nHost: local"
BODY = b"POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
ASK = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
BIG = b"x" * 50_000_000


async def read_all(call):
    return Response(await call.body(), media_type=None)


@contextmanager
def served(more=None, host="127.0.0.1", **limits):
    config = HttpConfig(limits=HttpLimits(**limits))
    parts = {
        **(more or {}),
        "/small": Part("page", lambda _: Response(b"small", media_type="text/plain")),
        "/big": Part("page", lambda _: Response(BIG, media_type="x/y")),
    }
    site = Site(config, parts, read_all, is_ready=lambda: True)
    server = HttpServer(host, 0, config)
    server.bind()
    server.start(site)
    try:
        yield server
    finally:
        server.stop()
        site.close()


def connect(server, *parts):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=HANG_SECONDS)
    for part in parts:
        connection.sendall(part)
    return connection


def until(connection, end):
    """Return what comes up to an end that it must have."""
    got = b""
    while not got.endswith(end):
        more = connection.recv(65536)
        assert more, got
        got += more
    return got


def small(server):
    return httpx.get(f"{server.url}/small").text


@pytest.mark.parametrize("begun", others_slow([HALF, b"", b"\r\n", b"\x16\x03\x01"]))
def test_who_says_nothing_gives_up_its_place(begun):
    with served(connections_max=8) as server, ExitStack() as held:
        for number in range(40):
            connection = held.enter_context(connect(server))
            with suppress(ConnectionError):  # its place was given away already
                connection.sendall(begun)
            if number % 10 == 9:
                assert small(server) == "small"


@pytest.mark.slow
def test_a_connection_at_work_keeps_its_place():
    with served(connections_max=4) as server, ExitStack() as held:
        answer = held.enter_context(httpx.stream("GET", f"{server.url}/big"))
        chunks = answer.iter_raw(1_000_000)
        size = len(next(chunks))
        for _ in range(20):
            held.enter_context(connect(server))
            assert small(server) == "small"
        assert size + sum(len(chunk) for chunk in chunks) == len(BIG)


def test_who_does_not_read_its_answer_gives_up_its_place(monkeypatch):
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.0)
    with served(connections_max=8, peer_connections_max=8) as server, ExitStack() as held:
        for _ in range(20):
            held.enter_context(connect(server, b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        while True:  # one that was let in just before, and is worked on, is not hung up on
            with suppress(httpx.TransportError):
                if small(server) == "small":
                    break


def test_one_address_has_only_its_share(monkeypatch):
    monkeypatch.setattr(connections, "STALLED_SECONDS", HANG_SECONDS)
    head = (
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    )
    with served(connections_max=100, peer_connections_max=3) as server, ExitStack() as held:
        busy = [held.enter_context(connect(server, head)) for _ in range(3)]
        assert {one.recv(100) for one in busy} == {b"HTTP/1.1 100 Continue\r\n\r\n"}
        assert held.enter_context(connect(server)).recv(100).startswith(b"HTTP/1.1 503 ")
        busy[0].sendall(b"123456789")
        assert busy[0].recv(100).startswith(b"HTTP/1.1 200 ")
        assert small(server) == "small"  # in place of the one that only waits now


def test_on_an_ipv6_socket_each_ipv4_address_has_its_share(monkeypatch):
    monkeypatch.setattr(connections, "STALLED_SECONDS", HANG_SECONDS)
    try:
        opened = served(host="::", connections_max=100, peer_connections_max=1)
        with opened as server, ExitStack() as held:
            answers = []
            for source in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
                one = held.enter_context(
                    socket.create_connection(
                        ("127.0.0.1", server.port), HANG_SECONDS, source_address=(source, 0)
                    )
                )
                with suppress(ConnectionError):  # it was turned away already
                    one.sendall(BODY.replace(b"100\r\n", b"9\r\nExpect: 100-continue\r\n"))
                answers.append(one.recv(12)[9:])
            assert answers == [b"100", b"100", b"503"]
    except (ServerError, OSError) as exc:
        pytest.skip(f"no socket for both IPv6 and IPv4: {exc}")


@contextmanager
def no_handle_left():
    """Let this process open no file more; the handles below the limit are all taken."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def test_without_a_handle_left_the_idle_give_up_theirs(caplog):
    with served(connections_max=100, peer_connections_max=100) as server, ExitStack() as held:
        idle = [held.enter_context(connect(server, ASK % b"small")) for _ in range(3)]
        for one in idle:
            until(one, b"small")
        late = held.enter_context(socket.socket())
        late.settimeout(HANG_SECONDS)
        with no_handle_left():
            late.connect(("127.0.0.1", server.port))
            late.sendall(ASK % b"small")
            until(late, b"small")
        assert [one.recv(1000) for one in idle] == [b""] * 3
    assert len([r for r in caplog.records if "can be accepted" in r.getMessage()]) == 1


def test_without_a_handle_left_and_nobody_to_spare_the_caller_is_hung_up_on(caplog):
    with one_in_work(ASK % b"slow") as (server, connection, end), ExitStack() as held:
        for _ in range(2):  # the handle that is kept for this is there again
            late = held.enter_context(socket.socket())
            late.settimeout(HANG_SECONDS)
            with no_handle_left(), suppress(ConnectionError):  # cut, it may not even connect
                late.connect(("127.0.0.1", server.port))
                assert late.recv(1000) == b""
            assert small(server) == "small"
        end()
        until(connection, b"slow")
    assert len([r for r in caplog.records if "can be accepted" in r.getMessage()]) == 1


@pytest.mark.parametrize(
    ("limits", "begun", "answer"),
    others_slow(
        [
            ({"body_seconds": 0.1}, BODY, b"HTTP/1.1 408 Request Timeout\r\n"),
            ({"idle_seconds": 0.1}, b"", b""),
            ({"head_seconds": 0.1}, HALF, b""),
            ({"head_seconds": 0.1}, b"GET /small HTTP/1.1\r\n" + b"X: y\r\n" * 100, b""),
        ]
    ),
)
def test_what_never_comes_is_not_waited_for(limits, begun, answer):
    with served(**limits) as server, connect(server, begun) as connection:
        got = b"".join(iter(lambda: connection.recv(65536), b""))
        assert got.startswith(answer)
        assert bool(got) == bool(answer)
        assert small(server) == "small"


@pytest.mark.slow
def test_who_does_not_read_its_answer_is_hung_up_on():
    with served(idle_seconds=0.2) as server:
        request = b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with connect(server, request) as connection:
            waiting = select.poll()
            waiting.register(connection, 0)  # errors alone, not what could be read
            assert waiting.poll(HANG_SECONDS * 1000)


HEAD_600 = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 600\r\n\r\n"


def test_bodies_are_in_memory_only_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(bodies, "STALLED_SECONDS", HANG_SECONDS)
    with served(bodies_max_bytes=1000) as server, ExitStack() as held:
        first = held.enter_context(connect(server, HEAD_600, b"a" * 599))
        answers = set()
        while b"503" not in answers:  # until the server has seen the first
            with connect(server, HEAD_600, b"a" * 600) as second:
                answers.add(second.recv(12)[9:])
        first.sendall(b"a")
        assert first.recv(12)[9:] == b"200"
        assert httpx.post(f"{server.url}/x", content=b"a" * 900).status_code == 200


def test_a_body_that_stalls_gives_way_to_others(monkeypatch):
    monkeypatch.setattr(bodies, "STALLED_SECONDS", 0.0)
    with served(bodies_max_bytes=1000) as server, ExitStack() as held:
        stalled = held.enter_context(connect(server, HEAD_600, b"a" * 599))
        for _ in range(20):  # whenever the server sees it: others are taken
            assert httpx.post(f"{server.url}/x", content=b"a" * 900).status_code == 200
        assert stalled.recv(100).startswith(b"HTTP/1.1 408 ")


def test_very_many_small_headers_are_refused_before_they_are_all_there():
    with served() as server, connect(server, b"GET /small HTTP/1.1\r\n") as connection:
        with suppress(ConnectionError):
            connection.sendall(b"a:b\r\n" * 1000)  # and no end
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")
        assert small(server) == "small"


def test_a_trailer_is_no_header():
    body = (
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
    )
    trailers = b"Host: evil\r\nContent-Encoding: gzip\r\nOrigin: http://evil\r\n\r\n"
    with served() as server, connect(server, body + trailers) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@contextmanager
def one_in_work(*ahead, **limits):
    """A server that works on `GET /slow` with more behind it; gives the connection, and the end."""
    begun, over = threading.Event(), threading.Event()

    def wait(_):
        begun.set()
        over.wait(HANG_SECONDS)
        return Response(b"slow", media_type="text/plain")

    parts = {"/slow": Part("page", wait)}
    with served(parts, **limits) as server, connect(server, *ahead) as connection:
        assert begun.wait(HANG_SECONDS)
        try:
            yield server, connection, over.set
        finally:
            over.set()


def test_a_request_that_was_sent_ahead_keeps_its_place():
    ahead = ASK % b"small" + ASK % b"slow"
    limits = {"connections_max": 2, "peer_connections_max": 2}
    with one_in_work(ahead, **limits) as (server, connection, end), ExitStack() as held:
        for _ in range(5):
            held.enter_context(connect(server))
            assert small(server) == "small"
        end()
        assert until(connection, b"slow").count(b" 200 OK") == 2


REFUSED = [
    (b"no HTTP\r\n\r\n", b"400"),
    (b"GET /small HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n", b"400"),
    (b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", b"400"),
    (ASK % b"small" * 40, b"400"),
    (b"GET /small HTTP/1.1\r\n" + b"a:b\r\n" * 1000, b"431"),
]


@pytest.mark.parametrize(("refused", "status"), others_slow(REFUSED))
@pytest.mark.parametrize("is_together", [True, False])
def test_what_is_refused_comes_after_the_answers_before_it(refused, status, is_together):
    ahead = ASK % b"small" + ASK % b"slow" + ASK % b"small"
    at_once, later = (ahead + refused, b"") if is_together else (ahead, refused)
    with one_in_work(at_once) as (server, connection, end):
        connection.sendall(later + b"more")
        assert small(server) == "small"
        end()
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses[:3] == [b"200"] * 3
    assert set(statuses[3:-1]) <= {b"200"}  # the first ones of those that are too many
    assert statuses[-1] == status
    assert answers.count(b"slow") == 1


def test_a_head_that_is_too_long_is_refused_after_the_answer_before_it():
    begun = ASK % b"slow" + b"GET /small HTTP/1.1\r\na: "
    with one_in_work(begun, head_max_bytes=6000) as (server, connection, end):
        for more in (b"b" * 8000, b"\r\n\r\n"):
            connection.sendall(more)
            assert small(server) == "small"  # by then the server has read that
        end()
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"431"]
    assert b"slow" in answers


OFFERS = [
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
    b"Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n",
    b"Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n",
]
BODIES = [
    b"Content-Length: 5\r\n\r\nabcde",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
]


def test_an_offer_of_another_protocol_costs_neither_body_nor_line(caplog):
    with served() as server, connect(server) as connection:
        for offer, body, step in product(OFFERS, BODIES, (10_000, 7)):
            sent = b"POST /x HTTP/1.1\r\nHost: localhost\r\n" + offer + body + ASK % b"small"
            for begin in range(0, len(sent), step):
                connection.sendall(sent[begin : begin + step])
            answers = until(connection, b"small")
            assert answers.count(b" 200 OK") == 2
            assert b"\r\n\r\nabcde" in answers
    assert not caplog.records


def test_it_is_no_proxy():
    with served() as server, connect(server, b"CONNECT localhost:80 HTTP/1.1\r\n\r\n") as one:
        assert one.recv(100).startswith(b"HTTP/1.1 400 ")
        assert small(server) == "small"


def test_places_come_back_however_a_connection_ends():
    with served(connections_max=6, peer_connections_max=6) as server:
        for ending in range(120):
            connection = connect(server, (b"", HALF, BODY, b"no HTTP\r\n\r\n")[ending % 4])
            if ending % 3:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()
        with ExitStack() as held:  # six that are at work at once: none of the places was lost
            asks = BODY.replace(b"100\r\n", b"9\r\nExpect: 100-continue\r\n").removesuffix(b"{")
            busy = []
            while len(busy) < 6:
                one = connect(server, asks)
                if one.recv(100).startswith(b"HTTP/1.1 100 "):
                    busy.append(held.enter_context(one))
                else:
                    one.close()
            for one in busy:
                one.sendall(b"123456789")
                assert one.recv(100).startswith(b"HTTP/1.1 200 ")


@contextmanager
def collector(home, files, toml=""):
    """A collector in a process that may open so many files; gives its URL and the process."""
    home.mkdir()
    (home / "lineage-bridge.toml").write_text(toml)
    command = [sys.executable, "-m", "lineage_bridge.cli.main", "collector", "--port", "0"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command, "--home", home],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield process.stdout.readline().split()[1].removesuffix("/api/v1/lineage")
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)
        process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("toml", others_slow(["", "[collector]\nconnections_max = 10000"]))
def test_with_few_file_handles_it_still_answers_and_logs_little(tmp_path, toml):
    home = tmp_path / "home"
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-04-07T10:00:00Z",
        "run": {"runId": "42be0bc8-ba90-4c23-97e4-2b3fedf01fe7"},
        "job": {"namespace": "a", "name": "b"},
        "producer": "p",
    }
    with collector(home, 200, toml) as url, ExitStack() as held:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for begun in (b"", HALF):
            for _ in range(250):
                connection = held.enter_context(socket.create_connection(address))
                with suppress(ConnectionError):
                    connection.sendall(begun)
            assert httpx.get(f"{url}/api/v1/namespaces").status_code == 200
            assert httpx.post(f"{url}/api/v1/lineage", json=event).status_code == 201
        for _ in range(300):
            with socket.create_connection(address) as connection:
                connection.sendall(b"no HTTP at all\r\n\r\n")
                connection.recv(100)
    log = (home / "log").read_text()
    assert "Traceback" not in log
    assert len(log.splitlines()) <= 8, log
