from __future__ import annotations

import threading

import pytest
from conftest import HANG_SECONDS

from lineage_bridge.share.callers import Callers


def test_a_thread_is_kept_for_the_next_call_and_none_waits_for_one_that_hangs():
    callers, over = Callers(), threading.Event()
    first = callers.call(threading.get_ident)
    assert first.result(HANG_SECONDS) == callers.call(threading.get_ident).result(HANG_SECONDS)

    hangs = callers.call(over.wait)
    assert callers.call(threading.get_ident).result(HANG_SECONDS)
    assert not hangs.done()
    callers.close()
    over.set()
    assert hangs.result(HANG_SECONDS)


def test_what_a_call_raises_reaches_who_asked_and_ends_no_thread():
    callers = Callers()
    with pytest.raises(ZeroDivisionError):
        callers.call(lambda: 1 / 0).result(HANG_SECONDS)
    assert callers.call(lambda: 1).result(HANG_SECONDS) == 1
    callers.close()
