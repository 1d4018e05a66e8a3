"""The engine on other machines: requests wait for a slot, and are retried on another server until an answer begins."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Self

from bot.engine import Beginning, NotContinuable, OutOfReach, Sampling, Status, Stream
from bot.engine.chat_template import Message
from bot.engine.prompt import Prompt, QuestionTooLong, server_messages
from bot.engine.remote.balancer import Balancer, Server
from bot.engine.remote.client import Client
from bot.engine.remote.errors import ContextExceeded, RequestFailed
from bot.engine.throughput import Throughput
from bot.texts import BROKEN_OFF, BUSY, CANNOT_CONTINUE, NO_ROOM_LEFT, OUT_OF_REACH, REFUSED, TOO_LONG

log = logging.getLogger(__name__)

_ROUNDS = 2  # how often all servers are tried
_LONGEST_PAUSE = 60.0  # seconds between two rounds; as long as somebody in a chat may wait for an answer to begin


class RemoteEngine:
    """Asks the servers at `urls` for answers, at most `max_batch` at once on each of them.

    A request goes to the least busy healthy server, but a channel's to the one that gave its last answer, whose prefix
    cache has the beginning of the prompt. A server that fails is left alone for a while. Before an answer's first piece
    another server takes over; after it, the answer ends with OutOfReach.

    `model` is the servers' name of the model; None is the only one they have. A server that sends nothing for `timeout`
    seconds has failed. `max_prompt_tokens` bounds each prompt roughly, as the tokenizer is the servers'. `retry_pause`
    is in seconds, between two rounds of trying all servers. Use it with `async with`.
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
        retry_pause: float = 1.0,
    ) -> None:
        self._model = model
        self._max_prompt_tokens = max_prompt_tokens
        self._retry_pause = retry_pause
        self._balancer = Balancer(urls, max_batch)
        self._clients = {
            server: Client(
                server.url, model=model, api_key=api_key, repetition_penalty=repetition_penalty, timeout=timeout
            )
            for server in self._balancer.servers
        }
        self._max_running = max_batch * len(urls)
        self._slots = asyncio.Semaphore(self._max_running)
        self._waiting: list[Stream] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._throughput = Throughput()
        self._closed = False

    async def __aenter__(self) -> Self:
        self._connected = asyncio.create_task(self._connect_all())
        # Retrieved here, so that asyncio does not log a failure which nobody waits for.
        self._connected.add_done_callback(lambda connected: connected.cancelled() or connected.exception())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def ready(self) -> None:
        """Return when all servers have been asked for their models. Raises ModelError where the configuration is wrong.

        A server that cannot be reached may come back, so that is no error.
        """
        await asyncio.shield(self._connected)

    async def validated(self) -> None:
        """The same as `ready`."""
        await self.ready()

    async def wait_failed(self) -> None:
        """Wait until the engine fails for good; see Engine."""
        await self.ready()
        await asyncio.Event().wait()

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Ask for an answer; see Engine. Raises RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("the engine is closed")
        stream = Stream()
        if not self._tasks:
            self._throughput.touch()
        if len(self._tasks) >= self._max_running:
            self._waiting.append(stream)
            stream.ahead = len(self._waiting)
        task = asyncio.create_task(self._answer(prompt, sampling, channel, stream))
        self._tasks.add(task)
        task.add_done_callback(partial(self._finish, stream))
        stream.on_stop = task.cancel
        return stream

    def status(self) -> Status:
        """What the engine is doing now; see Status. Its `precision` says how many servers are healthy."""
        healthy, total = sum(server.healthy for server in self._balancer.servers), len(self._balancer.servers)
        where = f"{healthy} of {total} servers" if total > 1 else "on a server" if healthy else "out of reach"
        return Status(
            self._model or next(iter(self.models().values()), "remote"),
            where if self._connected.done() else None,
            len(self._tasks) - len(self._waiting),
            len(self._waiting),
            self._throughput.tokens_per_second,
            self._throughput.progressed_at,
            self._throughput.tokens,
            _sum(client.prompt_tokens_cached for client in self._clients.values()),
            _sum(client.prompt_tokens_read for client in self._clients.values()),
        )

    def models(self) -> dict[str, str]:
        """The servers' models found so far, by URL."""
        return {client.url: client.model for client in self._clients.values() if client.model is not None}

    def refused(self) -> dict[str, list[str]]:
        """What the servers were found to refuse of requests, which are sent without that, by URL."""
        return {client.url: sorted(client.refused) for client in self._clients.values() if client.refused}

    def continues(self) -> dict[str, bool]:
        """Whether the servers are known to continue an answer, by URL."""
        return {client.url: client.continues for client in self._clients.values()}

    async def close(self) -> None:
        """Stop all requests, and close the connections."""
        self._closed = True
        tasks = [self._connected, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    async def _connect_all(self) -> None:
        await asyncio.gather(*(self._connect(server) for server in self._balancer.servers))

    async def _connect(self, server: Server) -> None:
        try:
            await self._clients[server].find_model()
        except RequestFailed as error:
            log.warning("The engine at %s cannot be used yet: %s.", server.url, error)
            server.mark_failed(error.retry_after)

    async def _answer(self, prompt: Prompt, sampling: Sampling, channel: int | None, stream: Stream) -> None:
        error: BaseException | None = None
        try:
            async with self._slot(stream):
                await self._generate(prompt, sampling, channel, stream)
        except Exception as reason:
            error = reason
        finally:
            stream.end(error)

    @asynccontextmanager
    async def _slot(self, stream: Stream) -> AsyncIterator[None]:
        """Wait in order for a slot, and hold it within the block."""
        await self._slots.acquire()
        try:
            self._dequeue(stream)
            stream.begin()
            yield
        finally:
            self._slots.release()

    def _finish(self, stream: Stream, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._dequeue(stream)  # a task cancelled before its first step has not done so

    def _dequeue(self, stream: Stream) -> None:
        if stream in self._waiting:
            self._waiting.remove(stream)
            for place, other in enumerate(self._waiting, 1):
                other.ahead = place

    async def _generate(self, prompt: Prompt, sampling: Sampling, channel: int | None, stream: Stream) -> None:
        """Try one server after another until one has answered.

        Raises OutOfReach, QuestionTooLong or NotContinuable.
        """
        candidates = self._candidates(prompt)
        error: RequestFailed | None = None
        refused = [server for server, client in self._clients.items() if prompt.beginning and not client.continues]
        for number in range(_ROUNDS):
            if number and not await self._pause(refused):
                break
            tried = list(refused)
            while server := self._balancer.choose(channel, tried):
                tried.append(server)
                try:
                    with server.generating():
                        return await self._generate_on(server, candidates, prompt, sampling, channel, stream)
                except RequestFailed as failed:
                    log.warning("The engine at %s gave no answer: %s.", server.url, failed)
                    error = failed
                    refused += [server] if failed.refused else []
                    self._throughput.touch()
        if prompt.beginning and not any(self.continues().values()):
            raise NotContinuable(CANNOT_CONTINUE) from error
        error = error or RequestFailed("it wants no request for now", todo="Wait, and check again.", busy=True)
        raise OutOfReach(REFUSED if refused else BUSY if error.busy else OUT_OF_REACH, error.todo) from error

    def _candidates(self, prompt: Prompt) -> list[list[Message]]:
        try:
            return server_messages(prompt, self._max_prompt_tokens)
        except QuestionTooLong as error:
            if prompt.beginning:
                raise NotContinuable(NO_ROOM_LEFT) from error
            raise

    async def _pause(self, refused: Sequence[Server]) -> bool:
        """Wait until a server may be asked again; returns whether one may before too long."""
        waits = [server.busy_for for server in self._balancer.servers if server not in refused]
        if not waits or min(waits) > _LONGEST_PAUSE:
            return False
        await asyncio.sleep(self._retry_pause + min(waits))
        self._throughput.touch()
        return True

    async def _generate_on(
        self,
        server: Server,
        candidates: Sequence[Sequence[Message]],
        prompt: Prompt,
        sampling: Sampling,
        channel: int | None,
        stream: Stream,
    ) -> None:
        """Stream one server's answer, to the longest of the candidates that its context has room for.

        Raises RequestFailed before the first piece, OutOfReach after it, and QuestionTooLong, or NotContinuable, where
        no candidate fits.
        """
        begun = False
        while candidates:
            try:
                async with aclosing(self._clients[server].generate(candidates[0], sampling)) as pieces:
                    async for piece in pieces:
                        if not begun:
                            begun = True
                            stream.turns_read = sum(message["role"] == "assistant" for message in candidates[0][:-1])
                            server.mark_healthy()
                            self._balancer.assign(channel, server)
                            if prompt.beginning:
                                stream.put(prompt.beginning.said)
                        if piece is None:
                            self._note_beginning(server, prompt, stream)
                        else:
                            self._record_token()
                            stream.put(piece)
                if prompt.beginning and not begun:  # there was nothing more to say
                    stream.put(prompt.beginning.said)
                return
            except ContextExceeded as error:
                if begun:
                    log.warning("The engine at %s had no room for the rest of an answer.", server.url)
                    raise OutOfReach(BROKEN_OFF) from error
                candidates = candidates[max(1, len(candidates) // 2) :]
            except RequestFailed as error:
                if not error.refused:
                    server.mark_failed(error.retry_after)
                if not begun:
                    raise
                log.warning("The engine at %s broke an answer off: %s.", server.url, error)
                raise OutOfReach(BROKEN_OFF, error.todo) from error
        raise NotContinuable(NO_ROOM_LEFT) if prompt.beginning else QuestionTooLong(TOO_LONG)

    def _note_beginning(self, server: Server, prompt: Prompt, stream: Stream) -> None:
        """Offer an answer that its length has ended to be continued, if the server can and there is room for more.

        A model that has reasoned would have to be given its thoughts, too, for which there is no common way.
        """
        beginning = Beginning(stream.said)
        if self._clients[server].continues and stream.said.strip() and not stream.reasoned:
            with suppress(NotContinuable):
                self._candidates(replace(prompt, beginning=beginning))
                stream.beginning = beginning

    def _record_token(self) -> None:
        """Record a piece as one token, which nearly every piece is."""
        last = self._throughput.progressed_at
        pause = None if last is None else time.monotonic() - last
        # After a longer pause, nothing was generated in between.
        self._throughput.record(1, pause if pause is not None and pause < 1 else None)


def _sum(counts: Iterable[int | None]) -> int | None:
    """The sum of the known counts; None where none is known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
