from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.show.formats import exposition_text, json_text
from lineage_bridge.show.text import did_you_mean, is_seen, nearest, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ("ünï cödé 日本 🚲", "ünï cödé 日本 🚲"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\r\nlines\tand a tab", r"two\r\nlines\tand a tab"),
        ("abc\u202edef", r"abc\u202edef"),
        ("no\u200bwidth\ufeff", r"no\u200bwidth\ufeff"),
        ("a\xa0blank", r"a\xa0blank"),
        ("\u2028", r"\u2028"),
        ("❤\ufe0f\u3164\U000e0100", r"❤\ufe0f\u3164\U000e0100"),
        ("\ud800", r"\ud800"),
        ("[red]markup[/red]", "[red]markup[/red]"),
    ],
)
def test_what_shows_as_itself_stays_and_the_rest_is_written_out(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


@given(st.text())
def test_whatever_is_shown_shows_as_itself(text):
    assert all(map(is_seen, printable(text)))


def test_two_names_that_differ_in_what_nobody_sees_look_different():
    assert len({printable(f"a{unseen}b") for unseen in ("", "\u200b", "\ufe0f", "\u034f")}) == 4


def test_the_nearest_names_come_first():
    assert nearest("helth", ["wealth", "health", "graph"])[0] == "health"
    assert nearest("xyzzy", ["health", "graph"]) == []


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ([], ""),
        (["table"], "Did you mean `table`?"),
        (["table", "tablet"], "Did you mean `table` or `tablet`?"),
        (["table", "tablet", "stable"], "Did you mean `table`, `tablet` or `stable`?"),
        (["table\n"], r"Did you mean `table\n`?"),
    ],
)
def test_a_suggestion_is_a_sentence(known, sentence):
    assert did_you_mean("table", known) == sentence


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(documents)
def test_printed_json_is_the_same_json(document):
    text = json_text(document)

    assert json.loads(text) == document
    assert all(map(is_seen, text.replace("\n", "")))


def test_json_of_what_shows_as_itself_is_left_alone():
    assert json_text({"é": ["日本", "🚲"]}) == '{\n  "é": [\n    "日本",\n    "🚲"\n  ]\n}'
    assert json_text("\u202e\U000e0100\x7f") == r'"\u202e\udb40\udd00\u007f"'


def test_a_label_says_which_character_it_had():
    text = 'up{job="a\\nb\\\\ \x1b\u202eé"} 1\n'

    assert exposition_text(text) == 'up{job="a\\nb\\\\ \\\\x1b\\\\u202eé"} 1\n'
