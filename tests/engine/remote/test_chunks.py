"""An answer out of what servers send: where it ends, where it broke off, and what is passed over."""

import asyncio
import json

import pytest
from aiohttp import web

from bot.engine import OutOfReach, Thought
from bot.engine.remote.chunks import read_chunks
from bot.texts import BROKEN_OFF
from tests.support.engine_stand_in import EngineServer, chunk, page
from tests.support.remote import PROMPT, SAMPLING, ask, asking

DONE = b"data: [DONE]\n\n"


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def said(text: object, reason: str | None = None) -> bytes:
    return chunk({"content": text}, reason)


COMPLETE = {
    "done-without-a-reason": [said("Hel"), said("lo"), DONE],
    "a-reason-without-done": [said("Hel"), said("lo"), chunk({}, "stop"), b""],
    "a-reason-beside-the-last-words": [said("Hel"), said("lo", "length"), b""],
    "done-without-a-blank-line": [said("Hello"), b"data: [DONE]"],
    "done-without-a-space": [said("Hello"), b"data:[DONE]\n\n"],
    "a-blank-reason": [said("Hel", ""), said("lo", ""), DONE],
    "null-in-quotes": [said("Hel", "null"), said("lo", "null"), DONE],
    "no-reason-at-all": [event({"choices": [{"delta": {"content": "Hello"}}]}), DONE],
    "no-choices": [event({"choices": []}), event({"usage": None}), event({"choices": None}), said("Hello"), DONE],
    "no-delta": [event({"choices": [{"index": 0}]}), event({"choices": [{"delta": None}]}), said("Hello"), DONE],
    "empty-deltas": [chunk({}), chunk({"role": "assistant"}), said(None), said(""), said("Hello"), DONE],
    "comments": [b": OPENROUTER PROCESSING\n\n", said("Hel"), b":\n\n: ping\n\n", said("lo"), DONE],
    "blank-data": [b"data:\n\ndata: \n\n", said("Hello"), b"data\n\n\n\n", DONE],
    "other-fields": [b"event: message\nid: 7\nretry: 10\n" + said("Hello"), DONE],
    "carriage-returns": [said("Hello").replace(b"\n", b"\r\n"), DONE.replace(b"\n", b"\r\n")],
    "an-event-on-two-lines": [b'data: {"choices": [{"delta":\ndata: {"content": "Hello"}}]}\n\n', DONE],
    "content-in-parts": [said([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]), DONE],
    "a-refusal": [chunk({"content": None, "refusal": "Hello"}), DONE],
    "the-text-so-far-beside": [
        event({"choices": [{"delta": {"content": "Hel"}, "message": {"content": "Hel"}}]}),
        event({"choices": [{"delta": {"content": "lo"}, "message": {"content": "Hello"}}]}),
        event({"choices": [{"delta": {}, "message": {"content": "Hello"}, "finish_reason": "stop"}]}),
        b"",
    ],
    "nothing-readable-after-the-end": [said("Hello", "stop"), b"data: {nonsense\n\n"],
    "a-broken-connection-after-the-end": [said("Hello", "stop"), None],
}


@pytest.mark.parametrize("script", COMPLETE.values(), ids=COMPLETE)
async def test_an_answer_ends_well(script):
    async with asking(EngineServer(script)) as engine:
        assert "".join(await ask(engine)) == "Hello"


async def test_after_the_end_nothing_more_is_waited_for():
    server = EngineServer([said("Hello", "stop"), asyncio.Event()])
    async with asking(server, timeout=3600) as engine:
        assert await ask(engine) == ["Hello"]


BROKEN = {
    "closed-with-neither": [said("Hel"), b""],
    "closed-with-a-blank-reason": [said("Hel", ""), b""],
    "an-error-in-the-stream": [said("Hel"), event({"error": "out of memory"})],
    "an-error-of-old": [said("Hel"), event({"object": "error", "message": "out of memory", "code": 50000}), DONE],
    "an-error-that-is-no-event": [said("Hel"), b'error: {"code": 500}\n\n'],
    "given-up-by-the-server": [said("Hel"), chunk({}, "abort"), DONE],
    "an-error-as-the-reason": [said("Hel"), chunk({}, "error"), DONE],
    "half-an-event": [said("Hel"), b'data: {"choices": [{"del'],
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
async def test_an_answer_that_breaks_off_is_no_whole_answer(script, caplog):
    async with asking(EngineServer(script)) as engine:
        stream = engine.submit(PROMPT, SAMPLING)
        assert await anext(stream) == "Hel"
        with pytest.raises(OutOfReach) as raised:
            await anext(stream)
    assert str(raised.value) == BROKEN_OFF
    assert "Hel" not in caplog.text


async def test_reasoning_in_parts_of_the_content_is_told_apart():
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    async with asking(EngineServer([said(thinking), said([{"type": "text", "text": "yes"}]), DONE])) as engine:
        pieces = await ask(engine)
    assert pieces == ["hm", "yes"]
    assert [isinstance(piece, Thought) for piece in pieces] == [True, False]


WHOLE = {
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello", "reasoning": "hm"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 50, "completion_tokens": 2},
}


@pytest.mark.parametrize(
    "response",
    [
        lambda: web.json_response(WHOLE),
        lambda: web.Response(text=json.dumps(WHOLE, indent=2)),
        lambda: web.Response(
            text=json.dumps(WHOLE, indent=2) + "\n\ndata: [DONE]\n\n", content_type="text/event-stream"
        ),
        lambda: [event(WHOLE), DONE],
    ],
    ids=["json", "indented", "json-and-done", "one-event"],
)
async def test_an_answer_that_comes_as_a_whole_is_taken(response):
    async with asking(EngineServer(lambda _: response())) as engine:
        assert await ask(engine) == ["hm", "Hello"]
        assert engine.status().prompt_tokens_read == 50


@pytest.mark.parametrize(
    ("response", "seen"),
    [
        (lambda: web.json_response({"error": "Unexpected endpoint."}), "an error: Unexpected endpoint."),
        (lambda: web.json_response({"message": {"role": "x", "content": "secret"}}), "JSON with message"),
        (lambda: web.json_response(["secret"]), "JSON with list"),
        (lambda: web.Response(text="secret"), "text that is no JSON"),
        (lambda: [b"x" * (1 << 21)], "a line without end"),
        (lambda: [b"data: " + b"x" * 1000 + b"\n"] * 2000, "an event or a document without end"),
        (lambda: page(200, "Sign in"), "a web page: Sign in"),
    ],
)
async def test_what_is_no_answer_is_named_without_quoting_it(response, seen, caplog):
    bad, good = EngineServer(lambda _: response()), EngineServer(["fine"])
    async with asking(bad, good) as engine:
        assert await ask(engine) == ["fine"]
    assert f"The engine at {bad.url} gave no answer: " in caplog.text
    assert seen in caplog.text
    assert "secret" not in caplog.text


async def test_where_the_network_cuts_makes_no_difference():
    whole = b"".join([said("Grüße \u2028 \U0001f600"), b": hm\r\n\r\n", said("!"), DONE])
    for cut in range(len(whole)):

        async def pieces(cut=cut):
            yield whole[:cut]
            yield whole[cut:]

        chunks = [each async for each in read_chunks(pieces())]
        assert [each.said for each in chunks] == ["Grüße \u2028 \U0001f600", "!", ""]
        assert [each.finished for each in chunks] == [False, False, True]
