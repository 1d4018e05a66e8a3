"""The conversations of all channels: the way of a question to its stored answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from bot.conversation.admission import Admission, Line
from bot.conversation.answer import Answer
from bot.conversation.blocked_words import NO_WORDS, BlockedWords
from bot.conversation.placeholders import TERMINAL, Placeholders
from bot.conversation.speakers import SpeakerFilter
from bot.conversation.summary import Summaries
from bot.conversation.text_filter import FilterChain
from bot.engine import Beginning, Engine, NoAnswer, NotContinuable, Sampling, Stream
from bot.engine.prompt import Exchange, Prompt, Remark
from bot.errors import UserError
from bot.observer import NO_OBSERVER, Observer
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelSettings, ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.example import Example
from bot.storage.examples import ExampleStore
from bot.storage.turns import Forgotten, Person, Quote, Turn, TurnStore
from bot.texts import SHUTTING_DOWN, STALE, STILL_THINKING


class Stale(UserError):
    """The answer to be regenerated or continued is no longer the channel's newest, or is complete."""

    def __init__(self) -> None:
        super().__init__(STALE)


class ShuttingDown(UserError):
    """A question was asked, or still waited, when the program was about to end."""

    def __init__(self) -> None:
        super().__init__(SHUTTING_DOWN)


FetchContext: TypeAlias = Callable[[int], Awaitable[tuple[Remark, ...]]]
"""Fetches what others said in a channel before the message of that id. Nothing of it is stored."""


@dataclass(frozen=True)
class Question:
    """What somebody asks in a channel. `message` is its Discord message, or the command's id.

    `people` are the others whom the text names or quotes.
    `fetch_text` fetches the text with all that Discord does not send along, such as the text of files.
    `fetch_thread_starter` fetches the message that a thread grew from, quoted, to be put before the first question
    there. `fetch_context` fetches what others said there before.
    `placeholders` stand in the persona there. `hourly_limit` is how many answers the asker gets in an hour, if that is
    limited.
    """

    channel: ChannelRef
    asker: int
    asker_name: str
    text: str
    message: int | None = None
    people: tuple[Person, ...] = ()
    fetch_text: Callable[[], Awaitable[str]] | None = None
    fetch_thread_starter: Callable[[], Awaitable[Quote]] | None = None
    fetch_context: FetchContext | None = None
    placeholders: Placeholders = TERMINAL
    hourly_limit: int | None = None


