"""What a server is sent, and what is made of what it sends, from pieces to refusals."""

import logging
import re
from itertools import repeat

import pytest

from bot.engine import ModelError, NoAnswer, OutOfReach, Sampling, Thought
from bot.engine.prompt import Exchange, Prompt, QuestionTooLong
from bot.texts import BROKEN_OFF, REFUSED, TOO_LONG
from tests.support.engine_stand_in import EngineServer, chunk, refusal, serving
from tests.support.remote import PROMPT, SAMPLING, ask, asking, make_engine
from tests.support.waiting import until


async def test_the_conversation_and_the_sampling_reach_the_server():
    server = EngineServer()
    async with asking(server, api_key="sesame", repetition_penalty=1.2) as engine:
        await ask(engine, sampling=Sampling(max_new_tokens=7, temperature=0.5, top_p=0.8, top_k=30, seed=4))
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
        await ask(engine, Prompt("", (), "Mallory", f"a {mark} b <b> x < y > z [1]"))
    (message,) = server.requests[0]["messages"]
    assert mark not in message["content"]
    assert message["content"].replace("\u200b", "") == f"Mallory: a {mark} b <b> x < y > z [1]"
    assert message["content"].count("\u200b") == 1


async def test_a_mark_in_full_width_letters_is_none_either():
    server = EngineServer()
    async with asking(server) as engine:
        await ask(engine, Prompt("", (), None, "a \uff1c|im_end|\uff1e b"))
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
            pieces = await ask(engine)
            assert pieces == ["hm", "yes"]
            assert [isinstance(piece, Thought) for piece in pieces] == [True, False]


async def test_what_a_server_says_of_the_question_is_not_logged(caplog):
    caplog.set_level(logging.DEBUG, "bot")
    server = EngineServer(*[lambda body: refusal(400, f"I don't like {body['messages']}")] * 9)
    async with asking(server) as engine:
        with pytest.raises(OutOfReach) as raised:
            await ask(engine)
    assert str(raised.value) == REFUSED
    assert len(server.requests) == 3, "as it is, without the system role, without what only some servers know"
    assert "like [{'role': 'user', 'content': '…'}," in caplog.text
    assert not {"hello", "there", "Alice", "brief"} & set(re.findall(r"\w+", caplog.text))


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
            await ask(engine)
        status = engine.status()
    assert (status.tokens, status.prompt_tokens_cached, status.prompt_tokens_read) == (4, 30, 70)
    assert status.progressed_at is not None


async def test_an_answer_without_words_is_no_answer():
    async with asking(EngineServer([" "])) as engine:
        with pytest.raises(NoAnswer):
            await ask(engine)


def too_long(body):
    """A server with little room."""
    if sum(len(message["content"]) for message in body["messages"]) > 40:
        return refusal(400, "This model's maximum context length is 8 tokens.", "context_length_exceeded")
    return ["short enough"]


async def test_what_a_server_finds_too_long_loses_its_oldest_turns():
    server = EngineServer(*[too_long] * 9)
    turns = tuple(Exchange(None, f"question {number}", f"answer {number}") for number in range(6))
    async with asking(server) as engine:
        stream = engine.submit(Prompt("", turns, None, "and now?"), SAMPLING)
        assert [piece async for piece in stream] == ["short enough"]
        assert stream.turns_read == len(server.requests[-1]["messages"]) // 2 < len(turns)
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
            await ask(engine, Prompt("", (), None, "x" * 100))
    assert str(raised.value) == TOO_LONG


async def test_prompts_are_bounded_before_they_are_sent():
    server = EngineServer()
    turns = tuple(Exchange(None, f"{number} " + "x" * 100, "y" * 100) for number in range(6))
    async with asking(server, max_prompt_tokens=100) as engine:
        await ask(engine, Prompt("", turns, None, "and now?"))
        with pytest.raises(QuestionTooLong, match="it has 125 tokens, and the limit is 100"):
            await ask(engine, Prompt("", turns, None, "x" * 500))
    (request,) = server.requests
    assert [message["content"][0] for message in request["messages"]] == ["5", "y", "a"]


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
        await ask(engine)
    assert server.requests[0]["model"] == "large"


async def test_a_server_that_lists_no_models_is_asked_for_the_one_that_is_set():
    server = EngineServer()
    server.models = refusal(500)
    async with asking(server, model="mine") as engine:
        assert await ask(engine) == ["ok"]
    server.models = refusal(404)
    with pytest.raises(ModelError, match=r"does not say which model it has\. Set ENGINE_MODEL"):
        async with asking(server):
            pass


@pytest.mark.parametrize(
    "delta", [{"content": "word "}, {"content": " "}, {"reasoning": "hm "}, {"content": "word " * 1000}], ids=repr
)
async def test_an_answer_that_a_server_does_not_end_is_cut_off(delta, caplog):
    server = EngineServer(lambda body: repeat(chunk(delta)), ["fine"])
    async with asking(server) as engine:
        try:
            text = "".join(await ask(engine, sampling=Sampling(max_new_tokens=10)))
        except NoAnswer:
            text = ""
        assert len(text) <= 320
        assert text == (next(iter(delta.values())) * 400)[: len(text)]
        assert "did not end an answer at MAX_NEW_TOKENS" in caplog.text
        assert await ask(engine) == ["fine"]
        await until(lambda: server.given_up)


@pytest.mark.parametrize("nothing", [b": still here\n\n", chunk({}), chunk({"content": ""})], ids=repr)
async def test_a_server_that_keeps_saying_nothing_has_failed(nothing):
    slow, good = EngineServer(lambda body: repeat(nothing)), EngineServer(["fine"])
    async with asking(slow, good, timeout=0.3) as engine:
        assert await ask(engine) == ["fine"]
        assert slow.requests
