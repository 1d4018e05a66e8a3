"""One answer, from the question to its end: its conversation fills it, a reader shows it."""

import asyncio
import enum
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.conversation.text_filter import UNFILTERED, TextFilter
from bot.conversation.wait_estimate import Position, WaitEstimate
from bot.engine import NoAnswer, Stream, Thought
from bot.storage.example import Example
from bot.storage.turns import Turn


class State(enum.IntEnum):
    """How far an answer has come."""

    QUEUED = enum.auto()
    """It waits for the channel's earlier answers."""
    STARTED = enum.auto()
    """The engine has its prompt."""
    WRITING = enum.auto()
    """There is text to show."""
    FINISHED = enum.auto()
    """No more text comes, and what there is has been saved."""


class Answer:
    """An answer under way. One producer fills it; one reader reads it and may call `stop` or `discard`.

    `text` is what to show: what the model `said`, after a quote of its reasoning if people are to see that. `line` are
    the channel's answers under way, in the order asked.
    """

    def __init__(
        self,
        asker: int = 0,
        line: Sequence["Answer"] = (),
        estimate: WaitEstimate | None = None,
        *,
        show_thinking: bool = False,
    ) -> None:
        # All of these are set by the conversation, but for `shown_in` and `replaced`, which are the reader's.
        self.asker = asker
        self.asked_at = time.monotonic()
        self.state = State.QUEUED
        self.text = self.said = ""
        self.thinking = False
        """Whether the model reasons at the moment."""
        self.first_text_at: float | None = None
        self.error: BaseException | None = None
        """What ended it early."""
        self.stopped = self.discarded = False
        self.turn: Turn | None = None
        """What is stored of it; None if nothing is."""
        self.keep = 0
        """How many turns its channel keeps."""
        self.regenerable = False
        """Whether it can be regenerated once it is stored."""
        self.outdated: list[Turn] = []
        """The channel's turns that can no longer be regenerated, as this one comes after them."""
        self.saved = False
        """Whether its text has been saved."""
        self.cut = False
        """Whether its length has ended what is shown, so that it can be continued."""
        self.replaces: Turn | None = None
        """The turn whose answer it takes the place of."""
        self.continues = False
        """Whether it goes on with that answer, which it begins with."""
        self.replaced = False
        """Whether that one is no longer shown."""
        self.example: Example | None = None
        """What to keep of it for training; None if nothing is."""
        self.shown_in: tuple[int, ...] = ()
        """The Discord messages that show it, once all of it is shown."""
        self.forgotten = False
        """Whether its turn was forgotten while it was shown, so that it cannot be regenerated after all."""
        self._line = line
        self._estimate = estimate
        self._show_thinking = show_thinking
        self._thoughts = ""
        self._stream: Stream | None = None
        self._changed = asyncio.Event()
        self._may_proceed = asyncio.Event()

    # What the reader uses.

    @property
    def position(self) -> Position | None:
        """What it waits for at this moment, or None."""
        if self._estimate is None:
            return None
        return self._estimate.position(self._line.index(self), self._stream.ahead if self._stream else 0)

    @property
    def started_at(self) -> float | None:
        """When the engine began with it, by `time.monotonic`."""
        return self._stream.begun_at if self._stream else None

    async def changed(self) -> None:
        """Return once `state` or `text` has changed since this was last awaited."""
        await self._changed.wait()
        self._changed.clear()

    def stop(self) -> None:
        """End it with what has been said so far."""
        self.stopped = True
        if self._stream:
            self._stream.stop()
        self._may_proceed.set()

    def discard(self) -> None:
        """End it and remember nothing of it."""
        self.discarded = True
        self.stop()

    # What its conversation uses.

    def fail(self, error: Exception) -> None:
        """End it with an error."""
        if self.state < State.FINISHED:
            self.error = error
        self.stop()

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Finish the answer on leaving, with the error that the block raised, if any."""
        try:
            yield
        except BaseException as error:
            self.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._advance(State.FINISHED)

    def note(self, sentence: str) -> None:
        """Show a sentence of the bot's own in place of what the model has not said."""
        self._compose(sentence)

    def allow_start(self) -> None:
        """Let it start: it has become the first of its line."""
        self._may_proceed.set()

    async def wait_for_place(self) -> bool:
        """Wait until it may start; returns False if it was stopped before."""
        await self._may_proceed.wait()
        return not self.stopped

    async def fill(self, stream: Stream, said: TextFilter = UNFILTERED, thoughts: TextFilter = UNFILTERED) -> None:
        """Take the text of a stream and finish; see `read`."""
        with self.filling():
            await self.read(stream, said, thoughts)
        if self.error:
            raise self.error

    async def read(self, stream: Stream, said: TextFilter = UNFILTERED, thoughts: TextFilter = UNFILTERED) -> None:
        """Take the text of a stream to its end, or to where the filter of what is `said` ends it.

        People see thoughts as `thoughts` filters them.

        Raises what ends the stream early, and NoAnswer if nothing is left of the text.
        """
        self._stream = stream
        self._advance(State.STARTED)
        try:
            async for piece in stream:
                self._append(piece, said, thoughts)
                if said.ended:
                    stream.stop()
                    break
        finally:
            self.said += said.finish()
            self._thoughts += thoughts.finish()
            self._show()
        ended_by_itself = said.ended or not stream.stopped  # and not because the reader or the engine has stopped it
        if ended_by_itself and not (self.stopped or self.said.strip()):
            raise NoAnswer

    def _append(self, piece: str, said: TextFilter, thoughts: TextFilter) -> None:
        was_thinking, self.thinking = self.thinking, isinstance(piece, Thought)
        if was_thinking and not self.thinking:  # the answer stands below all of the thoughts
            self._thoughts += thoughts.finish()
        if not self.thinking:
            self.said += said.push(piece)
        elif self._show_thinking:
            self._thoughts += thoughts.push(piece)
        self._show()

    def _show(self) -> None:
        if self.replaces and not self.said:
            return  # the old answer stays in sight until there is a new one
        self._compose(self.said)

    def _compose(self, said: str) -> None:
        quote = self._thoughts.strip().replace("\n", "\n> ")
        self.text = "\n\n".join(part for part in (quote and f"> {quote}", said) if part)
        if self.text:
            self.first_text_at = self.first_text_at or time.monotonic()
            self._advance(State.WRITING)

    def _advance(self, state: State) -> None:
        self.state = state
        self._changed.set()
