"""`drift --html FILE`, as a browser gets it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import odd_tables
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

EVIL = '<script>alert(1)</script>"&\u202e'


class Page(HTMLParser):
    """All tags with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def write(path, columns):
    pq.write_table(pa.table(columns), path)
    return path


def report(lb, folder, *pair):
    path = folder / "report.html"
    shown = lb("drift", *pair, "--html", path)
    return shown, Page(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_report_has_both_distributions_of_each_feature_worst_first(
    rows, lb, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    shown, page = report(lb, tmp_path, rows / "week.parquet", rows / "bug.parquet")
    assert shown.code == 1
    moved = re.findall(r"^(ft_\w+)", shown.out, re.MULTILINE)
    assert len(moved) == 5
    charts = [attrs for tag, attrs in page.tags if (tag, attrs.get("class")) == ("svg", "chart")]
    assert [chart["aria-label"].split(":")[0] for chart in charts] == moved
    small = [attrs for tag, attrs in page.tags if (tag, attrs.get("class")) == ("svg", "small")]
    assert len(small) == 22  # all features, those of the calendar and those that did not move too
    assert "5 of 19 features drifted" in page.text


def test_a_report_needs_nothing_beside_itself_and_runs_nothing(lb, tmp_path):
    rng = np.random.default_rng(1)
    labels = [EVIL, "b", "", "c" * 300]
    was = {EVIL: rng.choice(labels, 500), "other": rng.normal(size=500)}
    now = {EVIL: rng.choice(["b", "new" + EVIL], 500), "other": rng.normal(size=500)}
    folder = tmp_path / "a&b <i>"
    folder.mkdir()
    pair = write(folder / "a.parquet", was), write(folder / "b.parquet", now)
    _, page = report(lb, tmp_path, *pair)
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "i", "img", "iframe", "link", "object", "form"}
    )
    assert all(value.startswith("#") for _, attrs in page.tags for key, value in attrs.items()
               if key in {"href", "src", "xlink:href", "action"})  # fmt: skip
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    assert "<script>alert(1)</script>" in page.text  # as a text
    assert "\u202e" not in page.text
    policy = next(a for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy["content"]


def test_bars_are_shares_of_rows_that_add_up(lb, tmp_path):
    was = write(tmp_path / "a.parquet", {"n": [1.0, 2.0, 2.0, None] * 100, "z": ["a"] * 400})
    now = write(tmp_path / "b.parquet", {"n": [2.0, 3.0, None, None] * 100, "z": ["b"] * 400})
    _, page = report(lb, tmp_path, was, now)
    for expected in ("1: 25 % before, 0 % now", "2: 50 % before, 25 % now",
                     "3: 0 % before, 25 % now", "null: 25 % before, 50 % now",
                     "a: 100 % before, 0 % now", "b: 0 % before, 100 % now"):  # fmt: skip
        assert expected in page.text


@pytest.mark.slow
def test_odd_columns_have_a_report_too(lb, tmp_path):
    even = tmp_path / "even.parquet"
    pq.write_table(odd_tables.numbers(), even)
    for name, table in odd_tables.SMALL.items():
        odd = tmp_path / f"{name}.parquet"
        pq.write_table(table, odd)
        for pair in ((even, odd), (odd, odd)):
            shown, page = report(lb, tmp_path, *pair)
            assert shown.err == "", name
            assert page.text
            assert "nan" not in page.text.lower().split(), name


def test_a_report_that_cannot_be_written_is_an_error(lb, tmp_path):
    even = tmp_path / "even.parquet"
    pq.write_table(odd_tables.numbers(), even)
    shown = lb("drift", even, even, "--html", tmp_path / "no" / "such" / "folder.html")
    assert shown.code == 2
    assert "cannot be written" in shown.err
