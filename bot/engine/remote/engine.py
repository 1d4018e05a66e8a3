"""The engine on other machines: servers that speak OpenAI's chat-completions protocol, as most inference engines do."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Self

from bot.engine import ModelError, OutOfReach, Sampling, Status, Stream, Thought
from bot.engine.prompt import Message, Prompt, QuestionTooLong, server_messages
from bot.engine.reasoning import ReasoningParser
from bot.engine.remote.balancer import Server, Servers
from bot.engine.throughput import Throughput
from bot.texts import BROKEN_OFF, OUT_OF_REACH, REFUSED, TOO_LONG

try:
    import openai
except ImportError:
    raise ModelError(
        "ENGINE_URL takes a further package. Run: pip install openai, or, in Parley's folder, pip install '.[remote]'"
    ) from None

log = logging.getLogger(__name__)

_CONNECTING = 5.0  # seconds
_ROUNDS = 2  # how often all servers are tried
_PAUSE = 1.0  # seconds between the rounds
_REFUSED = (400, 413, 422)  # for what was asked; the server itself is well
_NO_LIST = (404, 405, 501)  # of a server that does not tell which models it has
_ABOUT_LENGTH = ("context length", "context_length", "context size", "context window", "too long", "maximum context")


class _Failed(Exception):
    """A server gave no answer; says why, without a word of what was asked. `refused`: it does not take what was."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class _TooLong(Exception):
    """A server refuses a prompt for its length."""


