"""The only boundary between the generating thread and the event loop: text crosses one way, "stop" the other."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

from bot.engine.prompt import Beginning
from bot.engine.reasoning import Thought
from bot.errors import UserError
from bot.texts import NO_ANSWER, ONLY_THOUGHT


class NoAnswer(UserError):
    """The model ended its answer before the first word; `reasoned`: its reasoning left no room for one."""

    def __init__(self, *, reasoned: bool = False) -> None:
        super().__init__(ONLY_THOUGHT if reasoned else NO_ANSWER)


class Stream(AsyncIterator[str]):
    """The pieces of one answer, some of which may be a Thought.

    Created in the event loop, or for the given one, and read there by one reader. The generating thread calls `put` any
    number of times and `end` once, whatever happens, so the reader's iteration always ends. After `stop` it ends at
    once, and the thread sees `stopped`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | BaseException | None] = asyncio.Queue()
        self._stopped = threading.Event()
        self.said = ""
        """All that has been put, without thoughts (generating thread)."""
        self.reasoned = False
        """Whether there were thoughts (generating thread)."""
        self.ahead = 0
        """How many requests are ahead of this one in the queue; 0 once it is running. Set by the engine."""
        self.begun_at: float | None = None
        """When the request began to run, by `time.monotonic`."""
        self.turns_read: int | None = None
        """How many of the prompt's newest turns the model was given; None is all of them. Set by the engine."""
        self.beginning: Beginning | None = None
        """The answer, to be continued, if its length has ended it. Set by the engine, which can continue it."""
        self.on_stop: Callable[[], object] | None = None
        """Called by `stop`; for an engine in the event loop, which does not poll `stopped`."""

    @property
    def stopped(self) -> bool:
        """Whether the reader has stopped the answer."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End the answer with the text so far (event loop only; idempotent)."""
        self._stopped.set()
        self._queue.put_nowait(None)
        if self.on_stop:
            self.on_stop()

    def begin(self) -> None:
        """Mark the request as running (generating thread)."""
        self.ahead = 0
        self.begun_at = time.monotonic()

    def put(self, text: str) -> None:
        """Pass a piece of text to the reader (generating thread)."""
        if isinstance(text, Thought):
            self.reasoned = True
        else:
            self.said += text
        self._loop.call_soon_threadsafe(self._queue.put_nowait, text)

    def end(self, error: BaseException | None = None) -> None:
        """Pass the end of the answer to the reader, or the error that ended it (generating thread).

        An answer of nothing but white space ends with NoAnswer. What is no Exception, such as a panic in Rust code,
        becomes a RuntimeError, as readers expect to catch it.
        """
        if error is None and not self.said.strip():
            error = NoAnswer(reasoned=self.reasoned)
        elif error is not None and not isinstance(error, Exception):
            error = RuntimeError(f"{type(error).__name__}: {error}")
        self._loop.call_soon_threadsafe(self._queue.put_nowait, error)

    async def __anext__(self) -> str:
        item = await self._queue.get()
        if isinstance(item, str):
            return item
        self._queue.put_nowait(None)  # so that reading on after the end does not wait for ever
        if item is None:
            raise StopAsyncIteration
        raise item
