from __future__ import annotations

from lineage_bridge.share.patience import MAX_SECONDS, Patience


def a_patience(give_up_seconds=60.0, jitter=1.0):
    return Patience(give_up_seconds, lambda: jitter)


def test_pauses_double_up_to_the_longest():
    patience = a_patience()

    assert [patience.backoff(n) for n in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert patience.backoff(10_000) == MAX_SECONDS
    assert a_patience(jitter=0.0).backoff(1) == 0.25


def test_what_fails_during_a_pause_is_the_same_failure():
    patience = a_patience()
    for _ in range(4):
        patience.failed(100.0)
    assert patience.resume_at == 100.5

    patience.failed(100.5)
    assert patience.resume_at == 101.5


def test_an_answer_may_ask_for_a_longer_pause_but_not_for_a_shorter_one():
    patience = a_patience()
    patience.failed(100.0, retry_after=30.0)
    patience.failed(100.1, retry_after=0.0)

    assert patience.resume_at == 130.0


def test_it_is_exhausted_a_while_after_the_first_failure_in_a_row():
    patience = a_patience(60.0)
    assert not patience.is_exhausted(1e9)
    patience.failed(100.0, retry_after=500.0)

    assert not patience.is_exhausted(159.9)
    assert patience.seconds_left(150.0) == 10.0
    assert patience.is_exhausted(160.0)
    patience.answered()
    assert not patience.is_exhausted(160.0)


def test_for_ever_is_never_exhausted():
    patience = a_patience(None)
    patience.failed(0.0, retry_after=3600.0)

    assert not patience.is_exhausted(1e12)
    assert patience.seconds_left(0.0) == 3600.0
