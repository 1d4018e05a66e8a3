"""The engine on other machines: which server answers, in which order, and what happens when one does not."""

import asyncio

import pytest
from aiohttp import web

from bot.engine import NoAnswer, OutOfReach
from bot.texts import BROKEN_OFF, OUT_OF_REACH
from tests.support.engine_stand_in import EngineServer, refusal, serving
from tests.support.outside import free_port
from tests.support.remote import NOBODY, PROMPT, SAMPLING, ask, asking, make_engine
from tests.support.waiting import until


@pytest.fixture
def unused_port():
    return free_port()


async def test_an_answer_comes_piece_by_piece():
    pause = asyncio.Event()
    server = EngineServer(["Hel", "lo", pause, " there"])
    async with asking(server) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert [await anext(stream), await anext(stream)] == ["Hel", "lo"]
        pause.set()
        assert [piece async for piece in stream] == [" there"]


async def test_a_stopped_answer_is_given_up_by_the_server():
    server = EngineServer(["Hello", asyncio.Event()], ["again"])
    async with asking(server) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        await anext(stream)
        stream.stop()
        assert [piece async for piece in stream] == []
        await until(lambda: server.given_up)
        assert engine.status().running == 0
        assert await ask(engine) == ["again"]


async def test_an_answer_that_has_not_begun_can_be_stopped():
    server = EngineServer([asyncio.Event()])
    async with asking(server) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        await until(lambda: server.requests)
        stream.stop()
        await until(lambda: server.given_up)


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(500),
        refusal(503),
        refusal(429),
        refusal(401),
        refusal(404),
        [None],
        [b""],
        [b"data: {nonsense\n\n"],
        [b"data: [1, 2]\n\n"],
        [b'data: {"choices": [{"delta": null}]}\n\n'],
        [b'data: {"choices": 7}\n\n'],
        [b"\xff\xfe\n\n"],
        [b'data: {"error": {"message": "out of memory"}}\n\n'],
        web.Response(text="<html>"),
        web.json_response({"hello": "world"}),
    ],
    ids=repr,
)
async def test_before_the_first_word_another_server_takes_over(trouble, caplog):
    bad, good = EngineServer(lambda _: trouble), EngineServer(["fine"])
    async with asking(bad, good) as engine:
        assert await ask(engine) == ["fine"]
    assert len(bad.requests) == len(good.requests) == 1
    assert f"The engine at {bad.url} gave no answer" in caplog.text
    assert "hello there" not in caplog.text


async def test_a_server_that_is_down_is_left_alone_for_a_while(caplog):
    server = EngineServer()
    async with asking(server, more=(NOBODY,)) as engine:
        assert engine.status().precision == "1 of 2 servers"
        caplog.clear()
        for _ in range(3):
            assert await ask(engine) == ["ok"]
    assert caplog.text == ""


async def test_a_server_that_says_nothing_for_too_long_has_failed():
    slow, good = EngineServer([asyncio.Event()]), EngineServer(["fine"])
    async with asking(slow, good, timeout=0.2) as engine:
        assert await ask(engine) == ["fine"]
        assert slow.given_up


async def test_when_no_server_answers_the_asker_is_told():
    async with asking(EngineServer(*[[None]] * 9), more=(NOBODY,)) as engine:
        with pytest.raises(OutOfReach) as raised:
            await ask(engine)
    assert str(raised.value) == OUT_OF_REACH


async def test_one_bad_moment_of_the_only_server_is_survived():
    server = EngineServer([None], ["fine"])
    async with asking(server) as engine:
        assert await ask(engine) == ["fine"]


@pytest.mark.parametrize(
    "end", [None, b"data: {nonsense\n\n", b"", b'data: {"error": {"message": "no"}}\n\n'], ids=repr
)
async def test_an_answer_that_breaks_off_is_told_and_not_begun_again(end):
    bad, good = EngineServer(["Hel", end]), EngineServer()
    async with asking(bad, good) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert await anext(stream) == "Hel"
        with pytest.raises(OutOfReach) as raised:
            await anext(stream)
        assert str(raised.value) == BROKEN_OFF
        assert not good.requests
        assert await ask(engine) == ["ok"]
        assert good.requests


