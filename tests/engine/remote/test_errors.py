"""What servers and proxies say instead of an answer: the log names it, and a server that wants a pause has it."""

import asyncio
import time
from email.utils import formatdate

import pytest
from aiohttp import web

from bot.engine import ModelError, OutOfReach
from bot.engine.prompt import Prompt
from bot.texts import BUSY, OUT_OF_REACH
from tests.support.engine_stand_in import EngineServer, page, refusal, serving
from tests.support.remote import ask, asking, make_engine
from tests.support.waiting import until

LOADING = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}


@pytest.mark.parametrize(
    ("response", "seen"),
    [
        (lambda: web.json_response(LOADING, status=503), "HTTP 503, it is not ready: Loading model."),
        (
            lambda: refusal(429, "Rate limit reached", headers={"Retry-After": "300"}),
            "HTTP 429, it is asked too often: Rate limit reached (to be asked again after 300 s).",
        ),
        (lambda: page(502, "502 Bad Gateway"), "HTTP 502, a web page: 502 Bad Gateway."),
        (lambda: page(403, "Attention\n Required!"), "HTTP 403, a web page: Attention Required!."),
        (lambda: web.Response(status=500, text="<html></html>"), "HTTP 500, a web page."),
        (lambda: web.json_response({"error": "no such model"}, status=404), "ENGINE_MODEL: no such model."),
        (lambda: web.json_response({"detail": [{"msg": "busy"}]}, status=418), "HTTP 418: busy."),
        (lambda: web.json_response({"error": None, "message": "no credit"}, status=402), "HTTP 402: no credit."),
        (lambda: web.json_response({"code": 1}, status=500), "HTTP 500: JSON with code."),
        (lambda: web.json_response(7, status=500), "HTTP 500: JSON with int."),
        (lambda: web.Response(status=500, text="\x1b[31mred\x1b[0m\r\nalert"), "HTTP 500: [31mred [0m alert."),
        (lambda: web.Response(status=500, text="so " * 500), "so so so …."),
        (lambda: refusal(401, "Wrong key: sk-****oneone"), "ENGINE_API_KEY: Wrong key: …."),
    ],
)
async def test_the_log_names_what_was_seen(response, seen, caplog):
    bad, good = EngineServer(lambda _: response()), EngineServer(["fine"])
    async with asking(bad, good, api_key="sk-sesameoneone") as engine:
        assert await ask(engine) == ["fine"]
    assert len(bad.requests) == 1
    line = caplog.messages[-1]
    assert line.startswith(f"The engine at {bad.url} gave no answer: ")
    assert line.endswith(seen)
    assert len(line) < 400
    assert line.isprintable()


@pytest.mark.parametrize(
    "quote",
    [
        'Failed to parse messages; messages = [{"content": "Zoë: geheim\\nwoord"}]',
        "Cannot read 'Zo\\u00eb: geheim\\nwoord'",
        "Prompt: Zoë: geheim woo",
        "ZOË: GEHEIM WOORD",
    ],
)
async def test_nothing_that_people_wrote_is_quoted(quote, caplog):
    server = EngineServer(*[lambda _: refusal(500, quote)] * 9)
    async with asking(server) as engine:
        with pytest.raises(OutOfReach):
            await ask(engine, Prompt("", (), "Zoë", "geheim\nwoord"))
    assert "HTTP 500: " in caplog.text
    assert not [word for word in ("zo", "geheim", "woo") if word in caplog.text.casefold()]


async def test_a_server_is_not_asked_before_it_wants_to_be():
    asked = []

    def limited(body):
        asked.append(time.monotonic())
        return refusal(429, headers={"Retry-After": "0.5"}) if len(asked) == 1 else ["fine"]

    async with asking(EngineServer(limited, limited, limited)) as engine:
        first = asyncio.create_task(ask(engine))
        (server,) = engine._balancer.servers
        await until(lambda: server.busy_for)
        assert await ask(engine) == ["fine"], "the second question waits, too"
        assert await first == ["fine"]
    refused, *others = asked
    assert all(each - refused >= 0.5 for each in others)


@pytest.mark.parametrize("write", [str, lambda seconds: formatdate(time.time() + seconds, usegmt=True)])
async def test_a_server_that_wants_a_long_pause_is_left_alone_and_the_asker_told_at_once(write):
    server = EngineServer(lambda _: refusal(429, headers={"Retry-After": write(3000)}))
    async with asking(server) as engine:
        for _ in range(2):
            with pytest.raises(OutOfReach) as raised:
                await ask(engine)
            assert str(raised.value) == BUSY
        assert 2000 < engine._balancer.servers[0].busy_for <= 3000
    assert len(server.requests) == 1


async def test_meanwhile_another_server_answers():
    server, good = EngineServer(lambda _: refusal(503, headers={"Retry-After": "3000"})), EngineServer()
    async with asking(server, good) as engine:
        for _ in range(3):
            assert await ask(engine) == ["ok"]
    assert (len(server.requests), len(good.requests)) == (1, 3)


@pytest.mark.parametrize("header", ["soon", "-5", "0", "nan", "inf", "1e999", "Thu, 01 Jan 1970 00:00:00 GMT", ""])
async def test_a_pause_that_is_none_is_not_kept(header):
    server = EngineServer(lambda _: refusal(503, headers={"Retry-After": header}))
    async with asking(server) as engine:
        assert await ask(engine) == ["ok"]


