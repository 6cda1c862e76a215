from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineage_bridge.share.order import Item, Order, arrange


def an_item(seq, time_us=None, job=None, **more):
    sets = {key: frozenset(more.pop(key, ())) for key in ("reads", "writes")}
    return Item(seq, seq if time_us is None else time_us, job or f"job {seq}", **sets, **more)


def an_order(*items):
    order = Order()
    order.replace(items)
    return order


def conflict(one, other):
    """Whether the order of two events matters: one job, or one writes what the other touches."""
    touches = (one.writes & (other.reads | other.writes)) | (other.writes & one.reads)
    return one.job == other.job or bool(touches)


def seqs(items):
    return [item.seq for item in items]


def test_events_that_have_nothing_to_do_with_each_other_go_side_by_side():
    order = an_order(an_item(1, writes="a"), an_item(2, writes="b"), an_item(3, reads="c"))

    assert seqs(order.ready(10)) == [1, 2, 3]
    assert seqs(order.ready(2)) == [1, 2]


def test_two_readers_of_a_dataset_go_side_by_side():
    assert seqs(an_order(an_item(1, reads="a"), an_item(2, reads="a")).ready(10)) == [1, 2]


def test_events_of_one_job_go_one_after_another():
    order = an_order(an_item(1, job="j"), an_item(2, job="j"))
    (first,) = order.ready(10)
    order.start(first)

    assert order.ready(10) == []
    order.finish(first.seq)
    assert seqs(order.ready(10)) == [2]


def test_a_reader_waits_for_the_writer_and_the_next_writer_for_the_reader():
    order = an_order(an_item(1, writes="a"), an_item(2, reads="a"), an_item(3, writes="a"))

    for expected in (1, 2, 3):
        (only,) = order.ready(10)
        assert only.seq == expected
        order.start(only)
        order.finish(only.seq)
    assert len(order) == 0


def test_what_was_released_keeps_its_place():
    order = an_order(an_item(1, job="j"), an_item(2, job="j"))
    (first,) = order.ready(10)
    order.start(first)
    order.release(first.seq)

    assert seqs(order.ready(10)) == [1]


def test_an_event_that_arrives_late_waits_for_what_is_under_way():
    order = an_order(an_item(5, job="j"))
    (first,) = order.ready(1)
    order.start(first)
    order.replace([an_item(5, job="j"), an_item(6, time_us=1, job="j")])

    assert order.ready(10) == []
    order.finish(5)
    assert seqs(order.ready(10)) == [6]


def test_at_one_instant_a_writer_goes_before_its_reader_whatever_arrived_first():
    train = an_item(1, time_us=7, reads="d", writes="m")
    build = an_item(2, time_us=7, writes="d")
    serve = an_item(3, time_us=7, reads="m")

    assert seqs(arrange([train, serve, build])) == [2, 1, 3]


def test_at_one_instant_a_run_starts_before_it_ends():
    end = an_item(1, time_us=7, job="j", run="r", rank=2)
    start = an_item(2, time_us=7, job="j", run="r", rank=0)

    assert seqs(arrange([end, start])) == [2, 1]


def test_at_one_instant_events_that_feed_each_other_all_go():
    loop = [
        an_item(1, time_us=7, reads="b", writes="a"),
        an_item(2, time_us=7, reads="a", writes="c"),
        an_item(3, time_us=7, reads="c", writes="b"),
    ]

    assert arrange(reversed(loop)) == arrange(loop)
    assert sorted(seqs(arrange(loop))) == [1, 2, 3]


def test_many_events_of_one_instant_are_arranged_at_once():
    items = [an_item(n, time_us=7, reads="d") for n in range(5000)]

    assert len(arrange(items)) == 5000


names = st.frozensets(st.sampled_from("abcd"), max_size=2)
items = st.lists(
    st.builds(
        lambda time_us, job, reads, writes: (time_us, job, reads, writes),
        st.integers(0, 4),
        st.sampled_from("jkl"),
        names,
        names,
    ),
    max_size=14,
).map(lambda rows: [Item(n, t, j, reads=r, writes=w) for n, (t, j, r, w) in enumerate(rows)])


def is_circle(todo):
    feeds = {
        one.seq: [
            other.seq
            for other in todo
            if other is not one
            and other.time_us == one.time_us
            and other.writes & one.reads
            and not one.writes & other.reads
        ]
        for one in todo
    }
    try:
        TopologicalSorter(feeds).prepare()
    except CycleError:
        return True
    return False


@pytest.mark.slow
@given(items, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_interleaving_keeps_the_order_of_events_that_touch_each_other(todo, random, most):
    assume(not is_circle(todo))
    order = an_order(*todo)
    under_way, finished = [], []
    while len(order) or under_way:
        ready = order.ready(most - len(under_way))
        assert ready or under_way, "something can always go on"
        if ready and (not under_way or random.random() < 0.6):
            item = random.choice(ready)
            assert not any(conflict(item, other) for other in under_way)
            order.start(item)
            under_way.append(item)
        else:
            item = under_way.pop(random.randrange(len(under_way)))
            if random.random() < 0.2:
                order.release(item.seq)
            else:
                order.finish(item.seq)
                finished.append(item)

    assert sorted(seqs(finished)) == seqs(todo)
    place = {item.seq: n for n, item in enumerate(finished)}
    expected = arrange(todo)
    for index, one in enumerate(expected):
        for other in expected[index + 1 :]:
            if conflict(one, other):
                assert place[one.seq] < place[other.seq]
