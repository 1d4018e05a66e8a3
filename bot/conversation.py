"""One turn from question to stored answer: its place, stop, clear, failure. Knows no Discord."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from bot.engine import Engine, Sampling, Stream
from bot.errors import UserError
from bot.history import History, Turn
from bot.prompt import Exchange, Prompt
from bot.wording import SHUTTING_DOWN

_LAST_WORDS = 10.0  # seconds in which answers may still be shown and stored at the end

Show: TypeAlias = Callable[[AsyncIterator[str]], Awaitable[Sequence[int]]]
"""Shows an answer's pieces to a person as they come; returns the ids of the Discord messages, if any."""


class ShuttingDown(UserError):
    """A question came, or waited for its place, when the program was about to end."""

    def __init__(self) -> None:
        super().__init__(SHUTTING_DOWN)


@dataclass(frozen=True)
class Question:
    """What somebody asks in a channel. `shared`: several people talk there, so the model is told their names."""

    channel: int
    asker: int
    asker_name: str
    text: str
    shared: bool = False
    message: int | None = None


class _Channel:
    """What must be known of a channel while it has questions under way, and only then."""

    def __init__(self) -> None:
        self.order = asyncio.Lock()  # goes from holder to holder in the order in which they asked for it
        self.clears = 0
        self.stream: Stream | None = None


class Conversations:
    """The talk in all channels: in each one answer at a time, in the order asked; the channels side by side.

    To be closed before the engine and the history.
    """

    def __init__(self, engine: Engine, history: History, *, system_prompt: str, sampling: Sampling) -> None:
        self._engine = engine
        self._history = history
        self._system_prompt = system_prompt
        self._sampling = sampling
        self._channels: WeakValueDictionary[int, _Channel] = WeakValueDictionary()
        self._streams: set[Stream] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def converse(self, question: Question, show: Show) -> None:
        """Answer a question with its channel's turns in mind, and store the turn once it has been shown whole.

        A stop completes the turn with what was said so far; after a clear that came meanwhile it is not stored.
        Raises ShuttingDown, what the engine's stream raises, and what `show` raises; then nothing is stored.
        """
        self._note_task()
        channel = self._channels.setdefault(question.channel, _Channel())
        clears = channel.clears
        async with channel.order:
            prompt = self._prompt(question, await self._history.recent(question.channel))
            channel.stream = self._submit(prompt)
            answer, messages = await self._show(channel.stream, show)
            if answer and channel.clears == clears:
                await self._history.append(
                    question.channel,
                    Turn(
                        question.asker,
                        question.asker_name,
                        question.text,
                        answer,
                        datetime.now(UTC),
                        question.message,
                        tuple(messages),
                    ),
                )

    async def ask(self, text: str, show: Show) -> None:
        """Answer one question by itself: no turns are read or stored. Raises as `converse` does."""
        self._note_task()
        await self._show(self._submit(Prompt(self._system_prompt, (), None, text)), show)

    def stop(self, channel: int) -> None:
        """End the channel's running answer, if there is one, with what has been said so far."""
        if (under_way := self._channels.get(channel)) and under_way.stream:
            under_way.stream.stop()

    async def clear(self, channel: int) -> int:
        """Forget the channel's turns, and every answer asked for before now; returns how many turns there were."""
        if under_way := self._channels.get(channel):
            under_way.clears += 1
        return await self._history.clear(channel)

    async def close(self) -> None:
        """Refuse what comes or waits, stop what runs, and return when the tasks that asked are done with it.

        Waits ten seconds at the most, as a Discord out of reach must not keep the program from ending.
        """
        self._closing = True
        for stream in self._streams:
            stream.stop()
        if others := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=_LAST_WORDS)

    def _note_task(self) -> None:
        """Have `close` wait until the task that asks is over, with whatever it still does for the person."""
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _prompt(self, question: Question, turns: Sequence[Turn]) -> Prompt:
        def speaker(name: str) -> str | None:
            return name if question.shared else None

        return Prompt(
            self._system_prompt,
            tuple(Exchange(speaker(turn.asker_name), turn.question, turn.answer) for turn in turns),
            speaker(question.asker_name),
            question.text,
        )

    def _submit(self, prompt: Prompt) -> Stream:
        if self._closing:
            raise ShuttingDown
        return self._engine.submit(prompt, self._sampling)

    async def _show(self, stream: Stream, show: Show) -> tuple[str, Sequence[int]]:
        """Returns the whole answer and the messages that show it."""
        said: list[str] = []

        async def pieces() -> AsyncIterator[str]:
            async for piece in stream:
                said.append(piece)
                yield piece
            if self._closing and not said:
                raise ShuttingDown

        self._streams.add(stream)
        try:
            messages = await show(pieces())
        finally:
            stream.stop()
            self._streams.discard(stream)
        return "".join(said).strip(), messages
