"""Whatever stands in a line of an inference log, each line counts or is rejected, by itself."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import jmespath
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from inference_logs import nested, request

from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.bites import read_bite
from lineage_bridge.inference.columns import LogSource
from lineage_bridge.inference.fields import Fields
from lineage_bridge.inference.log import LogFile
from lineage_bridge.inference.measures import area_under_curve
from lineage_bridge.inference.paths import getter
from lineage_bridge.inference.seen import Seen, hashes_of
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.points import Points
from lineage_bridge.settings import InferenceLog

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
EXPRESSIONS = ["a", "a.b", "a.b.c", '"a"', "a[0]", "a || b", "@", "length(a)", "a.*"]
FIELDS = st.sampled_from(["request_id", "timestamp", "features", "prediction", "probability",
                          "model", "deployment_id", "label", "more"])  # fmt: skip
CHANGES = st.lists(st.dictionaries(FIELDS, JSON, max_size=3), min_size=1, max_size=6)
GARBAGE = st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), max_size=3)
LATEST = datetime(2026, 5, 2, tzinfo=UTC)
GOOD = 20


def log_of(changes, garbage):
    good = [json.dumps(nested(request(n))).encode() for n in range(GOOD)]
    odd = [json.dumps(nested(request(100 + n)) | c).encode() for n, c in enumerate(changes)]
    return good + odd + [line for line in garbage if line.strip(b" \t\r")]


@given(CHANGES, GARBAGE)
def test_each_line_counts_or_is_rejected_and_the_good_ones_count(changes, garbage):
    lines = log_of(changes, garbage)
    log = LogFile(io.BytesIO(b"".join(line + b"\n" for line in lines)))
    rows = [row for bite in log.bites(Seen(), latest=LATEST) for row in bite]
    assert len(rows) + log.rejected.total == len(lines)
    assert {f"r-{n}" for n in range(GOOD)} <= {row.request_id for row in rows}


VALUES = JSON | st.just("2026-05-01T00:00:00Z")
SHARED = st.dictionaries(FIELDS | st.just("observed_at"), VALUES, max_size=3)


@given(CHANGES, SHARED)
def test_rows_are_read_alike_one_by_one_and_all_at_once(changes, shared):
    """Some members are changed in each row, others in all: so that whole bites are odd, too."""
    rows = [nested(request(n)) | shared for n in range(3)]
    rows += [nested(request(10 + n)) | shared | change for n, change in enumerate(changes)]
    declared = InferenceLog(label_time="observed_at", label="label")
    reader = Fields.understand([nested(request(n)) for n in range(3)], declared).reader()

    def alone(row):
        (found,) = read_bite(reader, [row], LATEST)
        return found

    found = read_bite(reader, rows, LATEST)
    assert [as_text(one) for one in found] == [as_text(alone(row)) for row in rows]
    for one, row in zip(found, rows, strict=True):
        try:
            expected = reader.read(row)
        except ArtifactError as exc:
            expected = exc
        is_future = isinstance(one, ArtifactError) and "in the future" in one.reason
        assert is_future or as_text(one) == as_text(expected)


def as_text(found):
    """A row or an error in a form in which NaN is NaN."""
    if isinstance(found, ArtifactError):
        return found.field, found.reason
    return repr(found)


@given(CHANGES, st.randoms())
def test_a_profile_of_a_log_does_not_depend_on_the_order_of_its_rows(changes, random):
    lines = log_of(changes, [])
    head, rest = lines[:GOOD], lines[GOOD:]

    def profile(listed):
        source = LogSource(io.BytesIO(b"".join(line + b"\n" for line in listed)))
        return make_profile(source, source.keys)

    first = profile(head + rest)
    random.shuffle(rest)
    assert profile(head + rest).whole == first.whole


@given(st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=12))
def test_an_id_is_new_once(bites):
    seen, known = Seen(), set()
    for bite in bites:
        for number, is_new in zip(bite, seen.add(hashes_of([*map(str, bite)])), strict=True):
            assert is_new == (number not in known)
            known.add(number)


@given(
    st.dictionaries(st.sampled_from("abc"), JSON, max_size=3),
    st.sampled_from(EXPRESSIONS),
)
def test_a_path_finds_what_jmespath_finds(row, expression):
    try:
        expected = jmespath.search(expression, row)
    except jmespath.exceptions.JMESPathError:
        expected = ArtifactError
    try:
        found = getter(expression)(row)
    except ArtifactError:
        found = ArtifactError
    assert repr(found) == repr(expected)


SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1), max_size=30)


@given(SCORES, SCORES)
def test_the_area_under_the_curve_is_that_of_all_pairs(positives, negatives):
    found = area_under_curve(*(Points.of(np.array(side)) for side in (positives, negatives)))
    pairs = [(up > down) + (up == down) / 2 for up in positives for down in negatives]
    if not pairs:
        assert found is None
        return
    value, low, high = found
    assert abs(value - sum(pairs) / len(pairs)) < 1e-9
    assert 0 <= low <= value <= high <= 1
    assert high - low > 0.01  # thirty rows prove no area exactly, also where all pairs are in order
