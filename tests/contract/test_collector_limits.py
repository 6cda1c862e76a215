from __future__ import annotations

import gzip
import tracemalloc

import pytest
from contract.collector_world import JSON, dataset, event, world

from lineage_bridge.collector.accept.validation import Limits
from lineage_bridge.collector.server import CollectorConfig
from lineage_bridge.http import Access, HttpConfig, HttpLimits

MIB = 1024 * 1024
READ = {"Authorization": "Bearer reader"}
WRITE = {"Authorization": "Bearer writer"}
KEYS = HttpConfig(Access(read_keys=frozenset({"reader"}), write_keys=frozenset({"writer"})))


def limited(**limits):
    return HttpConfig(limits=HttpLimits(**limits))


def test_a_body_over_the_limit_is_refused_and_one_at_it_taken(tmp_path):
    body = b'{"eventType":"START","eventTime":"2026-01-05T10:00:00Z","run":{"runId":"x"},'
    body += b'"job":{"namespace":"n","name":"j"},"producer":"p"}'
    with world(tmp_path, http=limited(body_max_bytes=len(body) + 2)) as w:
        assert w.post(body + b"  ").status == 201
        assert w.post(body + b"   ").status == 413


@pytest.mark.slow
def test_a_gzip_bomb_is_refused_while_it_is_inflated(tmp_path):
    bomb = gzip.compress(b"{" + b" " * (128 * MIB), compresslevel=1)
    with world(tmp_path) as w:
        tracemalloc.start()
        assert w.post(bomb, **{"Content-Encoding": "gzip"}).status == 413
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 64 * MIB


def test_gzip_that_is_none_or_cut_off_is_refused(tmp_path):
    with world(tmp_path) as w:
        assert w.post(b"{}", **{"Content-Encoding": "gzip"}).status == 500
        cut = gzip.compress(b"{}" * 100)[:-9]
        assert w.post(cut, **{"Content-Encoding": "gzip"}).status == 422


def test_deep_json_is_refused(tmp_path):
    with world(tmp_path) as w:
        for depth in (250, 100_000):
            deep = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
            assert w.post(deep).status == 500


def test_an_event_holds_only_so_many_datasets_and_fields(tmp_path):
    with world(tmp_path, CollectorConfig(limits=Limits(datasets=2, fields=3))) as w:
        assert w.post(event("START", "10:00:00", inputs=["a", "b"])).status == 201
        assert w.post(event("START", "10:00:00", inputs=["a", "b", "c"])).status == 422
        fields = [{"name": f"f{i}"} for i in range(4)]
        schema = {"_producer": "p", "_schemaURL": "s", "fields": fields}
        wide = event("START", "10:00:00")
        wide["outputs"] = [dataset("a", facets={"schema": schema})]
        assert w.post(wide).status == 422


def test_long_urls_and_headers_are_refused(tmp_path):
    with world(tmp_path) as w:
        assert w.ask("GET", "/api/v1/jobs?x=" + "x" * 8192, {}, b"").status == 414
        assert w.ask("GET", "/api/v1/jobs", {"X-Long": "x" * 8192}, b"").status == 431


def test_too_many_requests_at_once_are_asked_to_come_again(tmp_path):
    with world(tmp_path, http=limited(requests_max=0)) as w:
        assert w.ask("GET", "/api/v1/jobs", {}, b"").status == 503


@pytest.mark.parametrize(
    ("headers", "read", "write"),
    [
        ({}, 401, 401),
        ({"Authorization": "Bearer wrong"}, 401, 401),
        ({"Authorization": "Basic writer"}, 401, 401),
        (READ, 200, 403),
        (WRITE, 200, 201),
    ],
)
def test_keys_tell_who_may_read_and_write(headers, read, write, tmp_path):
    with world(tmp_path, http=KEYS) as w:
        assert w.ask("GET", "/api/v1/namespaces", headers, b"").status == read
        assert w.post(event("START", "10:00:00"), **headers).status == write


def test_a_refused_key_changes_nothing(tmp_path):
    with world(tmp_path, http=KEYS) as w:
        assert w.ask("DELETE", "/api/v1/namespaces/default", READ, b"").status == 403
        assert w.ask("PUT", "/api/v1/tags/x", {**JSON, **READ}, b"{}").status == 403
        found = w.ask("GET", "/api/v1/namespaces", READ, b"").body
        assert [item["isHidden"] for item in found["namespaces"]] == [False]
