"""Which connection gives up its place, at any time and in any order of events."""

from __future__ import annotations

import socket
from functools import partial
from ipaddress import IPv6Address

from hypothesis import example, given
from hypothesis import strategies as st

from lineage_bridge.http import HttpLimits
from lineage_bridge.http.connections import (
    PROMPT_SECONDS,
    READ_SECONDS,
    STALLED_SECONDS,
    Connections,
    Doing,
    peer_of,
)

LIMITS = HttpLimits(
    connections_max=4, peer_connections_max=3, idle_seconds=75, head_seconds=10, body_seconds=60
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.sampled_from("abc")),
        st.tuples(st.just("turn"), st.tuples(st.integers(0, 9), st.sampled_from(Doing))),
        st.tuples(st.just("leave"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.floats(0, 100)),
        st.tuples(st.just("end overdue"), st.none()),
    ),
    max_size=60,
)


@given(STEPS)
def test_bounds_hold_and_whoever_is_at_work_stays(steps):
    now = 0.0
    open_ = []
    connections = Connections(LIMITS, lambda: now)
    for step, value in steps:
        before = [(visit, visit.doing, visit.since) for visit in open_]
        if step == "enter":
            visit = connections.enter(value, lambda: None)
            if visit is not None:
                visit.hang_up = partial(open_.remove, visit)
                open_.append(visit)
        elif step == "turn" and value[0] < len(open_):
            connections.turns_to(open_[value[0]], value[1])
        elif step == "leave" and value < len(open_):
            connections.leave(open_.pop(value))
        elif step == "wait":
            now += value
        elif step == "end overdue":
            connections.end_overdue()
            assert all(one.doing is Doing.ANSWER or now - one.since <= 75 for one in open_)
            assert all(one.doing is not Doing.HEAD or now - one.since <= 10 for one in open_)
        assert len(open_) <= 4
        assert all(sum(one.peer == peer for one in open_) <= 3 for peer in "abc")
        if step in {"enter", "end overdue"}:
            bodies = sum(doing is Doing.BODY for _, doing, _ in before)
            for one, doing, since in before:
                # Of four places that are not at work, bodies keep two in any case.
                young = doing is Doing.BODY and now - since < STALLED_SECONDS and bodies < 3
                assert one in open_ or not (doing is Doing.ANSWER or young)


def test_the_longest_waiting_goes_first_and_a_body_only_where_nobody_waits():
    now = 0.0
    gone = []
    connections = Connections(LIMITS, lambda: now)

    def enter(name, peer, doing=Doing.WAITING):
        visit = connections.enter(peer, lambda: gone.append(name))
        if visit is not None:
            connections.turns_to(visit, doing)
        return visit

    body, answer = enter("body", "a", Doing.BODY), enter("answer", "a", Doing.ANSWER)
    now = 1.0
    first, head = enter("first", "b"), enter("head", "b", Doing.HEAD)
    assert all([body, answer, first, head])
    now = 2.0
    connections.turns_to(first, Doing.WAITING)
    assert enter("busy 1", "c", Doing.ANSWER)
    assert enter("busy 2", "c", Doing.ANSWER)
    assert gone == ["head", "first"]
    assert enter("busy 3", "c", Doing.ANSWER)
    assert gone == ["head", "first", "body"]
    assert enter("nobody", "b") is None
    assert enter("nobody", "c") is None


def test_who_was_answered_before_and_who_reads_go_after_those_who_never_asked():
    now = 0.0
    gone = []
    connections = Connections(LIMITS, lambda: now)

    def enter(name, peer):
        return connections.enter(peer, lambda: gone.append(name))

    known, reader = enter("known", "a"), enter("reader", "a")
    known.is_known = reader.is_known = True
    reader.unsent = lambda: 5
    now = 1.0
    for name in ("b1", "b2", "b3", "b4"):
        assert enter(name, "b")
    assert gone == ["b1", "b2"]
    for name in ("c1", "c2", "c3"):
        visit = enter(name, "c")
        connections.turns_to(visit, Doing.ANSWER)
    assert gone == ["b1", "b2", "b3", "b4", "known"]
    assert enter("nobody", "d") is None
    now = 2.0
    assert enter("d", "d")  # the answer has not been read for two seconds
    assert gone[-1] == "reader"


def test_a_slow_reader_stays_as_long_as_it_reads():
    now = 0.0
    unsent = 300
    gone = []
    connections = Connections(LIMITS, lambda: now)
    visit = connections.enter("a", lambda: gone.append(now))
    visit.unsent = lambda: unsent
    for _ in range(3):
        now += 76
        connections.end_overdue()
        unsent -= 100
    assert gone == []
    unsent = 100
    now += 76
    connections.end_overdue()
    assert gone == [now]


OTHERS = st.lists(st.sampled_from(["body", "answer", "idle"]), min_size=16, max_size=16)


@given(OTHERS, st.integers(5, 40))
def test_newcomers_have_room_however_young_all_others_are(others, newcomers):
    now = 0.0
    left = dict(enumerate([*others, *["new"] * newcomers]))
    connections = Connections(HttpLimits(connections_max=16, peer_connections_max=16), lambda: now)
    for number, name in list(left.items()):
        now = 0.0 if number < len(others) else min(PROMPT_SECONDS, STALLED_SECONDS) / 2
        visit = connections.enter("a", partial(left.pop, number))
        assert visit is not None
        visit.is_known = name in {"answer", "idle"}
        if name == "body":
            connections.turns_to(visit, Doing.BODY)
        if name == "answer":
            visit.unsent = lambda: 5
    assert list(left)[-4:] == list(range(12 + newcomers, 16 + newcomers))
    names = list(left.values())
    assert names.count("idle") >= min(4, others.count("idle"))
    under_way = names.count("body") + names.count("answer")
    assert under_way >= min(8, len(others) - others.count("idle"))


def test_the_next_one_waits_while_many_were_not_read_yet():
    now = 0.0
    connections = Connections(HttpLimits(connections_max=64, peer_connections_max=64), lambda: now)
    visits = [connections.enter("a", lambda: None) for _ in range(8)]
    assert connections.must_read_first()
    connections.turns_to(visits[3], Doing.ANSWER)
    assert not connections.must_read_first()
    connections.enter("a", lambda: None)
    assert connections.must_read_first()
    now += READ_SECONDS
    assert not connections.must_read_first()


HALVES = st.integers(0, 2**64 - 1)  # of an address: the network of a customer, and a host in it


@given(HALVES, st.integers(0, 63), HALVES, HALVES)
@example(0x20010DB8_00000001, 0, 0, 2**64 - 1)  # the last bit of one, and all bits of the other
def test_all_ipv6_addresses_of_one_customer_are_one_peer(network, bit, host, another):
    def peer(of_network, host):
        return peer_of(socket.AF_INET6, str(IPv6Address(of_network << 64 | host)))

    assert peer(network, host) == peer(network, another)
    assert peer(network, host) != peer(network ^ 1 << bit, host)


def test_an_ipv4_address_is_the_same_peer_on_either_kind_of_socket():
    assert peer_of(socket.AF_INET6, "::ffff:192.0.2.5") == peer_of(socket.AF_INET, "192.0.2.5")
    assert peer_of(socket.AF_INET6, "::ffff:192.0.2.6") != peer_of(socket.AF_INET, "192.0.2.5")
    assert peer_of(socket.AF_INET6, "fe80::1%eth0") == peer_of(socket.AF_INET6, "fe80::2%eth0")
