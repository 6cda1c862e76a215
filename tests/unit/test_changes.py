from __future__ import annotations

import threading
from itertools import islice, pairwise
from pathlib import Path

import pytest

from lineage_bridge.ingest.changes import TICK_SECONDS, WHOLE_SECONDS, Changes

NOTHING = frozenset()


class Clock:
    """Seconds that pass only while somebody waits, or as they are told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        return False


@pytest.fixture
def clock():
    return Clock()


def looks(count, roots, clock, tell, **options):
    stop = threading.Event()
    changes = Changes(
        lambda: list(map(str, roots)), stop, tell=tell, clock=clock, wait=clock.wait, **options
    )
    return list(islice(changes, count))


def telling(*told, clock=None, seconds=0.0):
    """Tell each of these once, and ticks from then on; so much time passes before each."""

    def tell(_roots, _stop):
        for one in told:
            if clock is not None:
                clock.now += seconds
            yield frozenset(one)
        while True:
            if clock is not None:
                clock.now += TICK_SECONDS
            yield NOTHING

    return tell


def test_all_is_looked_at_once_more_when_the_system_has_begun_to_watch(tmp_path, clock):
    tell = telling({"missed"}, {"a", "b"}, ())
    assert looks(4, [tmp_path], clock, tell) == [None, None, {"a", "b"}, NOTHING]


def test_all_is_looked_at_every_ten_minutes(tmp_path, clock):
    found = looks(700, [tmp_path], clock, telling(clock=clock))
    times = [place * TICK_SECONDS for place, look in enumerate(found) if look is None]
    assert times[:2] == [0, TICK_SECONDS]
    assert WHOLE_SECONDS <= times[2] <= WHOLE_SECONDS + 3 * TICK_SECONDS


def test_a_folder_that_is_replaced_or_comes_later_is_watched_anew(tmp_path, clock):
    first, later = tmp_path / "first", tmp_path / "later"
    first.mkdir()
    watched = []

    def tell(roots, _stop):
        watched.append([Path(root).name for root in roots])
        yield NOTHING
        if len(watched) == 1:
            later.mkdir()
            yield NOTHING
        if len(watched) == 2:
            first.rename(tmp_path / "former")
            first.mkdir()
            yield NOTHING
        while True:
            yield NOTHING

    found = looks(9, [first, later], clock, tell)
    assert watched == [["first"], ["first", "later"], ["first", "later"]]
    assert found.count(None) == 6


def test_without_any_folder_it_waits_for_one(tmp_path, clock):
    late = tmp_path / "late"
    seen = []
    changes = iter(
        Changes(
            lambda: [str(late)],
            threading.Event(),
            tell=telling({"x"}),
            clock=clock,
            wait=clock.wait,
        )
    )
    seen += islice(changes, 5)
    late.mkdir()
    seen += islice(changes, 2)
    assert seen == [None, *[NOTHING] * 4, None, None]


def test_where_the_system_cannot_tell_all_is_looked_at_again_and_again(tmp_path, clock):
    troubles = []

    def tell(_roots, _stop):
        raise OSError(28, "No space left on device")
        yield

    found = looks(5, [tmp_path], clock, tell, trouble=troubles.append)
    assert found.count(None) >= 3
    (trouble,) = troubles
    assert trouble.startswith("The system cannot tell what changes (No space left on device); ")


@pytest.mark.parametrize(("took", "every"), [(0.0, TICK_SECONDS), (1.0, 20.0), (30.0, 600.0)])
def test_looking_again_and_again_takes_a_twentieth_of_the_time(tmp_path, clock, took, every):
    times = []
    changes = Changes(
        lambda: [str(tmp_path)], threading.Event(), poll=True, clock=clock, wait=clock.wait
    )
    for look in islice(changes, 1_000):
        if look is None:
            times.append(clock.now)
            clock.now += took
    gaps = {round(b - a - took, 6) for a, b in pairwise(times)}
    assert gaps == {every}


def test_it_ends_when_it_is_stopped(tmp_path, clock):
    stop = threading.Event()
    changes = iter(Changes(lambda: [str(tmp_path)], stop, poll=True, wait=stop.wait))
    assert next(changes) is None
    stop.set()
    assert list(changes) == []
