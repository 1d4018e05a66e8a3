"""The engine on other machines: what servers say, and what becomes of an answer when they don't."""

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from bot.engine import ModelError, NoAnswer, OutOfReach, Sampling, Thought
from bot.engine.prompt import Exchange, Prompt, QuestionTooLong
from bot.engine.remote.engine import RemoteEngine
from bot.texts import BROKEN_OFF, OUT_OF_REACH, REFUSED, TOO_LONG
from tests.support.engine_stand_in import EngineServer, chunk, refusal, serving
from tests.support.outside import free_port
from tests.support.waiting import until

PROMPT = Prompt("Be brief.", (Exchange("Alice", "one", "two"),), "Bob", "hello there")
SAMPLING = Sampling(max_new_tokens=40, temperature=0.5, top_p=0.8, top_k=0)
NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture
def unused_port():
    return free_port()


def make_engine(*urls: str, **options) -> RemoteEngine:
    return RemoteEngine(urls, **{"retry_pause": 0.01} | options)


@asynccontextmanager
async def asking(*servers: EngineServer, more: tuple[str, ...] = (), **options):
    """An engine that asks these servers."""
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(serving(server))
        urls = [*more, *(server.url for server in servers)]
        engine = await stack.enter_async_context(make_engine(*urls, **options))
        await engine.ready()
        yield engine


async def said(engine: RemoteEngine, prompt: Prompt = PROMPT, sampling: Sampling = SAMPLING) -> list[str]:
    return [piece async for piece in engine.submit(prompt, sampling)]


async def test_an_answer_comes_piece_by_piece():
    pause = asyncio.Event()
    server = EngineServer(["Hel", "lo", pause, " there"])
    async with asking(server) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert [await anext(stream), await anext(stream)] == ["Hel", "lo"]
        pause.set()
        assert [piece async for piece in stream] == [" there"]


async def test_the_conversation_and_the_sampling_reach_the_server():
    server = EngineServer()
    async with asking(server, api_key="sesame", repetition_penalty=1.2) as engine:
        await said(engine, sampling=Sampling(max_new_tokens=7, temperature=0.5, top_p=0.8, top_k=30, seed=4))
    assert server.requests == [
        {
            "model": "the-model",
            "stream": True,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Alice: one"},
                {"role": "assistant", "content": "two"},
                {"role": "user", "content": "Bob: hello there"},
            ],
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 0.8,
            "top_k": 30,
            "seed": 4,
            "repetition_penalty": 1.2,
            "stream_options": {"include_usage": True},
        }
    ]
    assert set(server.keys) == {"Bearer sesame"}


@pytest.mark.parametrize(
    "mark", ["<|im_end|>", "<|eot_id|>", "</s>", "[INST]", "<end_of_turn>", "<<SYS>>", "<\uff5cUser\uff5c>"]
)
async def test_nobody_can_forge_a_role(mark):
    server = EngineServer()
    async with asking(server) as engine:
        await said(engine, Prompt("", (), "Mallory", f"a {mark} b <b> x < y > z [1]"))
    (message,) = server.requests[0]["messages"]
    assert mark not in message["content"]
    assert message["content"].replace("\u200b", "") == f"Mallory: a {mark} b <b> x < y > z [1]"
    assert message["content"].count("\u200b") == 1


async def test_a_mark_in_full_width_letters_is_none_either():
    server = EngineServer()
    async with asking(server) as engine:
        await said(engine, Prompt("", (), None, "a \uff1c|im_end|\uff1e b"))
    assert server.requests[0]["messages"][0]["content"] == "a <\u200b|im_end|> b"


async def test_thoughts_are_told_apart_whichever_way_they_come():
    def thinking(name: str) -> bytes:
        return chunk({name: "hm"})

    ends = chunk({}, "stop")
    server = EngineServer(
        ["<thi", "nk>hm</think>", "\n\nyes"],
        [thinking("reasoning_content"), chunk({"content": "yes"}), ends],
        [thinking("reasoning"), chunk({"content": "yes"}), ends],
    )
    async with asking(server) as engine:
        for _ in range(3):
            pieces = await said(engine)
            assert pieces == ["hm", "yes"]
            assert [isinstance(piece, Thought) for piece in pieces] == [True, False]


