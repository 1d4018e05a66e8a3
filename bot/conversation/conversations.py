"""One turn from question to stored answer: its place, stop, clear, failure. Knows no Discord."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from bot.conversation.summary import Summaries
from bot.engine import Engine, Sampling, Stream, Thought
from bot.engine.prompt import Exchange, Prompt
from bot.errors import UserError
from bot.observer import NO_OBSERVER, Observer
from bot.storage.channel_settings import ChannelSettings, ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import Turn, TurnStore
from bot.texts import ONE_AT_A_TIME, SHUTTING_DOWN, STALE, queue_full, too_soon

_LAST_WORDS = 10.0  # seconds in which answers may still be shown and stored at the end
_AT_ONCE = 2  # answers for one person: one that runs and one that waits


@dataclass(frozen=True)
class Waiting:
    """Why an answer has not begun: the model loads, or others come first.

    `ahead` is how many; `seconds` when it should begin, if that can be told from the answers before.
    """

    ahead: int
    seconds: float | None
    loading: bool


class Answer(AsyncIterator[str]):
    """An answer from the moment it is asked for: first it may wait for its place, then its pieces come.

    `waiting` tells what it still waits for, or None. `previous` is the channel's newest turn when it begins, which
    stays above it, and `replaces` the turn that it takes the place of. `keep` is called with all that was said before
    the end is told: what is seen to be whole is never lost. `text` is what to show: what it `said`, and before it, with
    `show_thinking`, a quote of what the model thought. `thinking`: nothing has been said, but something thought.
    `remembered`: its turn will be stored, so that it can be answered again.
    """

    def __init__(
        self,
        asker: int = 0,
        waiting: Callable[["Answer"], Waiting | None] = lambda _: None,
        *,
        show_thinking: bool = False,
    ) -> None:
        self.asker = asker
        self._waiting = waiting
        self._show_thinking = show_thinking
        self._thought = ""
        self.stream: Stream | None = None
        self.asked_at = time.monotonic()
        self.first_at: float | None = None  # when there was text to show
        self.begun = asyncio.Event()
        self.stopped = False
        self.withdrawn = False
        self.thinking = False
        self.text = self.said = ""
        self.keep: Callable[[str], Awaitable[None]] | None = None
        self.remembered = True
        self.previous: Turn | None = None
        self.replaces: Turn | None = None

    @property
    def waiting(self) -> Waiting | None:
        """What it waits for, at this moment."""
        return self._waiting(self)

    @property
    def runs(self) -> bool:
        """Whether the engine has begun with it."""
        return self.stream is not None and self.stream.begun_at is not None

    def begin(self, stream: Stream) -> None:
        """Its place has come; its text comes from `stream`."""
        self.stream = stream
        self.begun.set()

    def stop(self) -> None:
        """End it with what has been said so far."""
        self.stopped = True
        if self.stream:
            self.stream.stop()
        self.begun.set()

    def withdraw(self) -> None:
        """End it, and remember nothing of it: what showed it was deleted."""
        self.withdrawn = True
        self.stop()

    async def __anext__(self) -> str:
        await self.begun.wait()
        if not self.stream:
            raise StopAsyncIteration
        shown = len(self.text)
        while len(self.text) == shown:
            try:
                self._take(await anext(self.stream))
            except StopAsyncIteration:
                if self.keep and (said := self.said.strip()):
                    await self.keep(said)
                raise
        self.first_at = self.first_at or time.monotonic()
        return self.text[shown:]

    def _take(self, piece: str) -> None:
        self.thinking = isinstance(piece, Thought)
        if not self.thinking:
            self.said += piece
        elif self._show_thinking:
            self._thought += piece
        if self.replaces and not self.said:
            return  # the old answer stands there until there is a new one
        quote = self._thought.strip().replace("\n", "\n> ")
        self.text = "\n\n".join(part for part in (quote and f"> {quote}", self.said) if part)


Show: TypeAlias = Callable[[Answer], Coroutine[Any, Any, Sequence[int]]]
"""Shows an answer to a person as it comes; returns the ids of the Discord messages, if any."""


class Stale(UserError):
    """What should be answered again is not the channel's newest turn any more."""

    def __init__(self) -> None:
        super().__init__(STALE)