class Conversations:
    """Answers questions: in each channel one at a time, in the order asked; the channels side by side.

    `grace` is how many seconds `close` gives answers to finish, and `last_words` how many more to be shown and stored
    once they are stopped, as Discord may be out of reach. Of the `sampling`, a channel's settings override the
    temperature and the length. Answers are kept as `examples` as far as those who asked let them be.

    To be closed before the engine and the database.
    """

    def __init__(
        self,
        engine: Engine,
        turns: TurnStore,
        channel_settings: ChannelSettingsStore,
        admission: Admission,
        *,
        sampling: Sampling,
        blocked_words: BlockedWords = NO_WORDS,
        summaries: Summaries | None = None,
        examples: ExampleStore | None = None,
        observer: Observer = NO_OBSERVER,
        grace: float,
        last_words: float,
    ) -> None:
        self._engine = engine
        self._turns = turns
        self._channel_settings = channel_settings
        self._admission = admission
        self._sampling = sampling
        self._blocked_words = blocked_words
        self._summaries = summaries
        self._examples = examples
        self._observer = observer
        self._grace = grace
        self._last_words = last_words
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def running(self) -> int:
        """How many answers the engine has begun."""
        return self._admission.running

    @property
    def waiting(self) -> int:
        """How many it has not."""
        return self._admission.waiting

    def check(self, question: Question) -> None:
        """Raise Busy or ShuttingDown if `answering` would."""
        try:
            if self._closing:
                raise ShuttingDown
            line = self._admission.line(question.channel.channel)
            self._admission.check(question.asker, line, question.hourly_limit)
        except UserError:
            self._observer.asked()
            raise

    @asynccontextmanager
    async def answering(self, question: Question) -> AsyncIterator[Answer]:
        """Answer a question with its channel's turns in mind. Leaving the block stores the turn, or drops it.

        The block shows the answer and sets `shown_in`. A stop completes the turn with what was said so far; one that
        was forgotten meanwhile is not stored. Raises Busy, ShuttingDown, DatabaseError, what the engine's stream
        raises, and what the block raises; then nothing is stored. A task that is cancelled leaves the turn as it is,
        like a process that is killed.
        """
        line = self._admission.line(question.channel.channel)
        async with (
            self._under_way(question.asker, line, question.hourly_limit) as answer,
            self._producing(answer, self._answer(answer, question)),
        ):
            yield answer
        if self._summaries:
            self._summaries.add(question.channel)

    @asynccontextmanager
    async def regenerating(
        self,
        channel: ChannelRef,
        message: int | None,
        asker: int,
        *,
        placeholders: Placeholders = TERMINAL,
        fetch_context: FetchContext | None = None,
        hourly_limit: int | None = None,
    ) -> AsyncIterator[Answer]:
        """Answer a channel's newest question again, in place of the answer that `message` is part of.

        Without a message, the newest whatever it is. A question whose answer was interrupted need not be the newest.
        Raises Stale when there is no such turn, and as `answering` does; then the turn stays as it was.
        """
        async with self._again(
            channel,
            message,
            asker,
            continues=False,
            placeholders=placeholders,
            fetch_context=fetch_context,
            hourly_limit=hourly_limit,
        ) as answer:
            yield answer

    @asynccontextmanager
    async def continuing(
        self,
        channel: ChannelRef,
        message: int | None,
        asker: int,
        *,
        placeholders: Placeholders = TERMINAL,
        fetch_context: FetchContext | None = None,
        hourly_limit: int | None = None,
    ) -> AsyncIterator[Answer]:
        """Go on with a channel's newest answer, which its length has ended; `message` and errors as `regenerating` has.

        The answer begins with what was said before. Raises NotContinuable where the engine cannot go on.
        """
        async with self._again(
            channel,
            message,
            asker,
            continues=True,
            placeholders=placeholders,
            fetch_context=fetch_context,
            hourly_limit=hourly_limit,
        ) as answer:
            yield answer

    @asynccontextmanager
    async def asking(self, question: Question) -> AsyncIterator[Answer]:
        """Answer a question by itself: no turns are read and none is stored.

        If the question has a `message`, everybody sees the answer to that command: it is noted meanwhile, without a
        word of it, so that a process that is killed leaves no answer unfinished. Raises as `answering` does.
        """
        line = self._admission.line(None)
        async with (
            self._under_way(question.asker, line, question.hourly_limit) as answer,
            self._producing(answer, self._ask(answer, question)),
        ):
            yield answer

    async def regenerable(self, channel: ChannelRef, message: int) -> Turn | None:
        """The turn whose answer a message is part of, if it can be regenerated; None if the database cannot be used."""
        with suppress(DatabaseError):
            settings = await self._channel_settings.effective(channel)
            recent = await self._turns.recent(channel.channel, settings.turns)
            return await self._find_regenerable(channel, recent, message)
        return None

    async def clear(self, channel: ChannelRef, command: int | None = None) -> Forgotten:
        """Forget the channel's turns, also those whose answers are still to come, and what was said there before.

        That is what is older than the `command`, by its id.
        """
        return await self._turns.clear(channel, command)

    async def close(self) -> None:
        """Refuse what comes or waits, let running answers finish, and return when their askers' tasks are done."""
        self._closing = True
        for answer in self._admission.answers:
            if answer.started_at is None:
                answer.fail(ShuttingDown())
        others = self._tasks - {asyncio.current_task()}
        for patience in (self._grace, self._last_words):
            if others:
                _, others = await asyncio.wait(others, timeout=patience)
            for answer in self._admission.answers:
                answer.stop() if answer.text else answer.fail(ShuttingDown())

    # Around every answer, in the asker's task.

    @asynccontextmanager
    async def _under_way(self, asker: int, line: Line, hourly_limit: int | None) -> AsyncIterator[Answer]:
        """An answer with its place in a line; on leaving, what is stored of it is completed or undone."""
        self._observer.asked()
        if self._closing:
            raise ShuttingDown
        with self._admission.admitted(asker, line, hourly_limit) as answer:
            self._note_task()
            with self._summaries.paused() if self._summaries else nullcontext():
                try:
                    yield answer
                    if answer.error:
                        raise answer.error
                    await self._commit(answer)
                except Exception:
                    await self._roll_back(answer)
                    raise
            if answer.first_text_at is not None:
                now = time.monotonic()
                self._observer.answered(answer.first_text_at - answer.asked_at, now - answer.asked_at)

    @asynccontextmanager
    async def _again(
        self,
        channel: ChannelRef,
        message: int | None,
        asker: int,
        *,
        continues: bool,
        placeholders: Placeholders,
        fetch_context: FetchContext | None,
        hourly_limit: int | None,
    ) -> AsyncIterator[Answer]:
        line = self._admission.line(channel.channel)
        async with (
            self._under_way(asker, line, hourly_limit) as answer,
            self._producing(
                answer, self._regenerate(answer, channel, message, placeholders, fetch_context, continues=continues)
            ),
        ):
            yield answer

    @asynccontextmanager
    async def _producing(self, answer: Answer, producer: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Run the producer of an answer. One that nobody reads any more is stopped."""
        task = asyncio.create_task(producer)
        try:
            yield
            answer.stop()
            await task
        finally:
            answer.stop()
            task.cancel()
            await asyncio.wait([task])

    def _note_task(self) -> None:
        """Have `close` wait for the asker's task, whatever it still does for the person."""
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _commit(self, answer: Answer) -> None:
        if answer.turn is None:
            return
        if not answer.turn.question:
            await self._roll_back(answer)
        elif answer.saved and not answer.discarded:
            await self._keep(answer)
            answer.forgotten = not await self._turns.save_messages(answer.turn, answer.shown_in, answer.keep)
        else:
            await self._undo(answer)

    async def _keep(self, answer: Answer) -> None:
        """Keep an answer as an example, of whose turn nothing may have been forgotten meanwhile."""
        if not (self._examples and answer.example):
            return
        *earlier, turn = answer.example.turns
        turn = replace(turn, answer=answer.said.strip(), answer_messages=answer.shown_in)
        example = replace(answer.example, turns=(*earlier, turn))
        with suppress(DatabaseError):  # the turn itself may still be stored
            if answer.continues and answer.replaces:
                await self._examples.extend(answer.replaces, example)
            else:
                await self._examples.add(example)

    async def _roll_back(self, answer: Answer) -> None:
        with suppress(DatabaseError):
            await self._undo(answer)

    async def _undo(self, answer: Answer) -> None:
        """Drop the turn, or have it as it was before its answer was to be replaced, if that is still shown."""
        if answer.turn is None:
            return
        old = None if answer.replaced else answer.replaces
        if old and not answer.discarded:
            await self._turns.save_answer(old, old.answer, old.beginning)
        if old and not answer.discarded:  # asked again: its message may have been deleted meanwhile
            answer.forgotten = not await self._turns.save_messages(old, old.answer_messages, answer.keep)
        else:
            await self._turns.drop(answer.turn)

    # The producers of answers, each in a task of its own.

    async def _answer(self, answer: Answer, question: Question) -> None:
        with answer.filling():
            turn = answer.turn = await self._turns.begin(_new_turn(question))
            if question.fetch_text and (text := await question.fetch_text()) != question.text:
                await self._turns.save_question(turn, text)
            if not await answer.wait_for_place():
                return
            channel = turn.channel.channel
            settings = await self._settings(turn.channel, question.placeholders)
            earlier = await self._turns.recent(channel, settings.turns)
            if question.fetch_thread_starter and not earlier and not await self._turns.cleared(channel):
                await self._turns.prepend(turn, await question.fetch_thread_starter())
            turn = await self._turns.current(turn)
            answer.keep = settings.turns
            answer.regenerable = settings.turns > 0
            answer.outdated = await self._turns.outdated(channel, settings.turns)
            context = await _context(turn, question.fetch_context)
            await self._generate(answer, turn, earlier, settings, question.placeholders.bot, context)

    async def _regenerate(
        self,
        answer: Answer,
        channel: ChannelRef,
        message: int | None,
        placeholders: Placeholders,
        fetch_context: FetchContext | None,
        *,
        continues: bool,
    ) -> None:
        with answer.filling():
            if not await answer.wait_for_place():
                return
            settings = await self._settings(channel, placeholders)
            # Beside the turn, as many as were before it when it was first answered, if they are still there.
            recent = await self._turns.recent(channel.channel, settings.turns and settings.turns + 1)
            old = await self._find_regenerable(channel, recent, message)
            if old is None or (continues and old.beginning is None):
                raise Stale
            answer.keep = settings.turns
            answer.regenerable = settings.turns > 0 and not any(turn.id > old.id for turn in recent)
            answer.turn = answer.replaces = old
            answer.continues = continues
            answer.cut = old.beginning is not None
            # Were the process killed now, recovery would show the old answer again.
            await self._turns.save_messages(old, (), settings.turns)
            earlier = [turn for turn in recent if turn.id < old.id]
            context = await _context(old, fetch_context)
            beginning = Beginning.load(old.beginning) if continues and old.beginning else None
            turn = replace(old, channel=channel)
            try:
                await self._generate(answer, turn, earlier, settings, placeholders.bot, context, beginning)
            except NotContinuable:
                answer.cut, answer.replaces = False, replace(old, beginning=None)
                raise

    async def _ask(self, answer: Answer, question: Question) -> None:
        with answer.filling():
            if question.message is not None:
                with suppress(DatabaseError):  # no reason not to answer
                    answer.turn = await self._turns.begin(_new_turn(replace(question, asker_name="", text="")))
            settings = await self._settings(question.channel, question.placeholders)
            text = await question.fetch_text() if question.fetch_text else question.text
            prompt = Prompt(settings.persona, (), None, text)
            if stream := self._submit(answer, prompt, settings, question.channel.channel):
                await self._read(answer, stream, prompt, question.placeholders.bot)

    async def _settings(self, channel: ChannelRef, placeholders: Placeholders) -> ChannelSettings:
        """The settings in effect, with the placeholders of the persona filled in."""
        settings = await self._channel_settings.effective(channel)
        return replace(settings, persona=placeholders.fill(settings.persona, date.today()))

    async def _find_regenerable(self, channel: ChannelRef, recent: Sequence[Turn], message: int | None) -> Turn | None:
        if message is None:
            return await self._turns.newest(channel.channel)
        newest = next(reversed(recent), None)
        if newest and message in newest.answer_messages:
            return newest
        turn = await self._turns.find(channel.channel, message)
        return None if turn is None or turn.answer else turn

    async def _generate(
        self,
        answer: Answer,
        turn: Turn,
        earlier: Sequence[Turn],
        settings: ChannelSettings,
        bot_name: str,
        context: tuple[Remark, ...],
        beginning: Beginning | None = None,
    ) -> None:
        """Have a turn's question answered, or its answer continued, and save the text before readers see the end."""
        prompt = replace(await self._prompt(turn, earlier, settings), context=context, beginning=beginning)
        stream = self._submit(answer, prompt, settings, turn.channel.channel)
        if stream is None:
            return
        try:
            await self._read(answer, stream, prompt, bot_name)
        except NoAnswer:
            if turn.answer or not (stream.reasoned and stream.beginning):
                raise
            answer.note(STILL_THINKING)
            answer.regenerable = True  # in any place, like a question whose answer was interrupted
        said = answer.said.strip()
        if beginning and answer.stopped and turn.answer.startswith(said):  # nothing new
            await self._save(answer, turn, turn.answer, turn.beginning)
        elif stream.beginning and not answer.stopped:
            await self._save(answer, turn, said, replace(stream.beginning, said=answer.said).dump())
        elif said:
            await self._save(answer, turn, said)
        if self._examples and said:
            engine, read = self._engine.status(), stream.turns_read
            turns = (*(earlier if read is None else earlier[len(earlier) - read :]), turn)
            sampling = asdict(self._sampling_of(settings))
            answer.example = Example(settings.persona, turns, engine.model, engine.digest, sampling)

    def _submit(self, answer: Answer, prompt: Prompt, settings: ChannelSettings, channel: int) -> Stream | None:
        """Have a prompt answered, unless the answer has been stopped."""
        return None if answer.stopped else self._engine.submit(prompt, self._sampling_of(settings), channel)

    async def _read(self, answer: Answer, stream: Stream, prompt: Prompt, bot_name: str) -> None:
        """Fill an answer with what may be shown of a stream."""
        said = FilterChain(SpeakerFilter(stream, prompt, bot_name), self._blocked_words.filter())
        await answer.read(stream, said, self._blocked_words.filter())

    async def _save(self, answer: Answer, turn: Turn, said: str, beginning: str | None = None) -> None:
        await self._turns.save_answer(turn, said, beginning)
        answer.turn = replace(turn, beginning=beginning)
        answer.saved, answer.cut = True, beginning is not None

    def _sampling_of(self, settings: ChannelSettings) -> Sampling:
        return replace(self._sampling, temperature=settings.temperature, max_new_tokens=settings.answer_length)

    async def _prompt(self, turn: Turn, earlier: Sequence[Turn], settings: ChannelSettings) -> Prompt:
        summary = await self._turns.summary(turn.channel.channel) if self._summaries and settings.turns else ""
        return prompt_for(settings.persona, [*earlier, turn], summary)


async def _context(turn: Turn, fetch: FetchContext | None) -> tuple[Remark, ...]:
    """What was said before a question, but for what it quotes."""
    remarks = await fetch(turn.question_message) if fetch and turn.question_message else ()
    question = " ".join(turn.question.split())
    return tuple(remark for remark in remarks if f"wrote: {remark.text}" not in question)


def prompt_for(system: str, turns: Sequence[Turn], summary: str = "") -> Prompt:
    """The prompt for the last of the turns. The model is told names only in a guild, where several people talk."""
    *earlier, turn = turns
    shared = turn.channel.guild is not None
    exchanges = (Exchange(each.asker_name if shared else None, each.question, each.answer) for each in earlier)
    return Prompt(system, tuple(exchanges), turn.asker_name if shared else None, turn.question, summary)


def _new_turn(question: Question) -> Turn:
    return Turn(
        question.channel,
        question.asker,
        question.asker_name,
        question.text,
        "",
        datetime.now(UTC),
        question.message,
        people=question.people,
    )
