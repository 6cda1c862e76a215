"""Who may ask: keys, names of the server, pages of other origins; the same on every surface."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

import pytest
from contract.collector_world import event, world
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.collector.admin import admin_parts
from lineage_bridge.http import Access, HttpConfig, HttpError, Site
from lineage_bridge.http.access import host_name, is_loopback, unmapped
from lineage_bridge.settings import load_settings, plain_origin

FAIL = "/api/v1/jobs/runs/00000000-0000-4000-8000-000000000001/fail"
TAG = "/api/v1/namespaces/db/datasets/a/tags/PII"
KEYS = {"read_keys": frozenset({"reader"}), "write_keys": frozenset({"writer"})}


def access(**options):
    return HttpConfig(Access(**{k: frozenset(v) for k, v in options.items()}))


def basic(user, password):
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5000",
        "localhost.",
        "127.0.0.1",
        "127.8.9.1:80",
        "[::1]:5000",
        "a.localhost",
    ],
)
def test_a_name_of_this_machine_is_good(tmp_path, host):
    with world(tmp_path) as w:
        assert w.ask("GET", "/api/v1/namespaces", {"Host": host}, b"").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:5000",
        "evil.example@localhost",
        "localhost/evil",
        "0.0.0.0",
        "10.0.0.7:5000",
        "[::2]",
        "localhost:port",
        "",
        " ",
        "[::1",
        "localhost, evil.example",
    ],
)
def test_another_name_is_refused_whatever_is_asked(tmp_path, host):
    with world(tmp_path) as w:
        asked = [("GET", "/api/v1/namespaces"), ("GET", "/metrics"), ("GET", "/"), ("POST", FAIL)]
        for method, path in asked:
            answer = w.ask(method, path, {"Host": host}, b"")
            assert (answer.status, "hosts" in answer.body["message"]) == (403, True), path
        posted = w.post(event("START", "10:00:00"), Host=host)
        assert posted.status == 403
        assert w.get("/events/lineage")["totalCount"] == 0


def test_more_names_are_a_setting(tmp_path):
    with world(tmp_path, http=access(hosts=["bridge", "*.example.org"])) as w:
        for host, status in {
            "bridge:5000": 200,
            "a.b.example.org": 200,
            "example.org": 403,
            "evilexample.org": 403,
            "localhost": 200,
            "other": 403,
        }.items():
            assert w.ask("GET", "/api/v1/namespaces", {"Host": host}, b"").status == status, host
    with world(tmp_path / "any", http=access(hosts=["*"])) as w:
        assert w.ask("GET", "/api/v1/namespaces", {"Host": "evil.example"}, b"").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost:3000",
        "http://localhost.evil.example:5000",
        "file://",
        "http://localhost:5000.evil.example",
        "localhost:5000",
        "http://localhost:99999999",
        "http://[",
        "http://[::1",
    ],
)
def test_a_page_of_another_origin_may_not_write(tmp_path, origin):
    headers = {"Host": "localhost:5000", "Origin": origin}
    with world(tmp_path) as w:
        w.send(event("START", "10:00:00", outputs=["a"]))
        before = w.get("/events/lineage")["totalCount"]
        assert w.ask("POST", FAIL, headers, b"").status == 403
        assert w.ask("POST", TAG, headers, b"").status == 403
        assert w.ask("DELETE", "/api/v1/namespaces/jobs", headers, b"").status == 403
        assert w.post(event("FAIL", "10:00:01"), **headers).status == 403
        assert w.get("/events/lineage")["totalCount"] == before
        assert w.get("/namespaces/jobs/jobs/etl/runs")["runs"][0]["state"] == "RUNNING"
        assert w.ask("GET", "/api/v1/namespaces", headers, b"").status == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:5000", "http://localhost:5000"),
        ("localhost:3000", "http://LOCALHOST:3000"),  # a proxy that hands the name on
        ("ui.example.org", "https://ui.example.org"),  # and ends TLS
        ("localhost", "http://localhost:80"),
        ("localhost:5000", "https://other.example.org"),
    ],
)
def test_its_own_page_and_a_listed_one_may_write(tmp_path, host, origin):
    http = access(hosts=["ui.example.org"], origins=["https://other.example.org"])
    headers = {"Host": host, "Origin": origin}
    with world(tmp_path, http=http) as w:
        w.send(event("START", "10:00:00", outputs=["a"]))
        # As Marquez's web UI does it: no content type where there is no body.
        assert w.ask("POST", TAG, headers, b"").status == 200
        assert w.ask("POST", FAIL, headers, b"").status == 200


@pytest.mark.parametrize(
    ("name", "value", "host", "origin"),
    [
        ("hosts", "X.Example.org.", "x.example.org:5000", None),
        ("hosts", "x.example.org", "x.example.org.", None),
        ("hosts", "*.Example.org.", "a.b.example.org", None),
        ("hosts", "[2001:DB8:0:0::5]", "[2001:db8::5]:5000", None),
        ("hosts", "2001:db8::0005", "[2001:db8:0::5]", None),
        ("origins", "https://ui.example.org:443", "localhost", "https://ui.example.org"),
        ("origins", "HTTP://UI.example.org:080/", "localhost", "http://ui.example.org"),
        ("origins", "https://ui.example.org", "localhost", "https://ui.example.org."),
        ("origins", "https://ui.example.org.:8443", "localhost", "https://ui.example.org:8443"),
        ("origins", "http://[2001:DB8::0]:80", "localhost", "http://[2001:db8::]"),
    ],
)
def test_a_setting_is_good_however_it_is_spelt(tmp_path, name, value, host, origin):
    environ = {f"LINEAGE_BRIDGE_{name.upper()}": value}
    settings = load_settings({}, environ, working_folder=tmp_path)
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    with world(tmp_path / "home", http=HttpConfig.of(settings.collector)) as w:
        assert w.post(event("START", "10:00:00"), **headers).status == 201
        for strange in ({"Host": "evil.example"}, {"Origin": f"{origin or 'http://evil'}:8080"}):
            assert w.post(event("START", "10:00:00"), **{**headers, **strange}).status == 403


@given(
    st.from_regex(
        r"https?://(?:[A-Za-z0-9-]{1,9}\.){0,3}[A-Za-z]{1,5}\.?(?::[0-9]{1,4})?", fullmatch=True
    )
)
def test_an_origin_has_one_plain_form(origin):
    plain = plain_origin(origin)
    assert plain is not None
    assert plain_origin(plain) == plain == plain_origin(origin.upper())


@dataclass
class Asked:
    method: str = "GET"
    own_address: str | None = "192.0.2.5"
    headers: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name):
        return [value for key, value in self.headers if key == name]


def test_the_address_that_a_connection_came_in_at_is_a_name_of_the_server():
    Access().check(Asked(headers=[("host", "192.0.2.5:5000")]), "api")
    with pytest.raises(HttpError):
        Access().check(Asked(headers=[("host", "192.0.2.6:5000")]), "api")
    assert unmapped("::ffff:192.0.2.5") == "192.0.2.5"  # as IPv6 sockets call it
    assert unmapped("::1") == "::1"


def test_two_names_keys_or_origins_are_not_one_good_one():
    twice = [("host", "localhost"), ("host", "evil.example")]
    with pytest.raises(HttpError):
        Access().check(Asked(headers=twice), "api")
    origins = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil")]
    with pytest.raises(HttpError):
        Access().check(Asked("POST", headers=origins), "api")
    keys = [("authorization", "Bearer reader"), ("authorization", "Bearer x")]
    with pytest.raises(HttpError):
        Access(**KEYS).check(Asked(headers=keys), "api")


@given(st.text(max_size=60))
def test_whatever_the_host_header_says_it_is_read_or_refused(text):
    name = host_name(text)
    assert name is None or (name and is_loopback(name) in {True, False})


@pytest.mark.parametrize(
    ("headers", "read", "page", "write"),
    [
        ({}, 401, 401, 401),
        ({"Authorization": "Bearer wrong"}, 401, 401, 401),
        ({"Authorization": "Bearer"}, 401, 401, 401),
        ({"Authorization": "Basic !!!"}, 401, 401, 401),
        ({"Authorization": "Basic \xe9"}, 401, 401, 401),
        (basic("reader", ""), 401, 401, 401),
        (basic("", "reader"), 200, 200, 401),
        # A browser sends it along whichever page asks, so it is good for reading alone.
        (basic("anyone", "writer"), 200, 200, 401),
        ({"Authorization": "Bearer reader"}, 200, 200, 403),
        ({"Authorization": "Bearer writer"}, 200, 200, 201),
    ],
)
def test_keys_guard_api_page_and_metrics_alike(tmp_path, headers, read, page, write):
    with world(tmp_path, http=HttpConfig(Access(**KEYS))) as w:
        assert w.ask("GET", "/api/v1/namespaces", headers, b"").status == read
        assert w.ask("GET", "/metrics", headers, b"").status == page
        assert w.ask("GET", "/v2beta/metrics", headers, b"").status == page
        assert w.post(event("START", "10:00:00"), **headers).status == write


@pytest.mark.parametrize("surface", ["page", "metrics", "admin"])
def test_a_setting_opens_a_surface_and_no_other(surface):
    for other in ("page", "metrics", "admin", "api"):
        rules = Access(**KEYS, public=frozenset({surface}))
        if other == surface:
            rules.check(Asked(), other)
        else:
            with pytest.raises(HttpError) as refused:
                rules.check(Asked(), other)
            assert refused.value.status == 401


def test_a_browser_is_asked_for_a_password_on_the_page_alone():
    for surface, asks in {"page": ["Basic", "Bearer"], "api": ["Bearer"]}.items():
        with pytest.raises(HttpError) as refused:
            Access(**KEYS).check(Asked(), surface)
        assert [value.split()[0] for _, value in refused.value.headers] == asks


def test_probes_need_neither_key_nor_name_and_tell_nothing_else(tmp_path):
    with world(tmp_path, http=HttpConfig(Access(**KEYS))) as w:
        for path, text in {"/healthz": "ok\n", "/readyz": "ready\n"}.items():
            for headers in ({}, {"Host": "10.0.0.1:5000"}, {"Host": "evil.example"}):
                answer = w.ask("GET", path, headers, b"")
                assert (answer.status, answer.text) == (200, text)
            assert w.ask("POST", path, {}, b"{}").status == 405
            assert w.ask("GET", f"{path}/x", {}, b"").status == 401
        w.journal.path.rename(tmp_path / "gone.db")
        assert w.ask("GET", "/healthz", {}, b"").status == 200


def test_a_server_whose_journal_is_gone_is_not_ready(tmp_path):
    with world(tmp_path) as w:
        w.journal.path.rename(tmp_path / "gone.db")
        answer = w.ask("GET", "/readyz", {}, b"")
        assert (answer.status, answer.text) == (503, "not ready\n")


def test_the_admin_port_asks_for_the_key_too(tmp_path):
    import asyncio

    from conformance.replaying import ask_app

    with world(tmp_path) as w, asyncio.Runner() as runner:
        collector = w.app.collector
        parts = admin_parts(collector.api, collector.metrics)
        closed = Site(HttpConfig(Access(**KEYS)), parts, surface="admin", is_ready=lambda: True)
        ask = ask_app(closed, runner)
        for path in ("/ping", "/healthcheck", "/metrics", "/nothing"):
            assert ask("GET", path, {}, b"").status == 401
        assert ask("GET", "/ping", {"Authorization": "Bearer reader"}, b"").text == "pong\n"
        closed.close()
