"""The chunks of an answer, out of the bytes of an HTTP response: server-sent events, or one JSON document."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.engine.remote.errors import RequestFailed, ServerError, no_answer

Json: TypeAlias = dict[str, Any]

_MOST_BYTES = 1 << 20  # of one event or document
_OTHER_FIELDS = (b"", b"event", b"id", b"retry")  # of server-sent events; a comment's field has no name
_NO_END = (None, "", "null")  # what servers write as a finish_reason before the end
_BROKEN_END = ("error", "abort")


@dataclass(frozen=True)
class Chunk:
    """A part of an answer; `cut`: the answer's length has ended it. `usage` is the server's report of tokens."""

    said: str = ""
    reasoning: str = ""
    finished: bool = False
    cut: bool = False
    usage: Json | None = None


async def read_chunks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Chunk]:
    """The chunks of an answer. None of them is finished where the connection was closed too early.

    A server may send the whole answer as one document, although a stream was asked for. Raises ServerError for an error
    that a server reports here, and RequestFailed for other things that are no answer, or where it broke the answer off.
    """
    event, document, begun = b"", b"", False
    async for line in _lines(pieces):
        field, _, value = line.partition(b":")
        if field == b"data":
            event += value.strip() + b"\n"
        elif field not in _OTHER_FIELDS:
            document += line + b"\n"
        elif not line:
            if event.startswith(b"[DONE]"):
                break
            if event.strip():
                begun = True
                yield _chunk(_parse(event))
            event = b""
        if len(event) + len(document) > _MOST_BYTES:
            raise no_answer("an event or a document without end")
    if document and not begun:
        answer = _parse(document)
        if not answer.get("choices"):
            raise no_answer(f"JSON with {', '.join(answer) or 'nothing'}")
        yield _chunk(answer)
        yield Chunk(finished=True)
    elif event:
        yield Chunk(finished=True)


def _chunk(data: Json) -> Chunk:
    said = reasoning = ""
    finished = cut = False
    for choice in data.get("choices") or ():
        # Some servers send the whole text so far as a message, beside what is new.
        delta = choice.get("delta") if "delta" in choice else choice.get("message")
        said += _said(delta or {})
        reasoning += _reasoning(delta or {})
        end = choice.get("finish_reason")
        if end in _BROKEN_END:
            raise RequestFailed(f'it ended its answer with "{end}"')
        finished, cut = finished or end not in _NO_END, cut or end == "length"
    return Chunk(said, reasoning, finished, cut, data.get("usage"))


def _said(delta: Json) -> str:
    return _join(delta.get("content")) or _join(delta.get("refusal"))


def _reasoning(delta: Json) -> str:
    """The reasoning that some servers send apart from the answer, under either name, or as parts of the content."""
    parts = delta["content"] if isinstance(delta.get("content"), list) else []
    return (
        _join(delta.get("reasoning_content"))
        or _join(delta.get("reasoning"))
        or "".join(_join(part.get("thinking")) for part in parts if isinstance(part, dict))
    )


def _join(text: Any) -> str:
    """A text that may come in parts."""
    if isinstance(text, list):
        return "".join(_join(part.get("text") if isinstance(part, dict) else part) for part in text)
    return text or ""


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The lines, and a blank one at the end, which ends the last event."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
        if len(rest) > _MOST_BYTES:
            raise no_answer("a line without end")
    yield rest.rstrip(b"\r")
    yield b""


def _parse(text: bytes) -> Json:
    try:
        chunk = json.loads(text)
    except ValueError:
        if text.startswith(b"<"):
            raise ServerError(200, text.decode(errors="replace")) from None
        raise no_answer("text that is no JSON") from None  # it can be a part of an answer, so it is not quoted
    if not isinstance(chunk, dict):
        raise no_answer(f"JSON with {type(chunk).__name__}")
    if chunk.get("error") or chunk.get("object") == "error":
        raise ServerError(_status(chunk), text.decode(errors="replace"))
    return chunk


def _status(chunk: Json) -> int | None:
    """The status code of an error that comes in a stream, where it has one."""
    error = chunk["error"] if isinstance(chunk.get("error"), dict) else chunk
    code = str(error.get("code"))
    return int(code) if code.isdecimal() and 400 <= int(code) < 600 else None
