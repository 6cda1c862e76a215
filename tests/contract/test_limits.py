"""Limits and safety as a stranger on the socket meets them: raw requests to a running collector."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from itertools import islice

import httpx
import pytest
from cases import others_slow
from conftest import HANG_SECONDS, run_command
from contract.collector_world import event

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.http import Access, HttpConfig, HttpLimits, Part, Response
from lineage_bridge.http.site import PARTS_AT_ONCE, THREADS
from lineage_bridge.journal import Journal

KEYS = HttpConfig(Access(read_keys=frozenset({"reader"}), write_keys=frozenset({"writer"})))
EVENT = event("COMPLETE", "08:00:00", outputs=["a"])
LINEAGE = "/api/v1/lineage"
NAMESPACES = "/api/v1/namespaces"


@contextmanager
def served(home, http=None, **options):
    with Journal(home) as journal, CollectorServer(journal, port=0, http=http, **options) as server:
        yield server


def limited(**limits):
    return HttpConfig(limits=HttpLimits(**limits))


def raw(server, *parts):
    """Send these bytes and return the status line of the answer; empty if there is none."""
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=HANG_SECONDS) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return connection.makefile("rb").readline().decode()
        except ConnectionError:  # it answered, or hung up, before it had read all
            return ""


def head(*lines):
    return "\r\n".join(
        ("POST /api/v1/lineage HTTP/1.1", "Host: localhost", *lines, "", "")
    ).encode()


def test_it_binds_to_loopback_unless_it_is_told_otherwise(tmp_path):
    with served(tmp_path) as server:
        assert server.url.startswith("http://127.0.0.1:")
    for command in ("collector", "up"):
        assert "[default: 127.0.0.1]" in run_command(command, "--help").out


def test_a_body_that_hides_its_length_is_cut_off_at_the_limit(tmp_path):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    json_type = "Content-Type: application/json"
    with served(tmp_path, limited(body_max_bytes=100_000)) as server:
        sent = raw(server, head(json_type, "Transfer-Encoding: chunked"), chunk, chunk, chunk)
        assert sent[9:12] in ("413", "")
        assert httpx.get(f"{server.url}/api/v1/events/lineage").json()["totalCount"] == 0


@pytest.mark.parametrize(
    "length", others_slow(["-1", "1e3", "99999999999999999999", "0x10", "1, 1"], fast=2)
)
def test_a_length_that_is_none_harms_nobody(tmp_path, length):
    with served(tmp_path) as server:
        status = raw(server, head("Content-Type: application/json", f"Content-Length: {length}"))
        assert " 500 " not in status
        assert httpx.get(f"{server.url}{NAMESPACES}").status_code == 200


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_harms_nobody(tmp_path, garbage):
    with served(tmp_path) as server:
        assert " 500 " not in raw(server, garbage + b"\r\n\r\n")
        assert httpx.get(f"{server.url}{NAMESPACES}").status_code == 200


def test_a_client_that_hangs_up_halfway_leaves_nothing_behind(tmp_path):
    body = json.dumps(EVENT).encode()
    with served(tmp_path) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address) as connection:
            lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")
            connection.sendall(head(*lines) + body[:-9])
        assert httpx.get(f"{server.url}/api/v1/events/lineage").json()["totalCount"] == 0
        assert httpx.post(f"{server.url}{LINEAGE}", json=EVENT).status_code == 201


def test_a_request_that_never_ends_holds_up_nobody(tmp_path):
    http = limited(requests_max=1, body_seconds=2 * HANG_SECONDS)
    with served(tmp_path, http) as server:
        lines = ("Content-Type: application/json", "Content-Length: 100")
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address) as slow:
            slow.sendall(head(*lines) + b"{")
            assert httpx.post(f"{server.url}{LINEAGE}", json=EVENT).status_code == 201


def test_a_request_that_never_ends_is_given_up(tmp_path):
    with served(tmp_path, limited(body_seconds=0.1)) as server:
        begun = head("Content-Type: application/json", "Content-Length: 100") + b"{"
        assert raw(server, begun).startswith("HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("deflate", zlib.compress(b"{}"), "`deflate` is not understood. Send gzip or none"),
        ("br", b"{}", "`br` is not understood"),
        ("gzip, gzip", b"{}", "is not understood"),
        ("identity", gzip.compress(b"{}", mtime=0), "no `Content-Encoding: gzip` says so"),
        (None, gzip.compress(b"{}", mtime=0), "no `Content-Encoding: gzip` says so"),
        ("gzip", b"{}", "The body is no gzip"),
    ],
)
def test_an_encoding_that_is_not_what_it_says_gets_a_sentence(tmp_path, encoding, body, said):
    headers = {"Content-Type": "application/json"}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    with served(tmp_path) as server:
        answer = httpx.post(f"{server.url}{LINEAGE}", content=body, headers=headers)
        assert said in answer.json()["message"]
        assert answer.status_code == (500 if encoding == "gzip" else 415)


def test_gzip_in_several_members_is_one_body_and_nothing_is_behind_it(tmp_path):
    body = json.dumps(EVENT).encode()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    halves = gzip.compress(body[:50]) + gzip.compress(body[50:])
    with served(tmp_path) as server:
        url = f"{server.url}{LINEAGE}"
        assert httpx.post(url, content=halves, headers=headers).status_code == 201
        two = gzip.compress(body) + gzip.compress(body)
        assert httpx.post(url, content=two, headers=headers).status_code == 400
        rest = gzip.compress(body) + b"more"
        assert "no gzip" in httpx.post(url, content=rest, headers=headers).json()["message"]


def test_a_long_url_and_long_headers_are_refused(tmp_path):
    with served(tmp_path) as server:
        assert httpx.get(f"{server.url}{NAMESPACES}?x={'y' * 9000}").status_code == 414
        headers = {"X-Long": "y" * 9000}
        assert httpx.get(f"{server.url}{NAMESPACES}", headers=headers).status_code == 431


def test_a_head_that_never_ends_is_cut_off_before_it_fills_the_memory(tmp_path):
    megabyte = b"y" * 1_000_000
    with served(tmp_path) as server:
        begun = b"GET /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\nX-Long: "
        assert raw(server, begun, megabyte)[9:12] in ("431", "")
        # The whole of it does not fit into the buffers of the sockets: it must be hung up.
        assert raw(server, begun, *[megabyte] * 100)[9:12] in ("431", "")
        assert raw(server, b"GET /" + megabyte)[9:12] in ("431", "")
        assert httpx.get(f"{server.url}{NAMESPACES}").status_code == 200


@pytest.mark.slow
def test_a_bomb_in_a_bomb_is_no_event(tmp_path):
    bomb = gzip.compress(gzip.compress(b" " * 50_000_000))
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    with served(tmp_path) as server:
        answer = httpx.post(f"{server.url}{LINEAGE}", content=bomb, headers=headers)
        assert answer.json()["code"] == 400
        assert httpx.get(f"{server.url}/api/v1/events/lineage").json()["totalCount"] == 0


@pytest.mark.parametrize(
    ("key", "read", "write"),
    [
        (None, 401, 401),
        ("Bearer nobody", 401, 401),
        ("Basic d3JpdGVy", 401, 401),
        ("Bearer reader", 200, 403),
        ("Bearer writer", 200, 201),
        ("bearer  writer", 200, 201),
        ("Bearer Writer", 401, 401),
        ("Bearer", 401, 401),
    ],
)
def test_keys_guard_every_path(tmp_path, key, read, write):
    headers = {} if key is None else {"Authorization": key}
    with served(tmp_path, KEYS) as server, httpx.Client(base_url=server.url) as client:
        client.headers.update(headers)
        assert client.get(NAMESPACES).status_code == read
        assert client.get("/metrics").status_code == read
        assert client.post(LINEAGE, json=EVENT).status_code == write
        tagged = client.post("/api/v1/namespaces/db/datasets/a/tags/PII").status_code
        assert tagged in ({401, 403} if write != 201 else {200, 404})


def test_a_page_of_another_site_may_not_read_or_write(tmp_path):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    with served(tmp_path) as server, httpx.Client(base_url=server.url, headers=headers) as client:
        for answer in (client.options(LINEAGE), client.get(NAMESPACES)):
            assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_with_a_certificate_it_speaks_tls_alone(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    asked = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -addext subjectAltName=IP:127.0.0.1"
    )
    command = ["openssl", *asked.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    http = HttpConfig(tls_certificate=certificate, tls_key=key)
    with served(tmp_path / "home", http) as server:
        trusted = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(f"{server.url}{NAMESPACES}", verify=trusted).status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.url.replace('https', 'http')}{NAMESPACES}")


@pytest.mark.slow
def test_more_requests_at_once_than_allowed_are_asked_to_come_again(tmp_path):
    begun, over = threading.Semaphore(0), threading.Event()

    def wait(_):
        begun.release()
        over.wait(HANG_SECONDS)
        return Response()

    with (
        served(tmp_path, parts={"/slow": Part("page", wait)}) as server,
        ThreadPoolExecutor(2 * PARTS_AT_ONCE) as pool,
    ):
        asked = [pool.submit(httpx.get, f"{server.url}/slow") for _ in range(2 * PARTS_AT_ONCE)]
        assert all(begun.acquire(timeout=HANG_SECONDS) for _ in range(THREADS))
        # A crowd at a page keeps nobody from the API.
        assert httpx.get(f"{server.url}{NAMESPACES}").status_code == 200
        assert httpx.post(f"{server.url}{LINEAGE}", json=EVENT).status_code == 201
        refused = [one.result() for one in wait_for(asked, PARTS_AT_ONCE)]
        over.set()
        assert {one.result().status_code for one in asked if one.result() not in refused} == {200}
        for answer in refused:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "Nothing of this request was kept" in answer.json()["message"]


def wait_for(asked, count):
    """The first of these that are done; no more are, before somebody lets them."""
    return list(islice(as_completed(asked, HANG_SECONDS), count))


def test_few_requests_may_be_sent_ahead_of_their_answers(tmp_path):
    ask = b"GET /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(tmp_path) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address) as connection:
            connection.sendall(ask * 10)
            read = connection.makefile("rb")
            for _ in range(10):
                assert b" 200 " in read.readline()
                while (line := read.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length"):
                        length = int(line.split()[1])
                read.read(length)
        with socket.create_connection(address) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(ask * 10_000)
            answers = b"".join(iter(partial(_received, connection), b""))
        assert answers.count(b" 200 OK") < 100


def _received(connection):
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def test_a_trailer_that_never_ends_is_cut_off(tmp_path):
    lines = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    begun = head(*lines) + b"2\r\n{}\r\n0\r\nX-Long: "
    with served(tmp_path) as server:
        # More than fits into the buffers of the sockets: it must be hung up.
        assert raw(server, begun, *[b"y" * 1_000_000] * 100)[9:12] in ("431", "")


@pytest.mark.slow
def test_a_body_in_many_small_chunks_is_taken(tmp_path):
    body = json.dumps(EVENT).encode() + b" " * 300_000
    lines = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    chunks = b"".join(b"1\r\n%c\r\n" % one for one in body) + b"0\r\nX-Sum: 1\r\n\r\n"
    with served(tmp_path) as server:
        assert raw(server, head(*lines), chunks).startswith("HTTP/1.1 201 ")