async def test_a_server_that_is_still_loading_is_told_as_busy():
    server = EngineServer(*[lambda _: web.json_response(LOADING, status=503)] * 9)
    async with asking(server) as engine:
        with pytest.raises(OutOfReach) as raised:
            await ask(engine)
    assert str(raised.value) == BUSY


def redirect(status: int, to: str):
    return lambda _: web.Response(status=status, headers={"Location": to})


def by_another_name(server: EngineServer) -> str:
    return server.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_neither_the_question_nor_the_key_goes_to_another_host(status, caplog):
    def elsewhere(body):
        return redirect(status, f"{by_another_name(server)}/chat/completions?token=secret")(body)

    server = EngineServer(*[elsewhere] * 9)
    async with asking(server, api_key="sesame") as engine:
        with pytest.raises(OutOfReach) as raised:
            await ask(engine)
    assert str(raised.value) == OUT_OF_REACH
    assert raised.value.todo == f"If that is the server, and not a login, set ENGINE_URL to {by_another_name(server)}."
    assert f"HTTP {status}, it redirects to {by_another_name(server)}/chat/completions." in caplog.text
    assert len(server.requests) == 2, "one in each round"


async def test_nor_when_the_models_are_listed(caplog):
    server = EngineServer()
    async with serving(server):
        server.models = redirect(302, f"{by_another_name(server)}/models")(None)
        async with make_engine(server.url, api_key="sesame") as engine:
            await engine.ready()
    assert f"it redirects to {by_another_name(server)}/models." in caplog.text
    assert server.keys == ["Bearer sesame"]


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_within_a_server_is_followed(status):
    def moved(body):
        server.scripts.insert(0, ["fine"])
        return redirect(status, "completions")(body)

    server = EngineServer(moved)
    async with asking(server, api_key="sesame") as engine:
        assert await ask(engine) == ["fine"]
    assert server.requests[0] == server.requests[1]
    assert set(server.keys) == {"Bearer sesame"}


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_lose_the_question_is_told(status, caplog):
    server = EngineServer(*[redirect(status, "completions")] * 9)
    async with asking(server) as engine:
        with pytest.raises(OutOfReach):
            await ask(engine)
    assert f"it redirects to {server.url}/chat/completions" in caplog.text


async def test_a_key_is_not_taken_to_another_port():
    other = EngineServer()
    async with serving(other):
        server = EngineServer(*[redirect(307, f"{other.url}/chat/completions")] * 9)
        async with asking(server, api_key="sesame") as engine:
            with pytest.raises(OutOfReach):
                await ask(engine)
    assert not other.requests


MANY = [f"maker/model-{number}" for number in range(345)]


async def test_of_hundreds_of_models_some_are_named():
    server = EngineServer()
    server.models = MANY
    with pytest.raises(ModelError) as raised:
        async with asking(server):
            pass
    assert str(raised.value).endswith(
        "has several models (maker/model-0, maker/model-1, maker/model-2, maker/model-3, maker/model-4 and 340 more)."
        " Set ENGINE_MODEL to one."
    )


async def test_long_names_are_shortened():
    server = EngineServer()
    server.models = ["x" * 5000, "y\x1b[31m"]
    with pytest.raises(ModelError) as raised:
        async with asking(server):
            pass
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


async def test_a_model_that_is_not_among_hundreds_is_told_with_those_that_are_like_it(caplog):
    server = EngineServer()
    server.models = MANY
    async with asking(server, model="maker/modle-217"):
        pass
    (line,) = caplog.messages
    assert "lists no model maker/modle-217, but: maker/model-217, " in line
    assert len(line) < 300


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": "the-model"}],
        {"object": "list", "data": [{"id": "the-model", "owned_by": None}], "models": [{"name": "x"}]},
    ],
    ids=["together", "llama.cpp"],
)
async def test_a_list_of_models_in_another_form_is_read(listed):
    server = EngineServer()
    server.models = web.json_response(listed)
    async with asking(server) as engine:
        assert engine.status().model == "the-model"


@pytest.mark.parametrize(
    ("response", "seen"),
    [
        (lambda: page(200, "Open WebUI"), "HTTP 200, a web page: Open WebUI"),
        (lambda: page(403, "Just a moment..."), "HTTP 403, a web page: Just a moment..."),
        (lambda: web.json_response({"error": "Unexpected endpoint"}), "no answer: Unexpected endpoint"),
        (lambda: web.Response(text="Ollama is running"), "no answer: Ollama is running"),
        (lambda: web.json_response(LOADING, status=503), "HTTP 503, it is not ready: Loading model"),
    ],
)
async def test_what_comes_in_place_of_a_list_of_models_is_named(response, seen, caplog):
    server = EngineServer()
    async with serving(server):
        for model, says in (("mine", "does not list its models"), (None, "cannot be used yet")):
            server.models = response()
            async with make_engine(server.url, model=model) as engine:
                await engine.ready()
            assert f"{says}: " in caplog.messages[-1]
            assert seen in caplog.messages[-1]


async def test_a_server_without_models_is_no_mistake_of_ours():
    server = EngineServer()
    server.models = web.json_response({"object": "list", "data": None})
    with pytest.raises(ModelError, match="does not say which model it has"):
        async with asking(server):
            pass
