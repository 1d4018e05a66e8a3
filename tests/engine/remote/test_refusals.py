"""What a server refuses of a request is left out, and that is remembered."""

import json

import pytest
from aiohttp import web

from bot.engine import OutOfReach, Sampling
from bot.engine.prompt import Prompt, QuestionTooLong
from tests.support.engine_stand_in import EngineServer, refusal
from tests.support.remote import PROMPT, ask, asking

SAMPLING = Sampling(max_new_tokens=40, temperature=0.5, top_p=0.8, top_k=30, seed=4)
MERGED = [
    {"role": "user", "content": "Be brief.\n\nAlice: one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "Bob: hello there"},
]


def in_json(status: int, body: object):
    return lambda: web.json_response(body, status=status)


def in_stream(body: object):
    return lambda: [b"event: error\ndata: " + json.dumps(body).encode() + b"\n\n"]


def refusing(condition, answer):
    """A server that gives this answer to requests that meet the condition."""
    return EngineServer(*[lambda body: answer() if condition(body) else ["fine"]] * 20)


def has_system(body):
    return body["messages"][0]["role"] == "system"


LLAMA_CPP = (
    "\n------------\nWhile executing CallExpression at line 1, column 72 in source:\n"
    "...role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif...\n"
    "Error: Jinja Exception: System role not supported"
)


@pytest.mark.parametrize(
    "answer",
    [
        in_json(500, {"error": {"code": 500, "message": LLAMA_CPP, "type": "server_error"}}),
        in_json(400, {"object": "error", "message": "System role not supported", "param": None, "code": 400}),
        in_json(422, {"error": "Template error: invalid operation: System role not supported", "error_type": "x"}),
        in_json(400, {"error": 'Error rendering prompt with jinja template: "Conversation roles must alternate"'}),
        in_json(400, [{"error": {"code": 400, "message": "Developer instruction is not enabled for models/gemma"}}]),
        in_json(
            400,
            {
                "error": {
                    "message": "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                    "param": "messages[0].role",
                    "code": "unsupported_value",
                }
            },
        ),
        in_stream({"error": {"message": "Only user and assistant roles are supported!"}}),
        lambda: web.Response(status=500, text="Internal Server Error"),
        lambda: web.Response(status=500),
    ],
    ids=["llama.cpp", "vllm", "tgi", "lm-studio", "gemini", "openai", "in-the-stream", "sglang", "mistral.rs"],
)
async def test_a_server_without_a_system_role_gets_the_system_prompt_in_the_first_question(answer, caplog):
    server = refusing(has_system, answer)
    async with asking(server) as engine:
        for _ in range(2):
            assert await ask(engine) == ["fine"]
        assert engine.refused() == {server.url: ["the system role"]}
    assert [request["messages"] == MERGED for request in server.requests][-2:] == [True, True]
    assert all(has_system(request) for request in server.requests[:-2])
    assert caplog.text.count("refuses the system role") == 1
    assert "top_k" not in caplog.text


async def test_each_server_is_remembered_by_itself():
    gemma = refusing(has_system, lambda: refusal(400, "System role not supported"))
    other = EngineServer()
    async with asking(gemma, other) as engine:
        await ask(engine)
        gemma.scripts = [[None]] * 9
        await ask(engine)
    assert gemma.requests[1]["messages"] == MERGED
    assert has_system(other.requests[-1])


async def test_a_bad_moment_is_no_refusal_of_the_system_role():
    server = EngineServer(lambda _: web.Response(status=500, text="Internal Server Error"))
    async with asking(server) as engine:
        await ask(engine)
        assert engine.refused() == {}
    assert all(has_system(request) for request in server.requests)


async def test_without_a_system_prompt_there_is_nothing_to_merge():
    server = EngineServer(*[lambda _: refusal(500, "Conversation roles must alternate")] * 9)
    async with asking(server) as engine:
        with pytest.raises(OutOfReach):
            await ask(engine, Prompt("", (), None, "hello"))
    assert len(server.requests) == 2, "one in each round"


def extra_forbidden(name):
    return {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 30}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("top_k", in_json(400, {"error": {"message": "Unknown parameter.", "param": "top_k", "code": "unknown"}})),
        ("top_k", in_json(400, {"error": {"message": "Unrecognized request argument supplied: top_k", "param": ""}})),
        ("top_k", in_json(422, {"detail": [extra_forbidden("top_k")]})),
        ("top_k", in_json(422, {"object": "error", "message": {"detail": [extra_forbidden("top_k")]}, "param": None})),
        ("top_k", in_json(400, {"object": "error", "message": f"[{extra_forbidden('top_k')}]", "code": 400})),
        ("top_k", in_json(422, {"detail": "body -> top_k\n  Extra inputs are not permitted (type=extra_forbidden)"})),
        ("top_k", in_json(400, {"detail": "1 validation error for Request\ntop_k\n  Extra inputs are not permitted"})),
        ("top_k", in_json(422, {"detail": "Unexpected fields in the request: {'top_k'}"})),
        ("seed", in_json(400, [{"error": {"code": 400, "message": 'Unknown name "seed": Cannot find field.'}}])),
        ("seed", in_stream({"error": {"message": "seed is not supported", "code": 400}})),
        (
            "stream_options",
            in_json(400, {"error": {"message": "property 'stream_options' is unsupported, did you mean 'stream'?"}}),
        ),
        ("stream_options", in_json(400, {"error": {"message": "include_usage is not supported", "param": "None"}})),
        (
            "temperature",
            in_json(400, {"error": {"message": "top_p is 1; temperature must be 1, too", "param": "temperature"}}),
        ),
        ("top_p", in_json(400, {"error": {"message": "`temperature` and `top_p` cannot both be specified."}})),
    ],
)
async def test_a_parameter_that_a_server_refuses_is_left_out(name, answer, caplog):
    server = refusing(lambda body: name in body, answer)
    async with asking(server) as engine:
        for _ in range(2):
            assert await ask(engine, sampling=SAMPLING) == ["fine"]
    refused, *others = server.requests
    assert others == [{key: value for key, value in refused.items() if key != name}] * 2
    assert caplog.text.count(f"refuses {name}={refused[name]}. From now on") == 1