async def test_a_server_that_falls_silent_in_mid_answer_is_told():
    server = EngineServer(["Hel", asyncio.Event()])
    async with asking(server, timeout=0.2) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert await anext(stream) == "Hel"
        with pytest.raises(OutOfReach):
            await anext(stream)


async def test_requests_go_to_the_least_busy_server_and_a_channel_stays_with_its_own():
    pause = asyncio.Event()
    one, two = EngineServer(*[["a", pause]] * 9), EngineServer(*[["b", pause]] * 9)
    async with asking(one, two) as engine:
        streams = [engine.submit(PROMPT, SAMPLING, channel) for channel in (1, 2, 3, 4)]
        first = [await anext(stream) for stream in streams]
        assert sorted(first) == ["a", "a", "b", "b"]
        streams += [engine.submit(PROMPT, SAMPLING, channel) for channel in (1, 1, 1, 1)]
        assert {await anext(stream) for stream in streams[4:]} == {first[0]}
        pause.set()
        for stream in streams:
            assert [piece async for piece in stream] == []


async def test_more_than_may_run_at_once_wait_in_order():
    pause = asyncio.Event()
    server = EngineServer(["1", pause], ["2"], ["3"])
    async with asking(server, max_batch=1) as engine:
        first, second, third = (engine.submit(PROMPT, SAMPLING) for _ in range(3))
        assert await anext(first) == "1"
        assert [second.ahead, third.ahead] == [1, 2]
        status = engine.status()
        assert (status.running, status.waiting) == (1, 2)
        second.stop()
        await until(lambda: third.ahead == 1)
        pause.set()
        assert [piece async for piece in third] == ["2"]
        assert third.ahead == 0


async def test_who_stops_at_once_leaves_no_place_taken():
    server = EngineServer(["1", asyncio.Event()])
    async with asking(server, max_batch=1) as engine:
        first, second = (engine.submit(PROMPT, SAMPLING) for _ in range(2))
        second.stop()
        assert await anext(first) == "1"
        status = engine.status()
        assert (status.running, status.waiting) == (1, 0)


async def test_an_engine_out_of_reach_does_not_hang():
    async with make_engine(NOBODY) as engine:
        await engine.ready()
        stream = engine.submit(PROMPT, SAMPLING)
        before = engine.status().progressed_at
        with pytest.raises(OutOfReach):
            await anext(stream)
        assert engine.status().progressed_at > before


async def test_a_server_that_is_not_well_yet_may_come_back():
    server = EngineServer()
    server.models = refusal(503)
    async with asking(server) as engine:
        server.models = ["the-model"]
        assert await ask(engine) == ["ok"]


async def test_a_server_that_comes_back_with_several_models_is_told_in_the_log_and_another_one_answers(
    unused_port, caplog
):
    late, good = EngineServer(), EngineServer()
    late.models = ["small", "large"]
    async with asking(good, more=(f"http://127.0.0.1:{unused_port}/v1",)) as engine, serving(late, unused_port):
        engine._balancer.servers[0].mark_healthy()
        assert await ask(engine) == ["ok"]
    assert good.requests
    assert "several models (small, large)" in caplog.text


async def test_a_server_that_comes_later_is_found(unused_port):
    async with make_engine(f"http://127.0.0.1:{unused_port}/v1") as engine:
        await engine.ready()
        assert engine.status().precision == "out of reach"
        async with serving(EngineServer(), unused_port):
            assert await ask(engine) == ["ok"]
            assert engine.status().precision == "on a server"
            assert engine.status().model == "the-model"


async def test_closing_ends_what_runs_and_what_waits():
    server = EngineServer(["a", asyncio.Event()])
    async with asking(server, max_batch=1) as engine:
        running, waiting = engine.submit(PROMPT, SAMPLING), engine.submit(PROMPT, SAMPLING)
        await anext(running)
        await engine.close()
        for stream in (running, waiting):
            with pytest.raises((StopAsyncIteration, NoAnswer)):
                await anext(stream)
        with pytest.raises(RuntimeError, match="closed"):
            engine.submit(PROMPT, SAMPLING)
