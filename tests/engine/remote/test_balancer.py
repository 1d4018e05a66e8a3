"""Which of several servers a request goes to."""

import time

from bot.engine.remote.balancer import Balancer


def make(count: int = 3, **options) -> Balancer:
    return Balancer([f"http://{number}" for number in range(count)], 2, **options)


def test_the_least_busy_server_is_asked():
    balancer = make()
    first, second, third = balancer.servers
    with first.generating(), second.generating(), second.generating(), third.generating():
        with third.generating():
            assert balancer.choose(None) is first
        with first.generating(), first.generating():
            assert balancer.choose(None) is third


def test_a_channel_stays_with_its_server_while_that_is_well():
    balancer = make()
    first, second, _ = balancer.servers
    balancer.assign(7, second)
    with second.generating():
        assert balancer.choose(7) is second
        assert balancer.choose(8) is not second
        with second.generating():
            assert balancer.choose(7) is first
        second.mark_failed()
        assert balancer.choose(7) is first


def test_a_server_that_failed_is_left_alone_longer_each_time(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    balancer = make(2)
    first, second = balancer.servers
    rests = []
    for _ in range(9):
        first.mark_failed()
        rests.append(first.retry_at - now)
        assert balancer.choose(None) is second
        now = first.retry_at
        assert first.healthy
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    for _ in range(2000):
        now += 1000
        first.mark_failed()
    assert first.retry_at - now == 300
    first.mark_healthy()
    first.mark_failed()
    assert first.retry_at - now == 5


def test_answers_that_fail_together_are_one_failure():
    balancer = make(1)
    (server,) = balancer.servers
    for _ in range(8):
        server.mark_failed()
    assert server.retry_at - time.monotonic() <= 5


def test_where_none_is_well_all_are_tried_the_one_that_has_rested_longest_first():
    balancer = make()
    first, second, third = balancer.servers
    for server in (third, second, first):
        server.mark_failed()
    assert balancer.choose(None) is third
    assert balancer.choose(None, [third]) is second
    assert balancer.choose(None, balancer.servers) is None


def test_the_channels_that_are_remembered_are_bounded():
    balancer = make(max_channels=2)
    _, second, _ = balancer.servers
    for channel in (1, 2, 1, 3):
        balancer.assign(channel, second)
    with second.generating():
        assert [balancer.choose(channel) is second for channel in (1, 2, 3)] == [True, False, True]


def test_a_server_that_wants_a_pause_is_not_chosen_before_its_end(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    balancer = make(1)
    (server,) = balancer.servers
    server.mark_failed(100)
    server.mark_healthy()  # by an answer that began before
    now = 99.0
    assert balancer.choose(None) is None
    assert (server.healthy, server.busy_for) == (False, 1)
    now = 100.0
    assert balancer.choose(None) is server
    server.mark_failed(1e9)
    assert server.busy_for == 3600
