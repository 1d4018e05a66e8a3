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
from bot.wording import SHUTTING_DOWN, STALE

_LAST_WORDS = 10.0  # seconds in which answers may still be shown and stored at the end


class Answer(AsyncIterator[str]):
    """An answer under way: its pieces as they come, and what has come of it.

    `previous` is the channel's newest turn so far, which stays above the answer, and `replaces` the turn that the
    answer takes the place of.
    """

    def __init__(self, stream: Stream, previous: Turn | None = None, replaces: Turn | None = None) -> None:
        self._stream = stream
        self.text = ""
        self.previous = previous
        self.replaces = replaces

    def stop(self) -> None:
        """End it with what has been said so far."""
        self._stream.stop()

    async def __anext__(self) -> str:
        piece = await anext(self._stream)
        self.text += piece
        return piece


Show: TypeAlias = Callable[[Answer], Awaitable[Sequence[int]]]
"""Shows an answer to a person as it comes; returns the ids of the Discord messages, if any."""


class Stale(UserError):
    """What should be answered again is not the channel's newest turn any more."""

    def __init__(self) -> None:
        super().__init__(STALE)


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
        self._answers: set[Answer] = set()
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
            turns = await self._history.recent(question.channel)
            prompt = self._prompt(question, turns)
            answer = Answer(self._submit(prompt), previous=turns[-1] if turns else None)
            messages = await self._show(answer, show)
            if answer.text and channel.clears == clears:
                await self._history.append(question.channel, _turn(question, answer, messages))

    async def regenerate(self, channel: int, message: int, show: Show, *, shared: bool) -> None:
        """Answer the channel's newest question again, in place of the answer that `message` is a part of.

        Raises Stale when that is not the newest turn, and as `converse` does; then the turn stays as it is.
        """
        self._note_task()
        async with self._channels.setdefault(channel, _Channel()).order:
            turns = await self._history.recent(channel)
            if not turns or message not in turns[-1].answer_messages:
                raise Stale
            newest = turns.pop()
            question = Question(
                channel, newest.asker, newest.asker_name, newest.question, shared, newest.question_message
            )
            answer = Answer(self._submit(self._prompt(question, turns)), replaces=newest)
            messages = await self._show(answer, show)
            if answer.text:
                await self._history.replace(channel, _turn(question, answer, messages))

    async def is_newest(self, channel: int, message: int) -> bool:
        """Whether a message is a part of the channel's newest answer."""
        turns = await self._history.recent(channel)
        return bool(turns) and message in turns[-1].answer_messages

    async def ask(self, text: str, show: Show) -> None:
        """Answer one question by itself: no turns are read or stored. Raises as `converse` does."""
        self._note_task()
        await self._show(Answer(self._submit(Prompt(self._system_prompt, (), None, text))), show)

    async def clear(self, channel: int) -> list[Turn]:
        """Forget the channel's turns, and every answer asked for before now; returns the turns."""
        if under_way := self._channels.get(channel):
            under_way.clears += 1
        return await self._history.clear(channel)

    async def close(self) -> None:
        """Refuse what comes or waits, stop what runs, and return when the tasks that asked are done with it.

        Waits ten seconds at the most, as a Discord out of reach must not keep the program from ending.
        """
        self._closing = True
        for answer in self._answers:
            answer.stop()
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

    async def _show(self, answer: Answer, show: Show) -> Sequence[int]:
        """Returns the messages that show the answer."""
        self._answers.add(answer)
        try:
            messages = await show(answer)
        finally:
            answer.stop()
            self._answers.discard(answer)
        if self._closing and not answer.text:
            raise ShuttingDown
        return messages


def _turn(question: Question, answer: Answer, messages: Sequence[int]) -> Turn:
    return Turn(
        question.asker,
        question.asker_name,
        question.text,
        answer.text.strip(),
        datetime.now(UTC),
        question.message,
        tuple(messages),
    )
