"""The one boundary between the generating thread and the event loop: text goes one way, "stop" the other."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

from bot.engine.reasoning import Thought
from bot.errors import UserError
from bot.texts import NO_ANSWER, ONLY_THOUGHT


class NoAnswer(UserError):
    """The model ended its answer before the first word; `thought`: it had thought until there was no room for one."""

    def __init__(self, *, thought: bool = False) -> None:
        super().__init__(ONLY_THOUGHT if thought else NO_ANSWER)


class Stream(AsyncIterator[str]):
    """The pieces of one answer, some of which may be a Thought. Made in the event loop and read there, by one reader.

    The generating thread calls `put` any number of times and `end` once, whatever happens; the reader hears of
    every end. After `stop` the reader's iteration ends at once and the thread finds `stopped` set.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | BaseException | None] = asyncio.Queue()
        self._stopped = threading.Event()
        self._empty = True
        self._thought = False
        self.ahead = 0
        """How many requests must end or begin before this one begins; 0 once it is being answered."""
        self.begun_at: float | None = None
        """When it began to be answered, by `time.monotonic`."""
        self.when_stopped: Callable[[], object] | None = None
        """Called in the event loop by `stop`, for an engine that cannot look for itself."""

    @property
    def stopped(self) -> bool:
        """Whether nobody wants more text."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End the answer with what has been said so far (event loop only; doing it again changes nothing)."""
        self._stopped.set()
        self._queue.put_nowait(None)
        if self.when_stopped:
            self.when_stopped()

    def begin(self) -> None:
        """Note that it is being answered now (generating thread)."""
        self.ahead = 0
        self.begun_at = time.monotonic()

    def put(self, text: str) -> None:
        """Hand the reader a piece of text (generating thread)."""
        if isinstance(text, Thought):
            self._thought = True
        else:
            self._empty = self._empty and not text.strip()
        self._loop.call_soon_threadsafe(self._queue.put_nowait, text)

    def end(self, error: BaseException | None = None) -> None:
        """Hand the reader the end of the answer, or the error that ended it (generating thread).

        An answer that ends without any text, or with nothing but spaces, is an error too, NoAnswer.
        """
        if error is None and self._empty:
            error = NoAnswer(thought=self._thought)
        self._loop.call_soon_threadsafe(self._queue.put_nowait, error)

    async def __anext__(self) -> str:
        item = await self._queue.get()
        if isinstance(item, str):
            return item
        self._queue.put_nowait(None)  # Who reads on after the end finds the end again, and does not wait.
        if item is None:
            raise StopAsyncIteration
        raise item
