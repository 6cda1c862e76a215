from __future__ import annotations

import pytest
from cases import others_slow

from lineage_bridge.collector.pace import EVENT_BYTES, LAG_SECONDS, MAX_DELAY_SECONDS, Pace


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock)


def test_while_folding_keeps_up_nobody_waits(pace, clock):
    for seq in range(1, 1000):
        clock.now += 0.001
        pace.appended(seq, 3000)
        pace.folded(seq - 1)
        assert pace.delay(3000) == 0
    assert pace.slowed == 0


def test_the_lag_is_the_age_of_the_oldest_event_that_is_not_folded(pace, clock):
    pace.appended(1, 100)
    clock.now = 3.0
    pace.appended(2, 100)
    clock.now = 4.0
    assert pace.lag_seconds == 4.0
    pace.folded(1)
    assert pace.lag_seconds == 1.0
    pace.folded(2)
    assert pace.lag_seconds == 0.0


@pytest.mark.parametrize("rate", [100.0, 1000.0, 20_000.0])
@pytest.mark.parametrize("producers", others_slow([16, 1, 500]))
def test_beyond_the_limit_events_come_no_faster_than_they_are_folded(rate, producers, pace, clock):
    """Producers without a pause, folding of so many events a second: the lag does not grow on."""
    size, appended, folded, due = 3000, 0, 0.0, [0.0] * producers
    step = 0.01
    while clock.now < 60:
        clock.now += step
        folded = min(folded + rate * step, appended)
        pace.folded(int(folded))
        for producer, then in enumerate(due):
            if then <= clock.now and appended < 400_000:
                due[producer] = clock.now + pace.delay(size)
                appended += 1
                pace.appended(appended, size)
    assert (pace.slowed > 0) is (producers / step > 1.2 * rate)
    assert pace.lag_seconds < 2 * LAG_SECONDS + 3 * producers / rate


def test_beside_a_giant_small_events_hardly_wait(pace, clock):
    for seq in range(1, 200):  # as folding was measured before
        clock.now += 0.05  # looked at with the next event only, though it took two milliseconds
        pace.folded(seq - 1)
        pace.appended(seq, 3000)
    pace.folded(199)
    pace.appended(200, 14 * 1024 * 1024)
    clock.now += 10
    delays = []
    assert 0 < pace.delay(14 * 1024 * 1024) <= MAX_DELAY_SECONDS
    for seq in range(201, 401):
        clock.now += 0.05
        delays.append(pace.delay(3000))
        pace.appended(seq, 3000)
    assert pace.slowed > 0
    assert max(delays) < 0.01


def test_another_journal_begins_without_a_lag(pace, clock):
    pace.appended(1, EVENT_BYTES)
    clock.now = 100.0
    pace.forget()
    assert pace.lag_seconds == 0
    assert pace.delay(1) == 0
