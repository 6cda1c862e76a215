from __future__ import annotations

import shutil
import ssl
import subprocess

import httpx
import pytest
from contract.collector_world import event

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.errors import ServerError
from lineage_bridge.http import Access, HttpConfig, Part, Response
from lineage_bridge.journal import Journal

PAGE = Part("page", lambda _: Response(b"<p>page</p>", media_type="text/html"), for_browsers=True)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path) as found:
        yield found


def test_it_serves_until_it_is_stopped(journal):
    with CollectorServer(journal, port=0) as server:
        assert httpx.post(
            f"{server.url}/api/v1/lineage", json=event("START", "10:00:00")
        ).is_success
        assert httpx.get(f"{server.url}/api/v1/jobs").json()["totalCount"] == 1
        assert server.url.startswith("http://127.0.0.1:")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/api/v1/jobs")


@pytest.mark.slow
def test_it_starts_again_on_the_same_journal(journal):
    for expected in (1, 2):
        with CollectorServer(journal, port=0) as server:
            url = f"{server.url}/api/v1"
            httpx.post(f"{url}/lineage", json=event("START", "10:00:00", run=expected))
            runs = httpx.get(f"{url}/namespaces/jobs/jobs/etl/runs").json()
            assert runs["totalCount"] == expected


def test_a_page_is_for_who_takes_pages_and_programs_get_what_marquez_says(journal):
    with CollectorServer(journal, port=0, parts={"/": PAGE}) as server:
        assert httpx.get(f"{server.url}/").text == "<p>page</p>"
        for path, accept in (("/", "application/json"), ("/", ""), ("/nothing", "text/html")):
            answer = httpx.get(f"{server.url}{path}", headers={"Accept": accept})
            assert answer.status_code in {404, 406}
            assert "page" not in answer.text


def test_keys_guard_a_page_too(journal):
    http = HttpConfig(Access(read_keys=frozenset({"reader"})))
    with CollectorServer(journal, port=0, http=http, parts={"/": PAGE}) as server:
        assert httpx.get(f"{server.url}/").status_code == 401
        headers = {"Authorization": "Bearer reader"}
        assert httpx.get(f"{server.url}/", headers=headers).text == "<p>page</p>"


def test_the_admin_port_tells_how_it_is(journal):
    with CollectorServer(journal, port=0, admin_port=0) as server:
        assert httpx.get(f"{server.admin_url}/ping").text == "pong\n"
        health = httpx.get(f"{server.admin_url}/healthcheck")
        assert health.json()["journal"]["healthy"] is True
        metrics = httpx.get(f"{server.admin_url}/metrics").text
        assert "lineage_bridge_collector_journal_seq" in metrics
        assert httpx.get(f"{server.admin_url}/nothing").status_code == 404


@pytest.mark.slow
def test_the_admin_port_is_not_ready_without_the_journal(journal):
    with CollectorServer(journal, port=0, admin_port=0) as server:
        journal.path.rename(journal.path.with_name("gone.db"))
        for url in (server.url, server.admin_url):
            assert httpx.get(f"{url}/readyz").status_code == 503


def test_a_port_in_use_is_named(journal):
    with CollectorServer(journal, port=0) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ServerError, match=str(port)):
            CollectorServer(journal, port=port).start()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_it_speaks_https_with_a_certificate(journal, tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", certificate], check=True)
    http = HttpConfig(tls_certificate=certificate, tls_key=key)
    trust = ssl.create_default_context(cafile=str(certificate))
    with CollectorServer(journal, port=0, http=http) as server:
        assert server.url.startswith("https://")
        assert httpx.get(f"{server.url}/api/v1/jobs", verify=trust).json()["totalCount"] == 0


def test_a_certificate_that_is_none_is_named(journal, tmp_path):
    http = HttpConfig(tls_certificate=tmp_path / "none.pem")
    with pytest.raises(ServerError, match=r"none\.pem"):
        CollectorServer(journal, port=0, http=http).start()


def test_answers_are_compressed_where_that_is_welcome(journal):
    with CollectorServer(journal, port=0) as server:
        url = f"{server.url}/api/v1/namespaces"
        plain = httpx.get(url, headers={"Accept-Encoding": "identity"})
        packed = httpx.get(url, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()


@pytest.mark.parametrize(
    ("accepts", "is_packed"),
    [
        (["gzip;q=0"], False),
        (["GZIP ; Q=0.000, identity"], False),
        (["br, gzip;q=0.001"], True),
        (["br", "Gzip"], True),
        (["x-gzip-not"], False),
        (["*"], False),
    ],
)
def test_only_who_takes_gzip_gets_it(journal, accepts, is_packed):
    headers = [("Accept-Encoding", value) for value in accepts]
    with CollectorServer(journal, port=0) as server, httpx.Client() as client:
        client.headers = headers  # in place of the client's own
        for path in ("/api/v1/namespaces", "/metrics"):
            answer = client.get(f"{server.url}{path}")
            assert ("content-encoding" in answer.headers) is is_packed
            assert answer.headers["vary"] == "Accept-Encoding"


def test_a_type_of_no_weight_is_not_accepted(journal):
    with CollectorServer(journal, port=0) as server:
        url = f"{server.url}/api/v1/namespaces"
        for accept, status in {
            "application/json;q=0": 406,
            "text/html, application/json; q=0.0": 406,
            "application/json;q=0.1": 200,
            "application/json;v=0": 200,
        }.items():
            assert httpx.get(url, headers={"Accept": accept}).status_code == status, accept


def test_there_is_no_cors(journal):
    with CollectorServer(journal, port=0) as server:
        answer = httpx.get(f"{server.url}/api/v1/jobs", headers={"Origin": "https://elsewhere"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