class Busy(UserError):
    """More was asked than one person may, or than can wait; the sentence says which."""


class ShuttingDown(UserError):
    """A question came, or waited for its place, when the program was about to end."""

    def __init__(self) -> None:
        super().__init__(SHUTTING_DOWN)


@dataclass(frozen=True)
class Question:
    """What somebody asks in a channel. `shared`: several people talk there, so the model is told their names.

    `parent` is the channel that a thread is in. `opening` fetches what a channel's talk begins with; it is put before
    the text if nothing has been said yet.
    """

    channel: int
    asker: int
    asker_name: str
    text: str
    shared: bool = False
    message: int | None = None
    parent: int | None = None
    guild: int | None = None
    opening: Callable[[], Awaitable[str]] | None = None


class _Channel:
    """What must be known of a channel while it has questions under way, and only then."""

    def __init__(self) -> None:
        self.order = asyncio.Lock()  # goes from holder to holder in the order in which they asked for it
        self.answers: list[Answer] = []  # in the same order


class Conversations:
    """The talk in all channels: in each one answer at a time, in the order asked; the channels side by side.

    So a busy channel never keeps another one waiting for more than one of its answers. A person has one answer under
    way and one that waits, and asks again after `cooldown` seconds at the earliest; `queue_limit` bounds what waits.
    `grace` is how many seconds `close` lets answers finish; `show_thinking`, whether people see what the model thinks.
    Of the `sampling`, a channel's manner says the temperature and the length. `summaries` keep, if there are any, what
    the turns do not.

    To be closed before the engine and the database.
    """

    def __init__(
        self,
        engine: Engine,
        history: TurnStore,
        channels: ChannelSettingsStore,
        *,
        sampling: Sampling,
        queue_limit: int = 50,
        cooldown: float = 0,
        grace: float = 10,
        show_thinking: bool = False,
        summaries: Summaries | None = None,
        events: Observer = NO_OBSERVER,
    ) -> None:
        self._engine = engine
        self._history = history
        self._manners = channels
        self._sampling = sampling
        self._queue_limit = queue_limit
        self._cooldown = cooldown
        self._grace = grace
        self._show_thinking = show_thinking
        self._summaries = summaries
        self._events = events
        self._channels: WeakValueDictionary[int, _Channel] = WeakValueDictionary()
        self._answers: set[Answer] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asked_at: dict[int, float] = {}  # by whom, during their cooldown
        self._seconds: float | None = None  # that an answer takes, lately
        self._closing = False

    @property
    def running(self) -> int:
        """How many answers the engine has begun with."""
        return sum(answer.runs for answer in self._answers)

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._answers) - self.running

    async def converse(self, question: Question, show: Show) -> None:
        """Answer a question with its channel's turns in mind, and store the turn.

        A stop completes the turn with what was said so far; after a clear that came meanwhile it is not stored.
        Raises Busy, ShuttingDown, DatabaseError, what the engine's stream raises, and what `show` raises; then nothing
        is stored. Of a task that is cancelled, as of a program that is killed, the turn is left as it is.
        """
        channel = self._channels.setdefault(question.channel, _Channel())
        async with self._under_way(channel, question.asker, show) as (answer, shown):
            turn = await self._history.begin(question.channel, _asked(question))
            try:
                async with channel.order:
                    manner = await self._manners.manner(question.channel, question.parent)
                    turns = await self._history.recent(question.channel, manner.turns)
                    if question.opening and not turns:
                        question = replace(question, text=await question.opening() + question.text)
                        await self._history.edit(question.channel, question.message or 0, question.text)
                    answer.previous = turns[-1] if turns else None
                    answer.remembered = manner.turns > 0
                    await self._give(answer, shown, turn, question, turns, manner)
            except Exception:
                await self._drop(turn)
                raise
        if self._summaries:
            self._summaries.note(question.channel, question.parent)

    async def regenerate(
        self, channel: int, message: int | None, asker: int, show: Show, *, shared: bool, parent: int | None = None
    ) -> None:
        """Answer the channel's newest question again, in place of the answer that `message` is a part of.

        Without a message, whichever is the newest. A question whose answer was cut off need not be the newest.
        `parent` is the channel that a thread is in.
        Raises Stale when there is no such turn, and as `converse` does; then the turn stays as it is.
        """
        under_way = self._channels.setdefault(channel, _Channel())
        async with self._under_way(under_way, asker, show) as (answer, shown), under_way.order:
            manner = await self._manners.manner(channel, parent)
            turns = await self._history.recent(channel, manner.turns)
            old = await self._again(channel, turns, message)
            if old is None:
                raise Stale
            turns = [turn for turn in turns if turn.id < old.id]
            answer.replaces = old
            question = Question(channel, old.asker, old.asker_name, old.question, shared, old.question_message)
            # Were the program killed now, the old answer would be shown again.
            await self._history.show(old.id, (), manner.turns)
            try:
                await self._give(answer, shown, old.id, question, turns, manner)
            except Exception:
                with suppress(DatabaseError):
                    await self._put_back(old, answer, manner)
                raise

    async def _give(
        self,
        answer: Answer,
        shown: asyncio.Task[Sequence[int]],
        turn: int,
        question: Question,
        turns: Sequence[Turn],
        manner: ChannelSettings,
    ) -> None:
        """Have the engine answer a question and the answer shown, and store what comes of it as the `turn`."""
        answer.keep = partial(self._history.answer, turn)
        self._begin(answer, await self._prompt(question, turns, manner), manner, question.channel)
        messages = await shown
        if answer.said.strip() and not answer.withdrawn:
            await self._history.show(turn, messages, manner.turns)
        elif answer.replaces:
            await self._put_back(answer.replaces, answer, manner)
        else:
            await self._history.drop(turn)

    async def _put_back(self, old: Turn, answer: Answer, manner: ChannelSettings) -> None:
        """Have the turn be as it was before another answer was to take its place, unless that was deleted."""
        if answer.withdrawn:
            await self._history.drop(old.id)
        else:
            await self._history.answer(old.id, old.answer)
            await self._history.show(old.id, old.answer_messages, manner.turns)

    async def _again(self, channel: int, turns: Sequence[Turn], message: int | None) -> Turn | None:
        """The turn that can be answered again, if it is the one that `message` is a part of."""
        newest = next(reversed(turns), None)
        if message is None or (newest and message in newest.answer_messages):
            return newest
        turn = await self._history.find(channel, message)
        return None if turn is None or turn.answer else turn

    async def ask(
        self,
        text: str,
        asker: int,
        show: Show,
        *,
        channel: int | None = None,
        parent: int | None = None,
        guild: int | None = None,
        command: int | None = None,
    ) -> None:
        """Answer one question by itself, in the manner of a `channel`: no turns are read, and none is stored.

        If everybody there sees the answer to a `command`, that is noted meanwhile, without a word of it. Raises as
        `converse` does: out of a channel's manner nothing is answered there.
        """
        async with (
            self._under_way(_Channel(), asker, show) as (answer, shown),
            self._noted(channel, guild, command, asker),
        ):
            manner = await self._manners.manner(channel, parent)
            self._begin(answer, Prompt(manner.persona, (), None, text), manner, channel)
            await shown

    @asynccontextmanager
    async def _noted(
        self, channel: int | None, guild: int | None, command: int | None, asker: int
    ) -> AsyncIterator[None]:
        """Have a killed program know what it was answering. That is no reason not to answer, should it fail."""
        turn = 0
        with suppress(DatabaseError):
            if channel is not None and command is not None:
                empty = Turn(asker, "", "", "", datetime.now(UTC), question_message=command, guild=guild)
                turn = await self._history.begin(channel, empty)
        try:
            yield
        except Exception:
            await self._drop(turn)
            raise
        await self._drop(turn)

    async def _drop(self, turn: int) -> None:
        with suppress(DatabaseError):
            await self._history.drop(turn)

    async def clear(self, channel: int) -> list[Turn]:
        """Forget the channel's turns, also those whose answers are still to come; returns the answered ones."""
        return await self._history.clear(channel)

    async def close(self) -> None:
        """Refuse what comes or waits, let what runs finish, and return when the tasks that asked are done with it.

        What has not finished after the grace is stopped. Then it waits ten seconds at the most, as a Discord out of
        reach must not keep the program from ending.
        """
        self._closing = True
        for answer in self._answers:
            if not answer.runs:
                answer.stop()
        others = self._tasks - {asyncio.current_task()}
        for patience in (self._grace, _LAST_WORDS):
            if others:
                _, others = await asyncio.wait(others, timeout=patience)
            for answer in self._answers:
                answer.stop()

    @asynccontextmanager
    async def _under_way(
        self, channel: _Channel, asker: int, show: Show
    ) -> AsyncIterator[tuple[Answer, asyncio.Task[Sequence[int]]]]:
        """An answer with its place in a channel, and the task that shows it, from now on.

        Once it has been shown the task returns the messages that show it.
        """
        self._events.asked()
        if self._closing:
            raise ShuttingDown
        self._admit(asker, channel)
        self._note_task()
        answer = Answer(asker, partial(self._waiting, channel), show_thinking=self._show_thinking)
        shown = asyncio.create_task(show(answer))
        self._answers.add(answer)
        channel.answers.append(answer)
        # Nothing need be generated for somebody who cannot be shown it.
        shown.add_done_callback(lambda _: answer.stop())
        try:
            with self._summaries.held() if self._summaries else nullcontext():
                yield answer, shown
            self._note_seconds(answer)
            if answer.first_at is not None:
                self._events.answered(answer.first_at - answer.asked_at, time.monotonic() - answer.asked_at)
            if self._closing and not answer.text:
                raise ShuttingDown
        finally:
            answer.stop()
            channel.answers.remove(answer)
            self._answers.discard(answer)
            shown.cancel()
            await asyncio.wait([shown])

    def _admit(self, asker: int, channel: _Channel) -> None:
        """Raise Busy when this person may not ask now. One channel may fill half of the queue, so it shuts out none."""
        now = time.monotonic()
        self._asked_at = {who: at for who, at in self._asked_at.items() if now < at + self._cooldown}
        if asker in self._asked_at:
            raise Busy(too_soon(self._asked_at[asker] + self._cooldown - now))
        if sum(answer.asker == asker for answer in self._answers) >= _AT_ONCE:
            raise Busy(ONE_AT_A_TIME)
        here = sum(not answer.runs for answer in channel.answers)
        if self.waiting >= self._queue_limit or here > self._queue_limit // 2:
            raise Busy(queue_full(self.waiting))
        self._asked_at[asker] = now

    def _begin(self, answer: Answer, prompt: Prompt, manner: ChannelSettings, channel: int | None) -> None:
        if not answer.stopped:
            sampling = replace(self._sampling, temperature=manner.temperature, max_new_tokens=manner.answer_length)
            answer.begin(self._engine.submit(prompt, sampling, channel))

    def _note_task(self) -> None:
        """Have `close` wait until the task that asks is over, with whatever it still does for the person."""
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _note_seconds(self, answer: Answer) -> None:
        if answer.stream and answer.stream.begun_at is not None:
            seconds = time.monotonic() - answer.stream.begun_at
            self._seconds = seconds if self._seconds is None else 0.7 * self._seconds + 0.3 * seconds

    def _waiting(self, channel: _Channel, answer: Answer) -> Waiting | None:
        """What an answer waits for: the channel's answers before it end one by one, the engine's several at a time."""
        before = channel.answers.index(answer)
        queued = answer.stream.ahead if answer.stream else 0
        loading = self._engine.status().precision is None
        if not (before or queued or loading):
            return None
        seconds = None
        if self._seconds is not None and not loading:
            seconds = self._seconds * (before + queued / max(self.running, 1))
        return Waiting(before + queued, seconds, loading)

    async def _prompt(self, question: Question, turns: Sequence[Turn], manner: ChannelSettings) -> Prompt:
        def speaker(name: str) -> str | None:
            return name if question.shared else None

        return Prompt(
            manner.persona,
            tuple(Exchange(speaker(turn.asker_name), turn.question, turn.answer) for turn in turns),
            speaker(question.asker_name),
            question.text,
            await self._history.summary(question.channel) if self._summaries and manner.turns else "",
        )


def _asked(question: Question) -> Turn:
    return Turn(
        question.asker,
        question.asker_name,
        question.text,
        "",
        datetime.now(UTC),
        question.message,
        parent=question.parent,
        guild=question.guild,
    )