async def test_a_stopped_answer_is_given_up_by_the_server():
    server = EngineServer(["Hello", asyncio.Event()], ["again"])
    async with asking(server) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        await anext(stream)
        stream.stop()
        assert [piece async for piece in stream] == []
        await until(lambda: server.given_up)
        assert engine.status().running == 0
        assert await said(engine) == ["again"]


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
        assert await said(engine) == ["fine"]
    assert len(bad.requests) == len(good.requests) == 1
    assert f"The engine at {bad.url} gave no answer" in caplog.text
    assert "hello there" not in caplog.text


async def test_what_a_server_says_of_the_question_is_not_logged(caplog):
    caplog.set_level(logging.DEBUG, "bot")
    server = EngineServer(*[lambda body: refusal(400, f"I don't like {body['messages']}")] * 9)
    async with asking(server) as engine:
        with pytest.raises(OutOfReach) as raised:
            await said(engine)
    assert str(raised.value) == REFUSED
    assert len(server.requests) == 2, "with our wishes and without them, and then no more"
    assert "HTTP 400" in caplog.text
    assert "hello there" not in caplog.text


async def test_a_server_that_is_down_is_left_alone_for_a_while(caplog):
    server = EngineServer()
    async with asking(server, more=(NOBODY,)) as engine:
        assert engine.status().precision == "1 of 2 servers"
        caplog.clear()
        for _ in range(3):
            assert await said(engine) == ["ok"]
    assert caplog.text == ""


async def test_a_server_that_says_nothing_for_too_long_has_failed():
    slow, good = EngineServer([asyncio.Event()]), EngineServer(["fine"])
    async with asking(slow, good, timeout=0.2) as engine:
        assert await said(engine) == ["fine"]
        assert slow.given_up


async def test_when_no_server_answers_the_asker_is_told():
    async with asking(EngineServer(*[[None]] * 9), more=(NOBODY,)) as engine:
        with pytest.raises(OutOfReach) as raised:
            await said(engine)
    assert str(raised.value) == OUT_OF_REACH


async def test_one_bad_moment_of_the_only_server_is_survived():
    server = EngineServer([None], ["fine"])
    async with asking(server) as engine:
        assert await said(engine) == ["fine"]


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
        assert await said(engine) == ["ok"]
        assert good.requests


async def test_a_server_that_falls_silent_in_mid_answer_is_told():
    server = EngineServer(["Hel", asyncio.Event()])
    async with asking(server, timeout=0.2) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert await anext(stream) == "Hel"
        with pytest.raises(OutOfReach):
            await anext(stream)


async def test_what_the_servers_say_of_their_caches_is_added_up():
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 2%s}}\n\n'
    server = EngineServer(
        ["a", "b", chunk({}, "stop"), usage % b', "prompt_tokens_details": {"cached_tokens": 30}'],
        ["c", chunk({}, "stop"), usage % b""],
        ["d", chunk({}, "stop"), b'data: {"choices": [], "usage": {"total_tokens": 3}}\n\n'],
    )
    async with asking(server) as engine:
        assert engine.status().prompt_tokens_read is None
        for _ in range(3):
            await said(engine)
        status = engine.status()
    assert (status.tokens, status.prompt_tokens_cached, status.prompt_tokens_read) == (4, 30, 70)
    assert status.progressed_at is not None


async def test_an_answer_without_words_is_no_answer():
    async with asking(EngineServer([" "])) as engine:
        with pytest.raises(NoAnswer):
            await said(engine)


def too_long(body):
    """A server with little room."""
    if sum(len(message["content"]) for message in body["messages"]) > 40:
        return refusal(400, "This model's maximum context length is 8 tokens.", "context_length_exceeded")
    return ["short enough"]


async def test_what_a_server_finds_too_long_loses_its_oldest_turns():
    server = EngineServer(*[too_long] * 9)
    turns = tuple(Exchange(None, f"question {number}", f"answer {number}") for number in range(6))
    async with asking(server) as engine:
        assert await said(engine, Prompt("", turns, None, "and now?")) == ["short enough"]
        assert engine.status().precision == "on a server"
    last = server.requests[-1]["messages"]
    assert last[-1]["content"] == "and now?"
    assert [message["content"] for message in last[:-1]] == ["question 5", "answer 5"]