class RemoteEngine:
    """Asks the servers at `urls` for answers, at most `max_batch` at once for each of them, all together.

    An answer comes from the least busy server that is well; a channel's from that which gave its last, whose prefix
    cache knows the beginning. One that fails is left alone for a while. Until the first word of an answer another
    server takes over; after it the answer ends with OutOfReach.

    `model` is what the servers call the model; None: the only one that they have. `timeout` is how many seconds without
    a word make a server one that failed. `max_prompt_tokens` bounds each prompt, about: the servers have the tokenizer.
    Use it with `async with`.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        model: str | None = None,
        api_key: str | None = None,
        max_prompt_tokens: int = 2048,
        max_batch: int = 8,
        repetition_penalty: float | None = None,
        timeout: float = 60,
    ) -> None:
        self._model = model
        self._max_prompt_tokens = max_prompt_tokens
        self._extras: dict[str, Any] = {"stream_options": {"include_usage": True}}
        if repetition_penalty:
            self._extras["repetition_penalty"] = repetition_penalty
        self._servers = Servers(urls, max_batch)
        patience = openai.Timeout(timeout, connect=_CONNECTING)
        self._clients = {
            server: openai.AsyncOpenAI(base_url=server.url, api_key=api_key or "none", max_retries=0, timeout=patience)
            for server in self._servers.all
        }
        self._models: dict[Server, str] = {}
        self._strict: set[Server] = set()  # those that refuse what OpenAI's protocol has not
        self._at_once = max_batch * len(urls)
        self._places = asyncio.Semaphore(self._at_once)
        self._waiting: list[Stream] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._speed = Throughput()
        self._tokens = 0
        self._progressed_at: float | None = None
        self._prompt_tokens_cached: int | None = None  # as far as the servers say
        self._prompt_tokens_read: int | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._looked = asyncio.create_task(self._look_at_all())
        # A failure counts as heard of even if nobody waits for it.
        self._looked.add_done_callback(lambda looked: looked.cancelled() or looked.exception())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def ready(self) -> None:
        """Return when the servers have been looked at. Raises ModelError when one will never answer like this.

        One that is out of reach may come back.
        """
        await asyncio.shield(self._looked)

    async def validated(self) -> None:
        """As `ready`."""
        await self.ready()

    async def wait_failed(self) -> None:
        """Wait for the engine to fail for good; see Engine."""
        await self.ready()
        await asyncio.Event().wait()

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Ask for an answer; see Engine. Raises RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("the engine is closed")
        stream = Stream()
        if not self._tasks:
            self._progressed_at = time.monotonic()
        if len(self._tasks) >= self._at_once:
            self._waiting.append(stream)
            stream.ahead = len(self._waiting)
        task = asyncio.create_task(self._answer(prompt, sampling, channel, stream))
        self._tasks.add(task)
        task.add_done_callback(partial(self._leave, stream))
        stream.on_stop = task.cancel
        return stream

    def status(self) -> Status:
        """What it is doing now; see Status. Its precision is not known here."""
        well, of = sum(server.well for server in self._servers.all), len(self._servers.all)
        where = f"{well} of {of} servers" if of > 1 else "on a server" if well else "out of reach"
        return Status(
            self._model or next(iter(self._models.values()), "remote"),
            where if self._looked.done() else None,
            len(self._tasks) - len(self._waiting),
            len(self._waiting),
            self._speed.tokens_per_second,
            self._progressed_at,
            self._tokens,
            self._prompt_tokens_cached,
            self._prompt_tokens_read,
        )

    def models(self) -> dict[str, str]:
        """What has been found so far: the servers' models, by their addresses."""
        return {server.url: model for server, model in self._models.items()}

    async def close(self) -> None:
        """Stop all that runs or waits, and close the connections."""
        self._closed = True
        ending = [self._looked, *self._tasks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    # The servers, as long as nothing is asked.

    async def _look_at_all(self) -> None:
        await asyncio.gather(*(self._look_at(server) for server in self._servers.all))

    async def _look_at(self, server: Server) -> None:
        try:
            models = await self._list(server)
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                raise ModelError(
                    f"The engine at {server.url} refuses the key (HTTP {error.status_code}). Set ENGINE_API_KEY to one"
                    " that it takes."
                ) from error
            if not self._model and error.status_code not in _NO_LIST:
                self._cannot_be_reached(server, error)
                return
            models = []
        except Exception as error:
            self._cannot_be_reached(server, error)
            return
        if self._model and models and self._model not in models:
            log.warning("The engine at %s lists no model %s, but: %s.", server.url, self._model, ", ".join(models))
        self._models[server] = self._model or self._only(server, models)
        log.info("The engine at %s has the model %s.", server.url, self._models[server])

    def _cannot_be_reached(self, server: Server, error: Exception) -> None:
        log.warning("The engine at %s cannot be reached yet: %s.", server.url, _reason(error))
        server.failed()

    async def _list(self, server: Server) -> list[str]:
        return [model.id async for model in await self._clients[server].models.list(timeout=_CONNECTING)]

    def _only(self, server: Server, models: Sequence[str]) -> str:
        if len(models) == 1:
            return models[0]
        some = f"has several models ({', '.join(models)})" if models else "does not say which model it has"
        raise ModelError(f"The engine at {server.url} {some}. Set ENGINE_MODEL to the one to ask.")

    # One answer.

    async def _answer(self, prompt: Prompt, sampling: Sampling, channel: int | None, stream: Stream) -> None:
        error: BaseException | None = None
        try:
            async with self._place(stream):
                await self._ask(prompt, sampling, channel, stream)
        except Exception as reason:
            error = reason
        finally:
            stream.end(error)

    @asynccontextmanager
    async def _place(self, stream: Stream) -> AsyncIterator[None]:
        """Wait in order until one more answer may be given."""
        await self._places.acquire()
        try:
            self._wait_no_longer(stream)
            stream.begin()
            yield
        finally:
            self._places.release()

    def _leave(self, stream: Stream, task: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step never gets to what it would do in the end.
        self._tasks.discard(task)
        self._wait_no_longer(stream)

    def _wait_no_longer(self, stream: Stream) -> None:
        if stream in self._waiting:
            self._waiting.remove(stream)
            for place, other in enumerate(self._waiting, 1):
                other.ahead = place

    async def _ask(self, prompt: Prompt, sampling: Sampling, channel: int | None, stream: Stream) -> None:
        """Have one server after the other tried until one has answered. Raises OutOfReach or QuestionTooLong."""
        candidates = server_messages(prompt, self._max_prompt_tokens)
        reason: _Failed | None = None
        refused: list[Server] = []
        for at in range(_ROUNDS):
            if at and len(refused) < len(self._servers.all):
                await asyncio.sleep(_PAUSE)
            tried = list(refused)
            while server := self._servers.choose(channel, tried):
                tried.append(server)
                try:
                    with server.answering():
                        return await self._ask_one(server, candidates, sampling, channel, stream)
                except _Failed as failed:
                    log.warning("The engine at %s gave no answer: %s.", server.url, failed)
                    reason = failed
                    refused += [server] if failed.refused else []
                    self._progressed_at = time.monotonic()  # nothing hangs, here
        raise OutOfReach(REFUSED if refused else OUT_OF_REACH) from reason

    async def _ask_one(
        self,
        server: Server,
        candidates: Sequence[Sequence[Message]],
        sampling: Sampling,
        channel: int | None,
        stream: Stream,
    ) -> None:
        """Write a server's answer to the stream. Raises _Failed before its first piece, and OutOfReach after it."""
        begun = False
        while candidates:
            try:
                async with aclosing(self._pieces(server, candidates[0], sampling)) as pieces:
                    async for piece in pieces:
                        if not begun:
                            begun = True
                            server.succeeded()
                            self._servers.settle(channel, server)
                        self._note_token()
                        stream.put(piece)
                return
            except _TooLong as refused:
                if begun:  # the answer has filled the server's context
                    log.warning("The engine at %s had no room for the rest of an answer.", server.url)
                    raise OutOfReach(BROKEN_OFF) from refused
                candidates = candidates[max(1, len(candidates) // 2) :]
            except _Failed as failed:
                if not begun:
                    raise
                log.warning("The engine at %s broke an answer off: %s.", server.url, failed)
                raise OutOfReach(BROKEN_OFF) from failed
        raise QuestionTooLong(TOO_LONG)

    async def _pieces(self, server: Server, said: Sequence[Message], sampling: Sampling) -> AsyncGenerator[str]:
        """What a server says, to its last word. Raises _TooLong, or _Failed whatever else is wrong with it."""
        splitter = ReasoningParser()
        finished, usage = False, None
        try:
            async with await self._open(server, said, sampling) as chunks:
                async for chunk in chunks:
                    usage = getattr(chunk, "usage", None) or usage  # some tell it with each chunk
                    for choice in chunk.choices or ():
                        finished = finished or choice.finish_reason is not None
                        if thought := _thought(choice.delta):
                            yield Thought(thought)
                        for piece in splitter.push(choice.delta.content or ""):
                            yield piece
            for piece in splitter.finish():
                yield piece
            self._note_usage(usage)
        except Exception as error:  # A server may send anything, and each kind of nonsense fails in its own way.
            if _is_about_length(error):
                raise _TooLong from error
            refused = getattr(error, "status_code", None) in _REFUSED
            if not refused:
                server.failed()
            raise _Failed(_reason(error), refused=refused) from error
        if not finished:
            server.failed()
            raise _Failed("its answer has no end")

    async def _open(self, server: Server, said: Sequence[Message], sampling: Sampling) -> Any:
        """The stream of an answer's chunks. What the server does not know of our wishes it is not told again."""
        if server not in self._models:
            self._models[server] = self._model or self._only(server, await self._list(server))
        extras = self._extras | ({"top_k": sampling.top_k} if sampling.top_k else {})
        request: dict[str, Any] = {
            "model": self._models[server],
            "messages": said,
            "stream": True,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            **({} if sampling.seed is None else {"seed": sampling.seed}),
        }
        completions = self._clients[server].chat.completions
        if server not in self._strict:
            try:
                return await completions.create(**request, extra_body=extras)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as refusal:
                if _is_about_length(refusal):
                    raise
        opened = await completions.create(**request)
        if server not in self._strict:
            log.warning(
                "The engine at %s does not know all of %s, so it is not told of them.", server.url, ", ".join(extras)
            )
            self._strict.add(server)
        return opened

    def _note_token(self) -> None:
        """Nearly every token is a piece of its own."""
        now = time.monotonic()
        if self._progressed_at and now - self._progressed_at < 1:  # else nothing was being said for a while
            self._speed.record(1, now - self._progressed_at)
        self._progressed_at = now
        self._tokens += 1

    def _note_usage(self, usage: Any) -> None:
        tokens = getattr(usage, "prompt_tokens", None)
        if tokens:
            cached = getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None) or 0
            self._prompt_tokens_cached = (self._prompt_tokens_cached or 0) + cached
            self._prompt_tokens_read = (self._prompt_tokens_read or 0) + tokens - cached


def _thought(delta: Any) -> str | None:
    """What a reasoning model thinks, which some servers tell apart from what it says, under either name."""
    return getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)


def _is_about_length(error: Exception) -> bool:
    if not isinstance(error, openai.APIError):
        return False
    if getattr(error, "status_code", None) == 413:
        return True
    text = f"{error.code} {error.message}".casefold()
    return getattr(error, "status_code", 400) in _REFUSED and any(words in text for words in _ABOUT_LENGTH)


def _reason(error: Exception) -> str:
    """Why, without what the server says of it: that may quote what was asked."""
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return f"HTTP {error.status_code}, it refuses ENGINE_API_KEY"
        case openai.NotFoundError():
            return "HTTP 404, it does not know that address or ENGINE_MODEL"
        case openai.APIStatusError():
            return f"HTTP {error.status_code}"
        case openai.APITimeoutError():
            return "it said nothing for too long"
        case openai.APIConnectionError():
            return f"no connection ({error.__cause__ or error})"
        case ModelError():
            return str(error)
    return f"{type(error).__name__}"
