"""Which of several servers is asked."""

from bot.engine.remote import balancer
from bot.engine.remote.balancer import Servers


def make(count: int = 3) -> Servers:
    return Servers([f"http://{number}" for number in range(count)], at_once=2)


def test_the_least_busy_server_is_asked():
    some = make()
    with some.all[0].answering(), some.all[1].answering(), some.all[1].answering(), some.all[2].answering():
        with some.all[2].answering():
            assert some.choose(None) is some.all[0]
        with some.all[0].answering(), some.all[0].answering():
            assert some.choose(None) is some.all[2]


def test_a_channel_stays_with_its_server_while_that_is_well():
    some = make()
    some.settle(7, some.all[1])
    with some.all[1].answering():
        assert some.choose(7) is some.all[1]
        assert some.choose(8) is not some.all[1]
        with some.all[1].answering():
            assert some.choose(7) is some.all[0]
        some.all[1].failed()
        assert some.choose(7) is some.all[0]


def test_a_server_that_failed_is_left_alone_longer_each_time(monkeypatch):
    now = 0.0
    monkeypatch.setattr(balancer.time, "monotonic", lambda: now)
    some = make(2)
    first, second = some.all
    rests = []
    for _ in range(9):
        first.failed()
        rests.append(first.rests_until - now)
        assert some.choose(None) is second
        now = first.rests_until
        assert first.well
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    for _ in range(2000):
        now += 1000
        first.failed()
    assert first.rests_until - now == 300
    first.succeeded()
    first.failed()
    assert first.rests_until - now == 5


def test_answers_that_fail_together_are_one_failure():
    some = make(1)
    (server,) = some.all
    for _ in range(8):
        server.failed()
    assert server.rests_until - balancer.time.monotonic() <= 5


def test_where_none_is_well_all_are_tried_the_one_that_has_rested_longest_first():
    some = make()
    for server in reversed(some.all):
        server.failed()
    assert some.choose(None) is some.all[2]
    assert some.choose(None, [some.all[2]]) is some.all[1]
    assert some.choose(None, some.all) is None


def test_the_homes_of_channels_are_bounded(monkeypatch):
    monkeypatch.setattr(balancer, "_HOMES", 2)
    some = make()
    for channel in (1, 2, 1, 3):
        some.settle(channel, some.all[1])
    with some.all[1].answering():
        assert [some.choose(channel) is some.all[1] for channel in (1, 2, 3)] == [True, False, True]