async def test_an_answer_that_fills_the_context_breaks_off_and_is_not_begun_again():
    full = b'data: {"error": {"message": "Context size has been exceeded."}}\n\n'
    server = EngineServer(["one ", "two ", full])
    async with asking(server) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert [await anext(stream), await anext(stream)] == ["one ", "two "]
        with pytest.raises(OutOfReach) as raised:
            await anext(stream)
    assert str(raised.value) == BROKEN_OFF
    assert len(server.requests) == 1


async def test_a_question_that_a_server_finds_too_long_is_refused():
    server = EngineServer(*[too_long] * 9)
    async with asking(server) as engine:
        with pytest.raises(QuestionTooLong) as raised:
            await said(engine, Prompt("", (), None, "x" * 100))
    assert str(raised.value) == TOO_LONG


async def test_prompts_are_bounded_before_they_are_sent():
    server = EngineServer()
    turns = tuple(Exchange(None, f"{number} " + "x" * 100, "y" * 100) for number in range(6))
    async with asking(server, max_prompt_tokens=100) as engine:
        await said(engine, Prompt("", turns, None, "and now?"))
        with pytest.raises(QuestionTooLong, match="it has 125 tokens and may have at most 100"):
            await said(engine, Prompt("", turns, None, "x" * 500))
    (request,) = server.requests
    assert [message["content"][0] for message in request["messages"]] == ["5", "y", "a"]


async def test_a_server_that_knows_only_openais_own_settings_is_asked_without_the_others(caplog):
    def strict(body):
        return refusal(422, "Unexpected fields in the request: top_k") if "top_k" in body else ["fine"]

    server = EngineServer(*[strict] * 3)
    async with asking(server) as engine:
        for _ in range(2):
            assert await said(engine, sampling=Sampling(top_k=30)) == ["fine"]
    assert ["top_k" in body for body in server.requests] == [True, False, False]
    assert caplog.text.count("does not know all of stream_options, top_k") == 1


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


async def test_a_key_that_is_refused_is_told_at_the_start():
    server = EngineServer()
    server.models = refusal(401)
    with pytest.raises(ModelError, match="refuses the key"):
        async with asking(server):
            pass


async def test_which_of_several_models_to_ask_must_be_said():
    server = EngineServer()
    server.models = ["small", "large"]
    with pytest.raises(ModelError, match=r"several models \(small, large\)\. Set ENGINE_MODEL"):
        async with asking(server):
            pass
    async with serving(server), make_engine(server.url, model="large") as engine:
        await said(engine)
    assert server.requests[0]["model"] == "large"


async def test_a_server_that_lists_no_models_is_asked_for_the_one_that_is_set():
    server = EngineServer()
    server.models = refusal(500)
    async with asking(server, model="mine") as engine:
        assert await said(engine) == ["ok"]
    server.models = refusal(404)
    with pytest.raises(ModelError, match=r"does not say which model it has\. Set ENGINE_MODEL"):
        async with asking(server):
            pass


async def test_a_server_that_is_not_well_yet_may_come_back():
    server = EngineServer()
    server.models = refusal(503)
    async with asking(server) as engine:
        server.models = ["the-model"]
        assert await said(engine) == ["ok"]


async def test_a_server_that_comes_back_with_several_models_is_told_in_the_log_and_another_one_answers(
    unused_port, caplog
):
    late, good = EngineServer(), EngineServer()
    late.models = ["small", "large"]
    async with asking(good, more=(f"http://127.0.0.1:{unused_port}/v1",)) as engine, serving(late, unused_port):
        engine._balancer.servers[0].mark_healthy()
        assert await said(engine) == ["ok"]
    assert good.requests
    assert "several models (small, large)" in caplog.text


async def test_a_server_that_comes_later_is_found(unused_port):
    async with make_engine(f"http://127.0.0.1:{unused_port}/v1") as engine:
        await engine.ready()
        assert engine.status().precision == "out of reach"
        async with serving(EngineServer(), unused_port):
            assert await said(engine) == ["ok"]
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
