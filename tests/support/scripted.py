"""An engine whose answers a test scripts, for what the demo model can't be made to do."""

import asyncio
import time
from collections.abc import Iterable
from itertools import chain

from bot.engine import Beginning, Sampling, Status, Stream
from bot.engine.prompt import Prompt


class Cut:
    """The end of an answer that has reached its length."""

    def __repr__(self) -> str:
        return "CUT"


CUT = Cut()
Step = str | asyncio.Event | Exception | Cut


class ScriptedEngine:
    """Answers each prompt with the next script: pieces of text, events to wait for, an error or CUT to end with.

    A beginning comes before what is scripted. Once there are no more scripts it answers "ok". The arguments of each
    `submit` are kept in `prompts`, `samplings` and `channels`, the results in `streams`.
    """

    def __init__(self, *scripts: Iterable[Step]) -> None:
        self._scripts = list(scripts)
        self._running: set[asyncio.Task[None]] = set()
        self.prompts: list[Prompt] = []
        self.samplings: list[Sampling] = []
        self.streams: list[Stream] = []
        self.channels: list[int | None] = []
        self.tokens = 0
        self.progressed_at = time.monotonic()
        self.loaded = asyncio.Event()
        self.loaded.set()

    async def ready(self) -> None:
        await self.loaded.wait()

    async def validated(self) -> None:
        pass

    async def wait_failed(self) -> None:
        await asyncio.Event().wait()

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        stream = Stream()
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        self.channels.append(channel)
        self.streams.append(stream)
        script = self._scripts.pop(0) if self._scripts else ["ok"]
        task = asyncio.create_task(self._play(chain(_said(prompt.beginning), script), stream))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return stream

    def status(self) -> Status:
        precision = "float32" if self.loaded.is_set() else None
        return Status("scripted", precision, len(self._running), 0, None, self.progressed_at, self.tokens)

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _play(self, script: Iterable[Step], stream: Stream) -> None:
        await self.loaded.wait()
        stream.begin()
        self.progressed_at = time.monotonic()
        for step in script:
            if isinstance(step, Exception):
                return stream.end(step)
            if isinstance(step, Cut):
                stream.beginning = Beginning(stream.said, (1, 2, 3), "text")
                return stream.end()
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif not stream.stopped:
                stream.put(step)
                self.tokens += 1
                self.progressed_at = time.monotonic()
            await asyncio.sleep(0)
        return stream.end()


def _said(beginning: Beginning | None) -> list[Step]:
    return [beginning.said] if beginning else []