async def test_several_parameters_are_left_out_one_by_one(caplog):
    def strict(body):
        extra = [name for name in ("seed", "top_k", "stream_options") if name in body]
        return refusal(400, f"Unknown parameter: '{extra[0]}'.") if extra else ["fine"]

    server = EngineServer(*[strict] * 9)
    async with asking(server) as engine:
        assert await ask(engine, sampling=SAMPLING) == ["fine"]
    assert set(server.requests[-1]) == {"model", "messages", "stream", "max_tokens", "temperature", "top_p"}
    assert caplog.text.count("refuses") == 1


async def test_a_refusal_without_reasons_is_tried_without_what_openai_does_not_know(caplog):
    server = refusing(lambda body: "top_k" in body, lambda: refusal(400, "Bad request"))
    async with asking(server) as engine:
        for _ in range(2):
            assert await ask(engine, sampling=SAMPLING) == ["fine"]
    assert ["top_k" in body for body in server.requests] == [True, False, False]
    assert "refuses stream_options={'include_usage': True} and top_k=30." in caplog.text


async def test_a_limit_has_another_name_at_some_servers():
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
    server = refusing(lambda body: "max_tokens" in body, lambda: refusal(400, message, param="max_tokens"))
    async with asking(server) as engine:
        for tokens in (40, 50):
            assert await ask(engine, sampling=Sampling(max_new_tokens=tokens)) == ["fine"]
    assert [body.get("max_completion_tokens") for body in server.requests] == [None, 40, 50]


@pytest.mark.parametrize("message", ["{} is unknown", "Neither max_tokens nor max_completion_tokens"])
async def test_an_answer_without_any_limit_is_cut_off_by_us(message):
    def strict(body):
        limits = [name for name in ("max_tokens", "max_completion_tokens") if name in body]
        return refusal(400, message.format(*limits)) if limits else ["word " * 1000]

    async with asking(EngineServer(*[strict] * 9)) as engine:
        assert len("".join(await ask(engine, sampling=Sampling(max_new_tokens=10)))) == 320


async def test_a_refused_value_says_nothing_of_others():
    def strict(body):
        if body.get("temperature") == 0:
            return refusal(422, "Input validation error: `temperature` must be strictly positive")
        return ["fine"]

    server = EngineServer(*[strict] * 9)
    async with asking(server) as engine:
        for temperature in (0, 0.5, 0):
            await ask(engine, sampling=Sampling(temperature=temperature))
    assert [body.get("temperature") for body in server.requests] == [0, None, 0.5, None]


async def test_a_server_that_refuses_to_stream_is_asked_for_the_whole():
    whole = {"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}

    def unverified(body):
        if "stream" in body:
            return refusal(400, "Your organization must be verified to stream this model.", param="stream")
        if "stream_options" in body:
            message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            return refusal(400, message, param="stream_options")
        return web.json_response(whole)

    server = EngineServer(*[unverified] * 9)
    async with asking(server) as engine:
        for _ in range(2):
            assert await ask(engine) == ["fine"]
    assert len(server.requests) == 4


async def test_words_that_people_write_are_not_taken_for_parameters(caplog):
    def picky(body):
        if "top_k" in body:
            return refusal(400, f"Bad request: {body['messages'][-1]}")
        return ["fine"]

    server = EngineServer(*[picky] * 20)
    question = Prompt("", (), "Mallory", "temperature seed top_p max_tokens stream")
    async with asking(server) as engine:
        assert await ask(engine, question, SAMPLING) == ["fine"]
        assert not {"temperature=0.5", "seed=4", "top_p=0.8", "max_tokens"} & set(engine.refused()[server.url])
        assert await ask(engine, PROMPT, SAMPLING) == ["fine"]
    assert {"temperature", "seed", "top_p", "max_tokens"} <= set(server.requests[-1])


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens must be at least 1, got -186.",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 and 200",
        "'max_tokens' is too large: 200. This model's maximum context length is 128 tokens",
        "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    ],
)
async def test_a_prompt_that_is_too_long_is_no_refusal_of_a_parameter(message):
    server = EngineServer(*[lambda _: refusal(422, message)] * 9)
    async with asking(server) as engine:
        with pytest.raises(QuestionTooLong):
            await ask(engine, Prompt("", (), None, "hello"), SAMPLING)
        assert engine.refused() == {}
    assert len(server.requests) == 1
