from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from builders import a_journal, at
from platform_events import (
    HOSTILE,
    SLOT,
    a_build,
    a_check,
    a_drift,
    a_look,
    a_platform,
    a_slow_reason,
    a_start,
)

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.events import Event
from lineage_bridge.http import HttpConfig, Site
from lineage_bridge.journal import Journal
from lineage_bridge.page import page_parts
from lineage_bridge.page.content import MAX_ROWS
from lineage_bridge.show.text import printable

VOID = {"meta", "br", "link"}


class Page(HTMLParser):
    """What a browser makes of a page: text, elements, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def links(self) -> list[str]:
        return [attrs["href"] or "" for tag, attrs in self.elements if tag == "a"]


def get(journal: Journal, path: str, minute: float = 50, **options: str) -> httpx.Response:
    snapshots = Snapshots(journal, Policies())
    parts = page_parts(journal, snapshots, lambda: at(minute), **options)
    app = Site(HttpConfig(), parts, is_ready=lambda: True)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(ask())


def page_of(home: Path, recorded: list[Event], minute: float = 50, **options: str) -> Page:
    with a_journal(home, recorded) as journal:
        answer = get(journal, "/", minute, **options)
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.open == []
    return page


def test_an_empty_journal_says_what_to_do(tmp_path: Path) -> None:
    page = page_of(tmp_path, [])

    assert "No deployment is known." in page.text
    assert "lineage-bridge backfill --p5 DIR" in page.text


def test_deployments_are_shown_with_status_reasons_and_what_they_serve(tmp_path: Path) -> None:
    looks = [a_look(45, counts={"requests": 1234}, reasons=[a_slow_reason(40)])]
    page = page_of(tmp_path, [*a_platform()[:8], *looks])

    assert "dep-1" in page.text
    assert "degraded" in page.text
    assert "p95 latency 750 ms (limit 500 ms; at least 20 % of requests are slower)" in page.text
    assert "models.default v1" in page.text
    assert "features.mobility.trips 2026-04-07T08:00:00Z" in page.text
    assert "1,234" in page.text


def test_the_worst_deployment_comes_first(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_platform())

    assert page.text.index("degraded") < page.text.index("dep-1")


def test_datasets_are_shown_with_both_ages(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_build(0), minute=130)

    assert "stale" in page.text
    assert "2 h 10 min ago" in page.text
    assert "2 h 20 min ago" in page.text


def test_a_build_in_the_future_has_no_age(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_build(0, built=at(120)))

    assert "in the future" in page.text


def test_it_shows_the_instant_that_it_is_asked_for(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_platform(), minute=10)

    assert "2026-04-07T08:10:00Z" in page.text
    assert "No deployment is known." in page.text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_platform())

    assert printable(HOSTILE) in page.texts
    assert {tag for tag, _ in page.elements} & {"script", "b"} == set()
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


def test_a_dataset_has_a_badge_with_what_failed_in_it(tmp_path: Path) -> None:
    checked = a_check(1, failed={"columns": f"not expected: `{HOSTILE}`"})
    page = page_of(tmp_path, [*a_build(0), checked, *a_build(2, name="features.mobility.stops")])

    assert "X failed" in page.text
    assert "columns" in page.texts
    assert printable(HOSTILE) in page.text
    assert {tag for tag, _ in page.elements} & {"script", "b"} == set()
    assert "? unknown" in page.text  # of the other one, into which nobody looked


def test_a_deployment_has_a_badge_with_what_drifted_in_it(tmp_path: Path) -> None:
    moved = {HOSTILE: "critical", "b": "warning", "c": "warning", "d": "warning", "still": "none"}
    page = page_of(tmp_path, [a_start(30), a_look(45), a_drift(46, moved=moved)])

    assert "X critical" in page.text
    assert printable(HOSTILE) in page.texts
    assert "and 1 more" in page.text
    assert "still" not in page.texts
    assert {tag for tag, _ in page.elements} & {"script", "b"} == set()


def test_links_lead_to_the_api_with_encoded_names(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_platform(), metrics_url="http://127.0.0.1:9464/metrics")

    assert "/health.json" in page.links
    assert "http://127.0.0.1:9464/metrics" in page.links
    assert "/api/v1/namespaces/ns/datasets/features.mobility.trips" in page.links
    lineage = [link for link in page.links if link.startswith("/api/v1/lineage?nodeId=")]
    assert f"dataset:ns:{SLOT.predictions}" in {
        unquote(link.split("nodeId=")[1].split("&")[0]) for link in lineage
    }


def test_a_slash_in_a_name_stays_within_its_part_of_the_path(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_build(0, name="a/b?c#d"))

    assert "/api/v1/namespaces/ns/datasets/a%2Fb%3Fc%23d" in page.links


def test_nothing_is_loaded_from_elsewhere_and_no_script_may_run(tmp_path: Path) -> None:
    with a_journal(tmp_path, a_platform()) as journal:
        answer = get(journal, "/")

    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in Page(answer.text).elements}


def test_it_can_be_read_without_eyes_or_a_mouse(tmp_path: Path) -> None:
    page = page_of(tmp_path, a_platform())
    attributes: dict[str, list[dict[str, str | None]]] = {}
    for tag, attrs in page.elements:
        attributes.setdefault(tag, []).append(attrs)

    assert attributes["html"] == [{"lang": "en"}]
    assert len(attributes["h1"]) == len(attributes["main"]) == 1
    assert all(attrs.get("scope") in {"row", "col"} for attrs in attributes["th"])
    assert all(attrs.get("aria-label") for attrs in attributes["table"])
    assert all(attrs.get("tabindex") == "0" for attrs in attributes["div"])


@pytest.mark.slow
def test_a_table_is_bounded_and_says_so(tmp_path: Path) -> None:
    builds = [event for i in range(MAX_ROWS + 2) for event in a_build(0, name=f"d{i}")]
    with a_journal(tmp_path, builds) as journal:
        html = get(journal, "/").text

    assert html.count("<tr>") == 2 * (MAX_ROWS + 1), "the datasets, and their jobs, all overdue"
    assert "2 more are not shown" in html


def test_health_json_is_that_of_the_command_line(tmp_path: Path) -> None:
    with a_journal(tmp_path, [a_start(30), a_look(45)]) as journal:
        answer = get(journal, "/health.json")

    (deployment,) = answer.json()["deployments"]
    assert answer.json()["at"] == "2026-04-07T08:50:00Z"
    assert (deployment["deployment"], deployment["status"]) == ("dep-1", "healthy")


@pytest.mark.parametrize("path", ["/", "/health.json"])
def test_a_journal_that_cannot_be_read_is_503(tmp_path: Path, path: str) -> None:
    with Journal(tmp_path) as journal:
        with journal.transaction() as tx:
            tx.connection.execute("DROP TABLE events")
        answer = get(journal, path)

    assert answer.status_code == 503


def test_other_paths_are_not_found(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert get(journal, "/nothing").status_code == 404
