"""Whatever people do at the same time, no word of one channel reaches another, and no answer another question."""

import asyncio
import os
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.admission import Admission, Busy
from bot.conversation.conversations import Conversations, Question, Stale
from bot.conversation.summary import SPARE, Summaries
from bot.engine import Sampling, Stream
from bot.engine.prompt import Prompt, messages
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelLimits, ChannelSettings, ChannelSettingsStore
from bot.storage.database import Database, open_database
from bot.storage.turns import TurnStore
from tests.conversation.test_conversations import Screen
from tests.support.scripted import ScriptedEngine

STEPS = 120
TURNS = 2  # that a channel keeps word for word, so that summaries begin early
PEOPLE = range(1, 6)
CHANNELS = (ChannelRef(7, guild=1), ChannelRef(8, guild=1), ChannelRef(9))
WORD = re.compile(r"(\d+)-secret-(\d+)")  # of a question and its answer: the channel and the message


def word(channel: int, message: int) -> str:
    return f"{channel}-secret-{message}"


def channels(text: str) -> set[int]:
    """The channels that a text has words of."""
    return {int(channel) for channel, _ in WORD.findall(text)}


class Repeating(ScriptedEngine):
    """Answers with the words of the question. Some answers wait for their event in `held` before they end."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self.held: list[asyncio.Event] = []

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        hold = asyncio.Event()
        if self._chance.random() < 0.5:
            hold.set()
        self.held.append(hold)
        said = " ".join(word(*found) for found in WORD.findall(prompt.question))
        self._scripts = [[said[:5], hold, said[5:]]]
        return super().submit(prompt, sampling, channel)


class Crowd:
    """People who do at random, in several channels at once, what people can do."""

    def __init__(self, path: Path, seed: int, database: Database) -> None:
        self._path = path
        self._chance = random.Random(seed)
        self._numbers = count(100)
        self._questions: list[tuple[int, int]] = []  # channels and messages
        self._asked: list[tuple[ChannelRef, Screen, asyncio.Task[None]]] = []
        self.engine = Repeating(self._chance)
        self._turns = TurnStore(database, SPARE)
        settings = ChannelSettingsStore(
            database, ChannelSettings("Be kind.", 0, 99, TURNS), ChannelLimits(1.5, 99, TURNS)
        )
        self.summaries = Summaries(self.engine, self._turns, settings, max_new_tokens=99, retry_interval=0.01)
        self._conversations = Conversations(
            self.engine,
            self._turns,
            settings,
            Admission(self.engine, queue_limit=20, cooldown=0),
            sampling=Sampling(),
            summaries=self.summaries,
            grace=1,
            last_words=1,
        )

    async def step(self) -> None:
        """Have somebody do something, and let a little happen."""
        channel = self._chance.choice(CHANNELS)
        actions = {
            self._ask: 30,
            self._command: 8,
            self._regenerate: 10,
            self._delete: 20,
            self._edit: 5,
            self._clear: 8,
            self._forget: 5,
            self._replace_file: 2,
            self._end_some: 22,
        }
        (action,) = self._chance.choices([*actions], [*actions.values()])
        await action(channel)
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(self._chance.choice([0, 0, 0.002]))

    async def end(self) -> None:
        """Let all answers end, and check what they showed."""
        while any(not task.done() for _, _, task in self._asked):
            await self._end_some(None, all_of_them=True)
            await asyncio.sleep(0.001)
        for channel, screen, task in self._asked:
            task.result()
            assert channels(screen.text) <= {channel.channel}, "shown"

    def check_prompts(self) -> None:
        """Assert that each prompt holds words of its own channel alone."""
        for prompt, channel in zip(self.engine.prompts, self.engine.channels, strict=True):
            found = channels(str(messages(prompt)))
            assert len(found) == 1, "prompted"
            assert channel in (None, *found), "prompted"

    def check_file(self) -> None:
        """Assert that each channel's rows hold words of its own alone, and each answer those of its question."""
        with closing(sqlite3.connect(self._path)) as file:
            turns = file.execute("SELECT channel, question, answer FROM turns").fetchall()
            summaries = file.execute("SELECT channel, text FROM summaries").fetchall()
        for channel, question, answer in turns:
            assert channels(question) <= {channel}, "stored"
            assert {*WORD.findall(answer)} <= {*WORD.findall(question)}, "stored"
        for channel, text in summaries:
            assert channels(text) == {channel}, "summarized"

    def _question(self, channel: ChannelRef) -> Question:
        person, message = self._chance.choice(PEOPLE), next(self._numbers)
        self._questions.append((channel.channel, message))
        return Question(channel, person, f"Person {person}", word(channel.channel, message), message)

    def _show(self, channel: ChannelRef, make: Callable[[], Any]) -> None:
        screen = Screen(next(self._numbers))
        self._questions.append((channel.channel, *screen.messages))

        async def show() -> None:
            with suppress(Busy, Stale):
                await screen.show(make())

        self._asked.append((channel, screen, asyncio.create_task(show())))

    async def _ask(self, channel: ChannelRef) -> None:
        question = self._question(channel)
        self._show(channel, lambda: self._conversations.answering(question))

    async def _command(self, channel: ChannelRef) -> None:
        question = self._question(channel)
        self._show(channel, lambda: self._conversations.asking(question))

    async def _regenerate(self, channel: ChannelRef) -> None:
        recent = await self._turns.recent(channel.channel)
        message = recent[-1].answer_messages[-1] if recent and recent[-1].answer_messages else None
        self._show(channel, lambda: self._conversations.regenerating(channel, message, self._chance.choice(PEOPLE)))

    async def _delete(self, _: ChannelRef) -> None:
        if self._questions:
            await self._turns.forget_message(*self._chance.choice(self._questions[-3:]))

    async def _edit(self, _: ChannelRef) -> None:
        if self._questions:
            channel, message = self._chance.choice(self._questions[-3:])
            await self._turns.edit_question(channel, message, f"edited {word(channel, message)}")

    async def _clear(self, channel: ChannelRef) -> None:
        await self._conversations.clear(channel)

    async def _forget(self, _: ChannelRef) -> None:
        await self._turns.forget_person(self._chance.choice(PEOPLE))

    async def _replace_file(self, _: ChannelRef) -> None:
        """Put the last copy of the file in its place, and make another."""
        copy = self._path.with_name("copy.db")
        if copy.exists():
            copy.replace(self._path)
            await self._turns.recent(0)
        with closing(sqlite3.connect(self._path)) as file:
            file.execute("VACUUM INTO ?", (os.fspath(copy),))

    async def _end_some(self, _: ChannelRef | None, *, all_of_them: bool = False) -> None:
        for hold in self.engine.held:
            if all_of_them or self._chance.random() < 0.5:
                hold.set()


@pytest.mark.parametrize("seed", range(8))
async def test_no_word_of_one_channel_is_stored_shown_or_prompted_in_another(path, seed):
    async with open_database(path) as database:
        crowd = Crowd(path, seed, database)
        async with crowd.summaries.running():
            for _ in range(STEPS):
                await crowd.step()
                crowd.check_file()
            await crowd.end()
            await asyncio.sleep(0.05)  # some summaries are written
        crowd.check_file()
        crowd.check_prompts()
        await crowd.engine.close()
